import { z } from 'zod';
import { Role, Scope } from './access.schema.ts';

/** Shapes of sessions, and of what a caller learns about itself. */

export const SessionMethod = z.enum(['PASSWORD', 'OIDC']);
export type SessionMethod = z.infer<typeof SessionMethod>;

const Instant = z.iso.datetime();

export const Session = z
  .object({
    id: z.string(),
    accountId: z.string(),
    method: SessionMethod,
    createdAt: Instant,
    lastSeenAt: Instant,
    expiresAt: Instant,
    endedAt: Instant.nullable(),
    address: z.string().nullable(),
    userAgent: z.string().nullable(),
  })
  .meta({ id: 'Session' });
export type Session = z.infer<typeof Session>;

export const SessionList = z
  .object({ items: z.array(z.object({ ...Session.omit({ accountId: true, endedAt: true }).shape, current: z.boolean() })) })
  .meta({ id: 'SessionList', description: 'Sessions that still work, newest first.' });
export type SessionList = z.infer<typeof SessionList>;

export const WhoAmI = z
  .object({
    kind: z.enum(['account', 'key', 'token', 'trusted']),
    id: z.string(),
    name: z.string(),
    role: Role,
    scopes: z.array(Scope),
    userId: z.string().optional(),
    sessionId: z.string().optional(),
    csrfToken: z.string().optional().describe('Send it as x-csrf-token with every request that changes something; there with a session cookie only.'),
  })
  .meta({ id: 'WhoAmI' });
export type WhoAmI = z.infer<typeof WhoAmI>;
