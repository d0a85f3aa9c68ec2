import { z } from 'zod';
import { Role } from './access.schema.ts';
import { nameLine } from './account.schema.ts';

/** Shapes of service keys. */

const Instant = z.iso.datetime();

export const NewKey = z
  .strictObject({
    name: nameLine(100).describe('Which service gets it.'),
    role: Role,
    expiresAt: z.iso
      .datetime({ offset: true, error: 'must be an instant with its offset, such as 2027-01-01T00:00:00Z' })
      .nullish()
      .describe('From when it is refused; left out, never.'),
  })
  .meta({ id: 'NewKey' });
export type NewKey = z.infer<typeof NewKey>;

export const Key = z
  .object({
    id: z.string(),
    name: z.string(),
    role: Role,
    prefix: z.string().describe('The open part of the key, by which it is recognised.'),
    createdAt: Instant,
    expiresAt: Instant.nullable(),
    revokedAt: Instant.nullable(),
    lastUsedAt: Instant.nullable().describe('To the minute.'),
  })
  .meta({ id: 'Key' });
export type Key = z.infer<typeof Key>;

export const KeyList = z.object({ items: z.array(Key) }).meta({ id: 'KeyList' });

export const CreatedKey = z.object({ ...Key.shape, key: z.string().describe('The key itself, shown this one time.') }).meta({ id: 'CreatedKey' });
export type CreatedKey = z.infer<typeof CreatedKey>;
