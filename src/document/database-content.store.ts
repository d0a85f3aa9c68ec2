import { sql } from 'kysely';
import type { Ctx, Db } from '../db/context.ts';
import { translateDatabaseError } from '../db/sqlstate.ts';
import { type ContentStore, contentLost, inPieces, measured } from './content-store.ts';

export const pieceLength = 256 * 1024;

/**
 * Keeps bytes in `patient_document_chunks`, under a row of `patient_document_contents` with the key.
 *
 * Every piece is written and read by a statement of its own: between two pieces of a slow client neither a connection nor a
 * transaction is held. On a transaction of the host everything belongs to that.
 */
export const databaseContents: ContentStore = createDatabaseContents(pieceLength);

export function createDatabaseContents(length: number): ContentStore {
  return {
    name: 'DATABASE',
    async put(ctx, key, bytes) {
      const counted = measured(bytes);
      let number = 0;
      for await (const piece of inPieces(counted.bytes, length)) {
        await translated(home(ctx).insertInto('patient_document_chunks').values({ contentId: key, number, bytes: piece }).execute());
        number += 1;
      }
      return counted.result();
    },
    async *read(ctx, key, range) {
      const stored = range.first === 0 ? 1 : await firstLength(ctx, key);
      // Where the reading begins: only when it begins in the middle does the length of the pieces matter.
      let number = Math.floor(range.first / stored);
      let at = number * stored;
      while (at <= range.last) {
        const piece = await findPiece(ctx, key, number);
        if (!piece) throw contentLost(key);
        yield piece.subarray(Math.max(0, range.first - at), Math.min(piece.length, range.last - at + 1));
        at += piece.length;
        number += 1;
      }
    },
    async remove(ctx, key) {
      await translated(home(ctx).deleteFrom('patient_document_chunks').where('contentId', '=', key).execute());
    },
    // A piece without its row cannot be: the foreign key sees to that.
    async *listKeys() {},
    close: async () => undefined,
  };
}

/** Statements outside a transaction find the tables by the schema's name, as nothing sets the search path there. */
function home(ctx: Ctx): Db {
  return ctx.schema === undefined ? ctx.db : (ctx.db.withSchema(ctx.schema) as Db);
}

/** As base64: the driver asks for texts, and hexadecimal, the text of a bytea, is half as fast (33 to 37 MB/s against 41 to 79 on two busy cores). */
async function findPiece(ctx: Ctx, key: string, number: number): Promise<Buffer | undefined> {
  const query = home(ctx)
    .selectFrom('patient_document_chunks')
    .select(sql<string>`encode(bytes, 'base64')`.as('encoded'))
    .where('contentId', '=', key)
    .where('number', '=', number);
  const row = await translated(query.executeTakeFirst());
  return row && Buffer.from(row.encoded, 'base64');
}

async function firstLength(ctx: Ctx, key: string): Promise<number> {
  const query = home(ctx).selectFrom('patient_document_chunks').select(sql<number>`octet_length(bytes)`.as('length'));
  const row = await translated(query.where('contentId', '=', key).where('number', '=', 0).executeTakeFirst());
  if (!row) throw contentLost(key);
  return row.length;
}

async function translated<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (thrown) {
    throw translateDatabaseError(thrown);
  }
}
