import { z } from 'zod';
import { oneOf } from '../base/fields.ts';

/** What one box takes, and what it answers beside the charts. */

export const typedText = z
  .string({ error: 'must be a text' })
  .max(200, { error: 'must be at most 200 characters; give a name, a date of birth or a number' })
  .describe(
    'What somebody typed: names in any order, parts of names, a date of birth, a record number, the last digits of a telephone number, any identifier.',
  );

const year = z.int({ error: 'must be a year' }).min(1850, { error: 'must be 1850 or later' }).max(2100, { error: 'must be 2100 or earlier' });

/** Filters of a search by typed text; they are combined with AND. */
export const typedFilters = {
  deceased: z.boolean().optional().describe('Only those who have died, or only those who live. Goes with q.'),
  gender: oneOf(['MALE', 'FEMALE', 'OTHER', 'UNKNOWN']).optional().describe('Goes with q.'),
  bornFrom: year.optional().describe('Born in this year or later. Goes with q.'),
  bornTo: year.optional().describe('Born in this year or earlier. Goes with q.'),
  includeMerged: z.boolean().optional().describe('Show merged charts themselves, not the charts that they lead to. Goes with q.'),
};

export const MatchReason = z
  .object({
    field: oneOf(['name', 'otherName', 'dateOfBirth', 'mrn', 'formerMrn', 'phone', 'earlierPhone', 'email', 'identifier']),
    match: oneOf(['exact', 'beginning', 'similar', 'part']),
    text: z.string().describe('The same in words, such as: family name, one letter differs.'),
  })
  .meta({ id: 'MatchReason', description: 'Why a chart was found.' });
export type MatchReason = z.infer<typeof MatchReason>;

export const SearchMatch = z
  .object({
    id: z.string().describe('The chart, as in items.'),
    score: z.number().nullable().describe('From 0 to 1; 1 is everything as it was typed. Null for a masked chart.'),
    reasons: z.array(MatchReason).describe('One for each part of what was typed. None for a masked chart.'),
    mergedFrom: z.string().nullable().describe('The chart that was found and was merged into this one; null when it was found itself.'),
  })
  .meta({ id: 'SearchMatch', description: 'How well a chart fits what was typed, and why.' });
export type SearchMatch = z.infer<typeof SearchMatch>;

export interface TypedSearch {
  readonly q: string;
  readonly status?: 'ACTIVE' | 'INACTIVE' | 'DECEASED' | 'ARCHIVED' | undefined;
  readonly deceased?: boolean | undefined;
  readonly gender?: 'MALE' | 'FEMALE' | 'OTHER' | 'UNKNOWN' | undefined;
  readonly bornFrom?: number | undefined;
  readonly bornTo?: number | undefined;
  readonly includeMerged?: boolean | undefined;
  readonly limit: number;
}
