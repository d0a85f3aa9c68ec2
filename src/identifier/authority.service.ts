import { requireScope } from '../access/field-rights.ts';
import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import type { Ctx } from '../db/context.ts';
import { sqlstateOf } from '../db/sqlstate.ts';
import { inTransaction } from '../db/transaction.ts';
import { userIdOf } from '../patient/chart.service.ts';
import { fitsPattern, listAuthorities, lockAuthority, upsertAuthority } from './authority.store.ts';
import { z } from 'zod';
import { AuthorityCode, type IdentifierAuthority, IdentifierAuthorityInput } from './identifier.schema.ts';

const Key = z.object({ code: AuthorityCode });

/** Who gives out numbers, in the order of their codes. */
export async function listIdentifierAuthorities(ctx: Ctx): Promise<IdentifierAuthority[]> {
  return inTransaction(ctx, (inside) => listAuthorities(inside.db));
}

/** Makes an authority or describes it anew. Numbers that are there already stay as they are. */
export async function defineIdentifierAuthority(ctx: Ctx, code: string, input: IdentifierAuthorityInput): Promise<IdentifierAuthority> {
  requireScope(ctx.viewer, 'registry.configure');
  const authority = { ...parseInput(Key, { code }), ...parseInput(IdentifierAuthorityInput, input) };
  return inTransaction(ctx, async (inside) => {
    if (authority.pattern !== null) await requirePattern(inside, authority.pattern);
    const before = await lockAuthority(inside.db, authority.code);
    const after = await upsertAuthority(inside.db, authority, { userId: userIdOf(inside), now: inside.clock.now() });
    await insertAuditEvent(inside, { action: 'identifier-authority.defined', patientId: null, before, after });
    return after;
  });
}

/** The server says whether it is a regular expression. Its error ends the work of this call, which has written nothing yet. */
async function requirePattern(ctx: Ctx, pattern: string): Promise<void> {
  try {
    await fitsPattern(ctx.db, pattern, '');
  } catch (error) {
    if (sqlstateOf(error) !== '2201B') throw error;
    throw new AppError('invalid', 'IDENTIFIER_PATTERN_MALFORMED', 'pattern is no regular expression of PostgreSQL. Correct it, such as [0-9]{8}[A-Z].', {
      field: 'pattern',
    });
  }
}
