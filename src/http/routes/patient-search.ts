import { findPatientByEmailRoute, findPatientByIdentifierRoute, findPatientByMrnRoute, searchPatientsRoute } from '../../api/patient-search.routes.ts';
import { AppError } from '../../base/errors.ts';
import type { Patient } from '../../patient/patient.schema.ts';
import { answerPatient } from '../answers.ts';
import { type Answer, bind } from '../bind.ts';

function answerFound(patient: Patient | undefined): Answer {
  if (!patient) throw new AppError('not-found', 'PATIENT_NOT_FOUND', 'No patient has this number or address. Check it, or search by name.');
  return answerPatient(patient);
}

export const patientSearchBindings = [
  bind(searchPatientsRoute, async ({ body, patients }) => ({ status: 200, body: await patients.search(body) })),
  bind(findPatientByMrnRoute, async ({ body, patients }) => answerFound(await patients.findByMrn(body.mrn))),
  bind(findPatientByIdentifierRoute, async ({ body, patients }) => answerFound(await patients.findByIdentifier(body))),
  bind(findPatientByEmailRoute, async ({ body, patients }) => answerFound(await patients.findByEmail(body.email))),
];
