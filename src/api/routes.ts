import { accountsRoutes } from './accounts.routes.ts';
import { addressRoutes } from './address.routes.ts';
import { allergyRoutes } from './allergy.routes.ts';
import { auditRoutes } from './audit.routes.ts';
import { breakGlassRoutes } from './break-glass.routes.ts';
import { contactRoutes } from './contact.routes.ts';
import type { RouteContract } from './contract.ts';
import { eventRoutes } from './event.routes.ts';
import { documentContentRoutes } from './document-content.routes.ts';
import { documentRoutes } from './document.routes.ts';
import { exportRoutes } from './export.routes.ts';
import { healthRoutes } from './health.routes.ts';
import { identifierRoutes } from './identifier.routes.ts';
import { identityRoutes } from './identity.routes.ts';
import { nameRoutes } from './name.routes.ts';
import { patientRoutes } from './patient.routes.ts';
import { patientSearchRoutes } from './patient-search.routes.ts';
import { patientStateRoutes } from './patient-state.routes.ts';
import { riskFlagRoutes } from './risk-flag.routes.ts';
import { sessionRoutes } from './session.routes.ts';
import { telecomRoutes } from './telecom.routes.ts';

/** Every route there is, in the order of the description. */
export const routes = [
  ...healthRoutes,
  ...patientRoutes,
  ...patientSearchRoutes,
  ...patientStateRoutes,
  ...identityRoutes,
  ...nameRoutes,
  ...addressRoutes,
  ...telecomRoutes,
  ...identifierRoutes,
  ...contactRoutes,
  ...documentRoutes,
  ...documentContentRoutes,
  ...allergyRoutes,
  ...riskFlagRoutes,
  ...exportRoutes,
  ...sessionRoutes,
  ...accountsRoutes,
  ...breakGlassRoutes,
  ...auditRoutes,
  ...eventRoutes,
] as const satisfies readonly RouteContract[];
