import { z } from 'zod';
import { Role } from './access.schema.ts';

/** Shapes of accounts: the people who may sign in. */

/** A line of text. Control characters have no place in a name. */
export const nameLine = (max: number) =>
  z
    .string({ error: 'must be text' })
    .normalize('NFC')
    .trim()
    .min(1, { error: 'must not be empty' })
    .max(max, { error: `must be at most ${max} characters` })
    .regex(/^\P{Cc}*$/u, { error: 'must not contain control characters' });

/** Lower case and ASCII alone, so that no two names look alike. */
export const Username = z
  .string({ error: 'must be text' })
  .trim()
  .toLowerCase()
  .min(2, { error: 'must be at least 2 characters' })
  .max(100, { error: 'must be at most 100 characters' })
  .regex(/^[a-z0-9][a-z0-9._@+-]*$/, { error: 'must consist of letters a to z, digits and . _ @ + -, and begin with a letter or digit' })
  .meta({ examples: ['a.njeri'] });

/** As typed. Its rules are those of `checkNewPassword`; the bounds here keep hostile input small. */
const TypedPassword = z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' }).max(1024, { error: 'must be at most 1024 characters' });

/** The limits are for the description; `checkNewPassword` counts in the normal form and says which rule is broken. */
export const NewPassword = TypedPassword.describe(
  'At least 12 characters; spaces and every script are allowed. Common passwords and the username are refused.',
).meta({ minLength: 12, maxLength: 256 });

const UserId = z
  .string({ error: 'must be text' })
  .trim()
  .min(1, { error: 'must not be empty' })
  .max(255, { error: 'must be at most 255 characters' })
  .regex(/^[^\0]*$/, { error: 'must not contain the character U+0000' })
  .describe("The user of the host's users table whose work this account does; changes of charts carry this id.");

export const NewAccount = z
  .strictObject({
    username: Username,
    displayName: nameLine(200),
    role: Role,
    userId: UserId.nullish(),
    password: NewPassword.optional().describe('Left out, one is generated and shown once.'),
  })
  .meta({ id: 'NewAccount' });
export type NewAccount = z.infer<typeof NewAccount>;

export const AccountChanges = z
  .strictObject({ displayName: nameLine(200), role: Role, userId: UserId.nullable(), disabled: z.boolean({ error: 'must be true or false' }) })
  .partial()
  .meta({ id: 'AccountChanges' });
export type AccountChanges = z.infer<typeof AccountChanges>;

export const PasswordChange = z.strictObject({ currentPassword: TypedPassword, newPassword: NewPassword }).meta({ id: 'PasswordChange' });
export type PasswordChange = z.infer<typeof PasswordChange>;

export const PasswordReset = z
  .strictObject({ password: NewPassword.optional().describe('Left out, one is generated and shown once.') })
  .meta({ id: 'PasswordReset' });
export type PasswordReset = z.infer<typeof PasswordReset>;

export const SignIn = z
  .strictObject({
    username: z.string({ error: 'must be text' }).max(200, { error: 'must be at most 200 characters' }),
    password: TypedPassword,
  })
  .meta({ id: 'SignIn' });
export type SignIn = z.infer<typeof SignIn>;

const Instant = z.iso.datetime();

/** An account as administrators see it. No password and no hash of one ever leaves the store. */
export const Account = z
  .object({
    id: z.string(),
    username: z.string(),
    displayName: z.string(),
    role: Role,
    userId: z.string().nullable(),
    hasPassword: z.boolean(),
    oidcIssuer: z.string().nullable(),
    lockedUntil: Instant.nullable().describe('Until when every attempt to sign in is refused.'),
    lastSignInAt: Instant.nullable(),
    disabledAt: Instant.nullable(),
    createdAt: Instant,
    updatedAt: Instant,
  })
  .meta({ id: 'Account' });
export type Account = z.infer<typeof Account>;

export const AccountList = z.object({ items: z.array(Account) }).meta({ id: 'AccountList' });

/** The password is there when it was generated, this one time. */
export const AccountWithPassword = z.object({ account: Account, generatedPassword: z.string().optional() }).meta({ id: 'AccountWithPassword' });
export type AccountWithPassword = z.infer<typeof AccountWithPassword>;
