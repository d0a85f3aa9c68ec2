import { z } from 'zod';
import { BreakGlassGrant, BreakGlassInput, BreakGlassList, GrantTrailRow, ReviewInput } from '../access/restricted.schema.ts';
import { Id } from '../base/fields.ts';
import type { RouteContract } from './contract.ts';
import { PatientId } from './patient.routes.ts';
import { json, noChart, problem, ruleForbids } from './responses.ts';

const GrantId = z.strictObject({ grantId: Id.describe('The id of the grant.') });
const noGrant = problem('There is no such grant, or it is not shown to the caller.');

export const breakGlassRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/break-glass',
  operationId: 'breakGlass',
  summary: 'Open a restricted chart for a while',
  description: 'Recorded with its reason, told to the outside, and reviewed by the privacy officer, as is everything read under the grant.',
  tag: 'break the glass',
  access: 'patient.break-glass',
  params: PatientId,
  body: BreakGlassInput,
  idempotent: true,
  responses: { 201: json(BreakGlassGrant, 'Until when the chart is open to the caller.'), 404: noChart, 422: ruleForbids },
} as const satisfies RouteContract;

export const mendGlassRoute = {
  method: 'POST',
  path: '/api/v1/break-glass/{grantId}/mend',
  operationId: 'mendGlass',
  summary: 'Shut the chart again before the grant expires',
  description: 'Only its holder does this. A grant that is over stays as it is.',
  tag: 'break the glass',
  access: 'patient.break-glass',
  params: GrantId,
  responses: { 200: json(BreakGlassGrant, 'The grant, ended.'), 404: noGrant },
} as const satisfies RouteContract;

export const listBreakGlassRoute = {
  method: 'GET',
  path: '/api/v1/break-glass',
  operationId: 'listBreakGlass',
  summary: 'Who broke the glass, and why',
  description: 'For the privacy officer, newest first. Names the charts by id alone.',
  tag: 'break the glass',
  access: 'access.review',
  query: BreakGlassList,
  responses: {
    200: json(
      z
        .object({
          items: z.array(BreakGlassGrant),
          nextCursor: z.string().nullable().describe('Give it as cursor to get the next page; null on the last one.'),
          total: z.null().describe('Not counted.'),
        })
        .meta({ id: 'BreakGlassPage', description: 'A page of grants.' }),
      'A page of grants.',
    ),
  },
} as const satisfies RouteContract;

export const listGrantTrailRoute = {
  method: 'GET',
  path: '/api/v1/break-glass/{grantId}/trail',
  operationId: 'listGrantTrail',
  summary: 'What was read and changed under a grant',
  description: 'Oldest first, at most 1000 rows; the audit trail has each in full.',
  tag: 'break the glass',
  access: 'access.review',
  params: GrantId,
  responses: { 200: json(z.object({ items: z.array(GrantTrailRow) }), 'The rows.'), 404: noGrant },
} as const satisfies RouteContract;

export const reviewBreakGlassRoute = {
  method: 'POST',
  path: '/api/v1/break-glass/{grantId}/review',
  operationId: 'reviewBreakGlass',
  summary: 'Review a breaking of the glass',
  description: 'Once for each grant, and never by its holder. UNJUSTIFIED ends a grant that still runs.',
  tag: 'break the glass',
  access: 'access.review',
  params: GrantId,
  body: ReviewInput,
  idempotent: true,
  responses: { 200: json(BreakGlassGrant, 'The grant with its review.'), 404: noGrant, 409: problem('It was reviewed already.') },
} as const satisfies RouteContract;

export const breakGlassRoutes = [
  breakGlassRoute,
  mendGlassRoute,
  listBreakGlassRoute,
  listGrantTrailRoute,
  reviewBreakGlassRoute,
] as const satisfies readonly RouteContract[];
