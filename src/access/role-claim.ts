import type { RoleMapping } from './access-settings.schema.ts';
import type { Role } from './access.schema.ts';

/**
 * The role that a claim stands for; undefined when no value of it is mapped. Where several are, the first of the configuration wins.
 *
 * @example
 * roleOfClaims({ realm_access: { roles: ['ward-3', 'nurses'] } }, { rolesClaim: 'realm_access.roles', roles: { nurses: 'NURSE' } }); // NURSE
 */
export function roleOfClaims(claims: Readonly<Record<string, unknown>>, mapping: RoleMapping): Role | undefined {
  const found = claimAt(claims, mapping.rolesClaim);
  const values = new Set((Array.isArray(found) ? found : [found]).filter((value) => typeof value === 'string'));
  return Object.entries(mapping.roles).find(([value]) => values.has(value))?.[1];
}

/** A claim by its whole name, which may contain dots itself (`https://example.org/roles`), else by its path. */
function claimAt(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name
    .split('.')
    .reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined),
      claims,
    );
}
