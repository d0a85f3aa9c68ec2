import type { Binding } from '../bind.ts';
import { accountsBindings } from './accounts.ts';
import { addressBindings } from './addresses.ts';
import { allergyBindings } from './allergies.ts';
import { auditBindings } from './audit.ts';
import { breakGlassBindings } from './break-glass.ts';
import { contactBindings } from './contacts.ts';
import { eventBindings } from './events.ts';
import { documentContentBindings } from './document-content.ts';
import { documentBindings } from './documents.ts';
import { exportBindings } from './export.ts';
import { identifierBindings } from './identifiers.ts';
import { identityBindings } from './identity.ts';
import { nameBindings } from './names.ts';
import { patientBindings } from './patients.ts';
import { patientSearchBindings } from './patient-search.ts';
import { patientStateBindings } from './patient-state.ts';
import { riskFlagBindings } from './risk-flags.ts';
import { sessionBindings } from './session.ts';
import { telecomBindings } from './telecoms.ts';

/** Every route that works on the registry; those of health and description are in the server itself. */
export const bindings: readonly Binding[] = [
  ...patientBindings,
  ...patientSearchBindings,
  ...patientStateBindings,
  ...identityBindings,
  ...nameBindings,
  ...addressBindings,
  ...telecomBindings,
  ...identifierBindings,
  ...contactBindings,
  ...documentBindings,
  ...documentContentBindings,
  ...allergyBindings,
  ...riskFlagBindings,
  ...exportBindings,
  ...sessionBindings,
  ...accountsBindings,
  ...breakGlassBindings,
  ...auditBindings,
  ...eventBindings,
];
