import { AppError } from '../base/errors.ts';
import type { Viewer } from '../db/context.ts';
import type { Patient } from '../patient/patient.schema.ts';
import type { MaskedPatient } from './restricted.schema.ts';

/** The rules of restricted charts. A trusted caller (no viewer) is bound by none of them. */

/** All that is shown of a restricted chart. */
export function maskPatient(patient: Pick<Patient, 'id'>): MaskedPatient {
  return { id: patient.id, masked: true, restricted: true };
}

/**
 * Whether a grant has to be asked for before this chart is shown. Known from the row alone, so that an ordinary chart
 * costs no query; a chart that was merged away may lead to a restricted one, and is the same person.
 */
export function needsOpening(viewer: Viewer | undefined, patient: Pick<Patient, 'restricted' | 'mergedInto'>): boolean {
  return viewer !== undefined && (patient.restricted || patient.mergedInto !== null);
}

/** What was found out about a chart that needs opening. */
export interface Opening {
  /** Whether it, or a chart it was merged into, is restricted. */
  readonly restricted: boolean;
  /** When that was done last. */
  readonly since: Date | null;
  /** The grant of this viewer that holds now. */
  readonly grantId: string | null;
}

/** Refuses a restricted chart without a grant. Nobody is excepted, whatever the role, nor whoever restricted it. */
export function requireOpen(viewer: Viewer | undefined, patient: Pick<Patient, 'id'>, opening: Pick<Opening, 'restricted' | 'grantId'>): void {
  if (viewer === undefined || !opening.restricted || opening.grantId !== null) return;
  throw new AppError(
    'forbidden',
    'CHART_RESTRICTED',
    'This chart is restricted. Break the glass with a reason (POST /api/v1/patients/{id}/break-glass), which is recorded and reviewed, and open it again.',
    { id: patient.id },
  );
}
