import type { RouteContract } from './contract.ts';
import { healthRoutes } from './health.routes.ts';
import { patientRoutes } from './patient.routes.ts';

/** Every route there is, in the order of the description. */
export const routes = [...healthRoutes, ...patientRoutes] as const satisfies readonly RouteContract[];
