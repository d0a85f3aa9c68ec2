import { randomInt } from 'node:crypto';
import { insertAuditEvent } from '../audit/audit.store.ts';
import type { SealingKey } from '../audit/seal.ts';
import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import { plainDateIn } from '../base/plain-date.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import { leaseForGood } from '../identifier/desk-lease.service.ts';
import { closeLease } from '../identifier/mrn.store.ts';
import { formatMrn } from '../identifier/mrn-format.ts';
import { findTakenMrns } from '../import/import.store.ts';
import { type DowntimeBlock, type DowntimeBlockFile, type DowntimeNumber, NewDowntimeBlock } from './downtime.schema.ts';
import { closeBlockRow, findBlock, holdBlock, insertBlock, listBlocks, listNumbers, settleNumber, type StoredBlock } from './downtime.store.ts';
import { type BlockStatement, sheetCheckCharacter, signBlock } from './statement.ts';

export interface BlockWithNumbers {
  readonly block: DowntimeBlock;
  readonly numbers: readonly DowntimeNumber[];
}

/** Without letters that look like digits. */
const codeAlphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function newCode(): string {
  const four = () => Array.from({ length: 4 }, () => codeAlphabet.charAt(randomInt(codeAlphabet.length))).join('');
  return `${four()}-${four()}`;
}

/**
 * Gives a desk a block of record numbers for good: nobody else is ever issued one of them. They come from the counter in one piece,
 * so that a gap in a stack of paper is seen; numbers that a chart carries already are left out.
 *
 * Errors: `DOWNTIME_VALIDITY_OVER` when the last day is in the past, `MRN_FORMAT_CHANGING`.
 */
export async function issueDowntimeBlock(
  ctx: Ctx,
  input: NewDowntimeBlock,
  { key, timeZone }: { key: SealingKey; timeZone: string },
): Promise<BlockWithNumbers> {
  const { desk, count, authority, validUntil, validFrom: from } = parseInput(NewDowntimeBlock, input);
  const now = ctx.clock.now();
  const today = plainDateIn(now, timeZone);
  const validFrom = from ?? today;
  if (validUntil < today || validUntil < validFrom) {
    throw new AppError(
      'invalid',
      'DOWNTIME_VALIDITY_OVER',
      'validUntil is before today or before validFrom. Give the last day on which the sheets may be used.',
      { field: 'validUntil' },
    );
  }
  const code = newCode();
  await inTransaction(ctx, async (inside) => {
    const { format, year, leases } = await leaseForGood(inside.db, { authority, size: count, at: now, instance: `downtime ${code}` });
    const candidates = Array.from({ length: leases.last - leases.first + 1 }, (_, index) => ({
      number: leases.first + index,
      mrn: formatMrn(format, { year, number: leases.first + index }),
    }));
    const taken = await findTakenMrns(
      inside.db,
      candidates.map(({ mrn }) => mrn),
    );
    const numbers = candidates.filter(({ mrn }) => !taken.has(mrn)).map((each) => ({ ...each, checkCharacter: sheetCheckCharacter(format, each.mrn) }));
    if (numbers.length === 0) {
      throw new AppError(
        'operator',
        'MRN_COUNTER_BEHIND',
        'Charts carry all the next record numbers already. Run onechart mrn report, and raise the counter above the numbers of the host.',
      );
    }
    const statement: BlockStatement = {
      code,
      desk,
      authority,
      validFrom,
      validUntil,
      numbers: numbers.map(({ mrn, checkCharacter }) => ({ mrn, checkCharacter })),
    };
    const signed = signBlock(statement, key);
    await insertBlock(inside.db, {
      code,
      desk,
      authorityCode: authority,
      year,
      mrnBlockId: leases.blockId,
      validFrom,
      validUntil,
      ...signed,
      issuedAt: now,
      numbers,
    });
    await insertAuditEvent(inside, {
      action: 'downtime.issued',
      patientId: null,
      after: { code, desk, authority, first: numbers[0]?.mrn, last: numbers.at(-1)?.mrn, count: numbers.length, validFrom, validUntil, keyId: signed.keyId },
    });
  });
  return getDowntimeBlock(ctx, code);
}

/** All blocks, oldest first; only those that are not accounted for with `open`. */
export function listDowntimeBlocks(ctx: Ctx, { open = false }: { open?: boolean } = {}): Promise<DowntimeBlock[]> {
  return listBlocks(ctx.db, { open });
}

/** A block with every number of it. Errors: `DOWNTIME_BLOCK_NOT_FOUND`. */
export async function getDowntimeBlock(ctx: Ctx, code: string): Promise<BlockWithNumbers> {
  const stored = await requireBlock(ctx, code);
  const numbers = await listNumbers(ctx.db, stored.id);
  return { block: stored.block, numbers: numbers.map(({ number: _number, ...each }) => each) };
}

async function requireBlock(ctx: Ctx, code: string): Promise<StoredBlock> {
  const stored = await findBlock(ctx.db, code.trim().toUpperCase());
  if (!stored) throw new AppError('not-found', 'DOWNTIME_BLOCK_NOT_FOUND', 'No downtime block has this code. List them with onechart downtime list.', {});
  return stored;
}

/** The block as a file that proves itself; see `blockIsGenuine`. */
export function blockFile({ block, numbers }: BlockWithNumbers): DowntimeBlockFile {
  const { code, desk, authority, validFrom, validUntil, keyId, signature } = block;
  return {
    kind: 'onechart-downtime-block',
    version: 1,
    code,
    desk,
    authority,
    validFrom,
    validUntil,
    numbers: numbers.map(({ mrn, checkCharacter }) => ({ mrn, checkCharacter })),
    keyId,
    signature,
  };
}

/** What becomes of the numbers that nobody has accounted for when a block is closed. */
export type RestOfBlock = 'void' | 'return' | 'missing';

/**
 * Closes a block. Every number of it must be used, void, returned or missing by then: numbers that are still open are refused, unless
 * `rest` says what became of all of them, with the reason. Returned numbers are issued again by the system, so they need every sheet in hand.
 *
 * Errors: `DOWNTIME_NUMBERS_OPEN`, `DOWNTIME_REASON_MISSING`, `DOWNTIME_BLOCK_CLOSED`, `DOWNTIME_BLOCK_NOT_FOUND`.
 */
export async function closeDowntimeBlock(ctx: Ctx, code: string, options: { rest?: RestOfBlock; reason?: string } = {}): Promise<BlockWithNumbers> {
  const known = (await requireBlock(ctx, code)).block.code;
  const { rest } = options;
  const reason = options.reason?.trim() || undefined;
  if (rest !== undefined && rest !== 'return' && reason === undefined) {
    throw new AppError('rule', 'DOWNTIME_REASON_MISSING', `Say why these numbers are ${rest}: give a reason.`, { code: known });
  }
  await inTransaction(ctx, async (inside) => {
    await requireOpenBlock(inside, known);
    const stored = await requireBlock(inside, known);
    const now = ctx.clock.now();
    const numbers = await listNumbers(inside.db, stored.id);
    const open = numbers.filter(({ state }) => state === 'OPEN');
    if (open.length > 0 && rest === undefined) {
      throw new AppError(
        'rule',
        'DOWNTIME_NUMBERS_OPEN',
        `${open.length} numbers of this block are not accounted for, the first on sheet ${open[0]?.place}. Find the sheets and reconcile them, or close with --rest and a reason.`,
        { code: known, open: open.length, sheets: open.map(({ place }) => place) },
      );
    }
    const state = rest === 'void' ? 'VOID' : rest === 'return' ? 'RETURNED' : 'MISSING';
    for (const { mrn } of open) await settleNumber(inside.db, mrn, { state, reason: reason ?? null, at: now });
    const returned = numbers.filter((each) => each.state === 'RETURNED' || (each.state === 'OPEN' && rest === 'return')).map(({ number }) => number);
    await closeLease(inside.db, stored.mrnBlockId, returned);
    await closeBlockRow(inside.db, known, { at: now, reason: reason ?? null });
    const { block } = await requireBlock(inside, known);
    await insertAuditEvent(inside, {
      action: 'downtime.closed',
      patientId: null,
      reason,
      after: { code: known, ...block.counts, ...(open.length > 0 ? { rest: state, restSheets: open.map(({ place }) => place) } : {}) },
    });
  });
  return getDowntimeBlock(ctx, known);
}

/** Holds the block in this transaction. Errors: `DOWNTIME_BLOCK_CLOSED`. */
export async function requireOpenBlock(inside: Ctx, code: string): Promise<void> {
  if (await holdBlock(inside.db, code)) return;
  throw new AppError('rule', 'DOWNTIME_BLOCK_CLOSED', 'This block is closed: every number of it is accounted for. Show it with onechart downtime show.', {
    code,
  });
}
