import { showPatients } from '../access/break-glass.service.ts';
import { requireScope } from '../access/field-rights.ts';
import { readPatients } from '../access/lagging-patients.service.ts';
import type { ShownPatient } from '../access/restricted.schema.ts';
import { type AuditRow, auditRow } from '../audit/audit-row.ts';
import { createBatcher } from '../base/batcher.ts';
import type { Ctx, Db } from '../db/context.ts';
import { inOneStatement, inTransaction, runsAlone } from '../db/transaction.ts';
import type { Page } from '../patient/patient.schema.ts';
import { type PatientRow, toPatient } from '../patient/patient-row.ts';
import { kindOfQuery } from './kind-of-query.ts';
import { type Rank, rank, slipsBetween, slipsForgiven } from './rank.ts';
import type { SearchMatch, TypedSearch } from './search.schema.ts';
import {
  type CandidateRow,
  type Filters,
  fewCandidates,
  findCandidates,
  findSearchedParts,
  findSimilarWords,
  findSurvivors,
  insertSearches,
} from './search.store.ts';
import { beginningQuery, deletesOf, endOfNumber, exactQuery, readTyped, similarQuery, type TypedQuery, wordsToCorrect } from './typed-query.ts';

/** Words that one mistyped word may stand for; the nearest first. */
const mostCorrections = 40;

/** A page of a search by typed text. */
export interface TypedPage extends Page<ShownPatient> {
  /** One for each of items, in their order. */
  readonly matches: readonly SearchMatch[];
  /** Whether more charts fit than are shown: type more. */
  readonly more: boolean;
}

interface Hit {
  readonly row: PatientRow;
  readonly rank: Rank;
  readonly mergedFrom: string | null;
}

/**
 * Charts that fit what somebody typed, best first, each with its reasons. Words are looked for whole, then as beginnings, then
 * with slips of the hand; as soon as enough is found the rest is left.
 *
 * The trail keeps which charts were shown, not what was typed. Viewers get restricted charts masked, after all others, and
 * only for what names a person whole.
 */
export async function searchTyped(ctx: Ctx, search: TypedSearch): Promise<TypedPage> {
  requireScope(ctx.viewer, 'patient.search');
  const query = readTyped(search.q);
  const began = performance.now();
  const work = async (inside: Ctx): Promise<{ page: TypedPage; audit: AuditRow }> => {
    let cut = false;
    // A chart that was restricted a moment ago is so for whoever a lagging replica answers, too.
    const hits = await readPatients(inside, async (reader) => {
      const found = query.parts.length === 0 ? { candidates: [], cut: false } : await findAll(inside, reader, { query, search });
      cut = found.cut;
      const ranked = await rankAll(reader, query, found.candidates);
      return (search.includeMerged ? ranked : await leadOn(reader, ranked)).map((hit) => ({ ...hit, ...shutBy(hit.row) }));
    });
    const page = await show(inside, hits, { limit: search.limit, cut });
    return { page, audit: auditRow(inside, { action: 'patient.searched', patientId: null, after: told(search, page) }) };
  };
  if (!runsAlone(ctx)) {
    return inTransaction(ctx, async (inside) => {
      const { page, audit } = await work(inside);
      await insertSearches(inside.db, [audit]);
      return page;
    });
  }
  // Only reads until here: nothing of it needs a transaction. The answer leaves when its audit row is kept.
  const { page, audit } = await inOneStatement(ctx, work);
  await recorderOf(ctx.db)({ ctx, audit });
  ctx.meter?.searched(kindOfQuery(query), performance.now() - began);
  return page;
}

/** What decides about showing it. */
function shutBy({ id, restricted, mergedInto }: PatientRow) {
  return { id, restricted, mergedInto };
}

/** Audit rows of searches that end together are one statement, and one wait for the disk. */
const recorders = new WeakMap<Db, (item: { ctx: Ctx; audit: AuditRow }) => Promise<void>>();

function recorderOf(db: Db): (item: { ctx: Ctx; audit: AuditRow }) => Promise<void> {
  let found = recorders.get(db);
  if (!found) {
    found = createBatcher(
      async (items: readonly { ctx: Ctx; audit: AuditRow }[]) => {
        const [first] = items;
        if (first)
          await inOneStatement(first.ctx, (inside) =>
            insertSearches(
              inside.db,
              items.map(({ audit }) => audit),
            ),
          );
        return items.map(() => undefined);
      },
      { inFlight: 2, most: 64 },
    );
    recorders.set(db, found);
  }
  return found;
}

function told(search: TypedSearch, page: TypedPage): Record<string, unknown> {
  const { limit: _limit, ...criteria } = search;
  const masked = page.items.filter((patient) => 'masked' in patient).map(({ id }) => id);
  return {
    fields: Object.entries(criteria).flatMap(([field, value]) => (value === undefined ? [] : [field])),
    patientIds: page.items.filter((patient) => !('masked' in patient)).map(({ id }) => id),
    ...(masked.length === 0 ? {} : { masked }),
  };
}

async function findAll(ctx: Ctx, db: Db, { query, search }: { query: TypedQuery; search: TypedSearch }): Promise<{ candidates: CandidateRow[]; cut: boolean }> {
  const filters: Filters = {
    status: search.status,
    deceased: search.deceased,
    gender: search.gender,
    bornFrom: search.bornFrom === undefined ? undefined : `${search.bornFrom}-01-01`,
    bornTo: search.bornTo === undefined ? undefined : `${search.bornTo}-12-31`,
  };
  const shared = { filters, guarded: ctx.viewer !== undefined };
  const few = query.parts.length === 1 && query.initials.length === 0 && search.limit < fewCandidates;
  const first = await findCandidates(db, {
    ...shared,
    whole: exactQuery(query),
    begun: beginningQuery(query),
    enough: enoughFor(query, search.limit),
    few,
    end: endOfNumber(query),
  });
  const { candidates } = first;
  const words = candidates.length < 3 && !candidates.some(({ stage }) => stage === 1) ? wordsToCorrect(query) : [];
  if (words.length > 0) {
    const known = await findSimilarWords(db, [...new Set(words.flatMap(deletesOf))]);
    const similar = new Map(words.map((word) => [word, corrections(word, known)]));
    const more = await findCandidates(db, { ...shared, whole: '', begun: similarQuery(query, similar), enough: 1 });
    const there = new Set(candidates.map(({ id }) => id));
    candidates.push(...more.candidates.filter(({ id }) => !there.has(id)));
    return { candidates, cut: first.cut || more.cut };
  }
  return first;
}

/** After how many charts found by whole terms their beginnings are not looked for. Nobody who types a whole number means the beginning of another. */
function enoughFor({ parts }: TypedQuery, limit: number): number {
  if (parts.every(({ names }) => names.length === 0)) return 1;
  return parts.length > 1 ? Math.min(5, limit) : limit;
}

function corrections(word: string, known: readonly string[]): string[] {
  const most = slipsForgiven(word);
  return known
    .map((other) => ({ other, slips: slipsBetween(word, other, most) }))
    .filter(({ slips }) => slips <= most)
    .toSorted((a, b) => a.slips - b.slips)
    .slice(0, mostCorrections)
    .map(({ other }) => other);
}

async function rankAll(db: Db, query: TypedQuery, rows: readonly CandidateRow[]): Promise<Hit[]> {
  const ranked = rows.map((row) => ({ row, rank: rank(query, row), mergedFrom: null }));
  const open = ranked.filter(({ rank: { unexplained } }) => unexplained > 0).map(({ row }) => row.id);
  if (open.length === 0) return sorted(ranked);
  const parts = await findSearchedParts(db, open);
  return sorted(
    ranked
      .map((hit) => (parts.has(hit.row.id) ? { ...hit, rank: rank(query, { ...hit.row, ...parts.get(hit.row.id) }) } : hit))
      .filter(({ rank: { wrongNumber } }) => !wrongNumber),
  );
}

/** Best first; what fits alike in the order of names, so that the same search gives the same page. */
function sorted(hits: readonly Hit[]): Hit[] {
  const key = ({ row }: Hit) => `${row.lastName}\n${row.firstName ?? ''}\n${row.id}`;
  return hits.toSorted((a, b) => b.rank.score - a.rank.score || (key(a) < key(b) ? -1 : 1));
}

/** A merged chart is shown as the one that it leads to, once. */
async function leadOn(db: Db, hits: readonly Hit[]): Promise<Hit[]> {
  const merged = hits.filter(({ row }) => row.mergedInto !== null).map(({ row }) => row.id);
  if (merged.length === 0) return [...hits];
  const survivors = await findSurvivors(db, merged);
  const shown = new Map<string, Hit>();
  for (const hit of hits) {
    const target = hit.row.mergedInto === null ? hit.row : survivors.get(hit.row.id);
    if (!target || shown.has(target.id)) continue;
    shown.set(target.id, target === hit.row ? hit : { row: target, rank: ofMerged(hit.rank), mergedFrom: hit.row.id });
  }
  return [...shown.values()];
}

function ofMerged(of: Rank): Rank {
  return {
    ...of,
    reasons: of.reasons.map((reason) => ({
      ...reason,
      ...(reason.field === 'mrn' ? { field: 'formerMrn' as const } : {}),
      text: `${reason.text} of a chart that was merged into this one`,
    })),
  };
}

/** The answer: open charts in their order, then masked ones in the order of their ids, as their place would tell how well they fit. */
async function show(ctx: Ctx, hits: readonly Hit[], { limit, cut }: { limit: number; cut: boolean }): Promise<TypedPage> {
  // Of ordinary charts those that fill the page are enough; of the others any may come out open or masked.
  const isOrdinary = ({ row }: Hit) => !row.restricted && row.mergedInto === null;
  const ordinary = new Set(hits.filter(isOrdinary).slice(0, limit));
  const wanted = hits.filter((hit) => ordinary.has(hit) || !isOrdinary(hit));
  const { shown } = await showPatients(
    ctx,
    wanted.map(({ row }) => toPatient(row)),
  );
  const open: { item: ShownPatient; match: SearchMatch }[] = [];
  const masked: typeof open = [];
  for (const [at, item] of shown.entries()) {
    const hit = wanted[at] as Hit;
    const { score, reasons, identifies } = hit.rank;
    if (!('masked' in item)) open.push({ item, match: { id: item.id, score, reasons: [...reasons], mergedFrom: hit.mergedFrom } });
    else if (identifies) masked.push({ item, match: { id: item.id, score: null, reasons: [], mergedFrom: null } });
  }
  const all = [...open, ...masked.toSorted((a, b) => (a.item.id < b.item.id ? -1 : 1))];
  const page = all.slice(0, limit);
  return {
    items: page.map(({ item }) => item),
    matches: page.map(({ match }) => match),
    more: cut || all.length > limit || hits.filter(isOrdinary).length > limit,
    nextCursor: null,
    total: null,
  };
}
