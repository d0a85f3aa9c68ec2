import { z } from 'zod';
import type { RouteContract } from './contract.ts';
import { Liveness, Readiness } from './health.schema.ts';
import { Problem } from './problem.schema.ts';

export const liveRoute = {
  method: 'GET',
  path: '/health/live',
  operationId: 'getLiveness',
  summary: 'Whether the process answers',
  description: 'Touches nothing but the process: for a supervisor that restarts what hangs.',
  tag: 'health',
  access: 'public',
  responses: { 200: { description: 'The process answers.', contentType: 'application/json', schema: Liveness } },
} as const satisfies RouteContract;

export const readyRoute = {
  method: 'GET',
  path: '/health/ready',
  operationId: 'getReadiness',
  summary: 'Whether requests can be served',
  description: 'Refuses while the database is unreachable or migrations are pending: for a load balancer.',
  tag: 'health',
  access: 'public',
  responses: {
    200: { description: 'The database is reachable and in sync.', contentType: 'application/json', schema: Readiness },
    503: { description: 'Not ready; the code says why.', contentType: 'application/problem+json', schema: Problem },
  },
} as const satisfies RouteContract;

export const openApiRoute = {
  method: 'GET',
  path: '/openapi.json',
  operationId: 'getOpenApi',
  summary: 'This description',
  tag: 'about',
  access: 'public',
  responses: {
    200: {
      description: 'The OpenAPI 3.1 document of this server.',
      contentType: 'application/json',
      schema: z.looseObject({ openapi: z.string() }),
      headers: { ETag: 'Changes with the description.' },
    },
    304: { description: 'The caller has this description, as If-None-Match says.' },
  },
} as const satisfies RouteContract;

export const referenceRoute = {
  method: 'GET',
  path: '/docs',
  operationId: 'getReference',
  summary: 'The reference of this interface to read',
  description: 'One page that loads nothing from anywhere.',
  tag: 'about',
  access: 'public',
  responses: {
    200: { description: 'The page.', contentType: 'text/html', headers: { ETag: 'Changes with the page.' } },
    304: { description: 'The caller has this page, as If-None-Match says.' },
  },
} as const satisfies RouteContract;

export const startRoute = {
  method: 'GET',
  path: '/',
  operationId: 'getStart',
  summary: 'What is served here',
  description: 'A page with links to the reference, the description and the state of the server.',
  tag: 'about',
  access: 'public',
  responses: referenceRoute.responses,
} as const satisfies RouteContract;

export const healthRoutes = [liveRoute, readyRoute, openApiRoute, referenceRoute, startRoute] as const satisfies readonly RouteContract[];
