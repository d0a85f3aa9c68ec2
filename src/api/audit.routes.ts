import { z } from 'zod';
import { ChartTrailFilter, ListingsFilter, SealFilter, ShownAuditEvent, TrailFilter } from '../audit/audit.schema.ts';
import { AuditSeal } from '../audit/seal.schema.ts';
import type { RouteContract } from './contract.ts';
import { PatientId } from './patient.routes.ts';
import { json, noChart } from './responses.ts';

const TrailPage = z
  .object({
    items: z.array(ShownAuditEvent),
    nextCursor: z.string().nullable().describe('Give it as cursor to get the next page; null on the last one.'),
    total: z.null().describe('Not counted.'),
  })
  .meta({ id: 'AuditPage', description: 'A page of the audit trail.' });
const page = {
  ...json(TrailPage, 'A page of the trail, newest first.'),
  headers: { Link: 'The next page, rel="next" (RFC 8288); not there on the last one.' },
} as const;
const recorded = 'Reading the trail is recorded in it.';

export const listAuditEventsRoute = {
  method: 'GET',
  path: '/api/v1/audit/events',
  operationId: 'listAuditEvents',
  summary: 'Read the audit trail',
  description: `Who did what to which chart, when, from where and why. Values of charts are left out; the names of their fields are there. ${recorded}`,
  tag: 'audit',
  access: 'audit.read',
  query: TrailFilter,
  responses: { 200: page },
} as const satisfies RouteContract;

export const listChartTrailRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/audit',
  operationId: 'listChartAudit',
  summary: 'Who looked at a chart, and who changed it',
  description: recorded,
  tag: 'audit',
  access: 'audit.read',
  params: PatientId,
  query: ChartTrailFilter,
  responses: { 200: page, 404: noChart },
} as const satisfies RouteContract;

export const listChartListingsRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/audit/listings',
  operationId: 'listChartListings',
  summary: 'Searches and lists that showed a chart among others',
  description: `In at most 31 days, the newest 200. ${recorded}`,
  tag: 'audit',
  access: 'audit.read',
  params: PatientId,
  query: ListingsFilter,
  responses: { 200: json(z.object({ items: z.array(ShownAuditEvent) }), 'The searches and lists, newest first.'), 404: noChart },
} as const satisfies RouteContract;

export const listAuditSealsRoute = {
  method: 'GET',
  path: '/api/v1/audit/seals',
  operationId: 'listAuditSeals',
  summary: 'The seals over the audit trail',
  description:
    'In the order of the chain. Keep number and hash of one elsewhere, and a chain that was cut or made anew is found out: onechart audit verify --anchor.',
  tag: 'audit',
  access: 'audit.read',
  query: SealFilter,
  responses: {
    200: json(
      z
        .object({
          items: z.array(AuditSeal.meta({ id: 'AuditSeal', description: 'A link of the chain over the audit trail.' })),
          nextAfter: z.int().nullable().describe('Give it as after to get the next page; null on the last one.'),
        })
        .meta({ id: 'AuditSealPage', description: 'A page of seals.' }),
      'A page of seals.',
    ),
  },
} as const satisfies RouteContract;

export const auditRoutes = [listAuditEventsRoute, listChartTrailRoute, listChartListingsRoute, listAuditSealsRoute] as const satisfies readonly RouteContract[];
