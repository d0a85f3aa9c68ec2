import { type Role, roles, type Scope } from './access.schema.ts';

/** Whether a role holds a scope. An unknown role holds none. */
export function mayDo(role: string, scope: Scope): boolean {
  return Object.hasOwn(roles, role) && (roles[role as Role] as readonly Scope[]).includes(scope);
}
