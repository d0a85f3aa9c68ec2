import { z } from 'zod';
import { NewRiskFlag, RiskFlag } from '../patient/patient.schema.ts';
import { ActiveOnly, partKey, Reason } from './chart-part.ts';
import type { RouteContract } from './contract.ts';
import { PatientId } from './patient.routes.ts';
import { created, json, noChart, noPart, ruleForbids, stale, versioned } from './responses.ts';

const RiskFlagKey = partKey('riskFlagId', 'risk flag');

export const listRiskFlagsRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/risk-flags',
  operationId: 'listRiskFlags',
  summary: 'List the risk flags of a chart',
  tag: 'risk flags',
  access: 'patient.read',
  params: PatientId,
  query: ActiveOnly,
  responses: { 200: json(z.object({ items: z.array(RiskFlag) }), 'All of them.'), 404: noChart },
} as const satisfies RouteContract;

export const setRiskFlagRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/risk-flags',
  operationId: 'setRiskFlag',
  summary: 'Set a risk flag',
  tag: 'risk flags',
  access: 'patient.clinical',
  params: PatientId,
  body: NewRiskFlag,
  idempotent: true,
  responses: { 201: created(RiskFlag, 'The new risk flag.'), 404: noChart, 422: ruleForbids },
} as const satisfies RouteContract;

export const getRiskFlagRoute = {
  method: 'GET',
  path: '/api/v1/patients/{id}/risk-flags/{riskFlagId}',
  operationId: 'getRiskFlag',
  summary: 'Read a risk flag',
  tag: 'risk flags',
  access: 'patient.read',
  params: RiskFlagKey,
  responses: { 200: versioned(RiskFlag, 'The risk flag.'), 404: noPart },
} as const satisfies RouteContract;

export const clearRiskFlagRoute = {
  method: 'POST',
  path: '/api/v1/patients/{id}/risk-flags/{riskFlagId}/clear',
  operationId: 'clearRiskFlag',
  summary: 'Clear a risk flag',
  description: 'It stays in the chart, inactive.',
  tag: 'risk flags',
  access: 'patient.clinical',
  params: RiskFlagKey,
  body: Reason,
  ifMatch: 'required',
  idempotent: true,
  responses: { 200: versioned(RiskFlag, 'The risk flag as it is now.'), 404: noPart, 412: stale, 422: ruleForbids },
} as const satisfies RouteContract;

export const riskFlagRoutes = [listRiskFlagsRoute, setRiskFlagRoute, getRiskFlagRoute, clearRiskFlagRoute] as const satisfies readonly RouteContract[];
