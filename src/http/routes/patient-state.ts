import {
  archivePatientRoute,
  changePatientStatusRoute,
  markPatientDeceasedRoute,
  restrictPatientRoute,
  revertPatientDeceasedRoute,
  unarchivePatientRoute,
  unrestrictPatientRoute,
} from '../../api/patient-state.routes.ts';
import { answerPatient } from '../answers.ts';
import { bind } from '../bind.ts';

export const patientStateBindings = [
  bind(archivePatientRoute, async ({ params, body, version, patients }) => answerPatient(await patients.archive(params.id, { ...body, version }))),
  bind(unarchivePatientRoute, async ({ params, body, version, patients }) => answerPatient(await patients.unarchive(params.id, { ...body, version }))),
  bind(restrictPatientRoute, async ({ params, body, version, patients }) => answerPatient(await patients.restrict(params.id, { ...body, version }))),
  bind(unrestrictPatientRoute, async ({ params, body, version, patients }) => answerPatient(await patients.unrestrict(params.id, { ...body, version }))),
  bind(markPatientDeceasedRoute, async ({ params, body, version, patients }) => answerPatient(await patients.markDeceased(params.id, { ...body, version }))),
  bind(revertPatientDeceasedRoute, async ({ params, body, version, patients }) =>
    answerPatient(await patients.revertDeceased(params.id, { ...body, version })),
  ),
  bind(changePatientStatusRoute, async ({ params, body, version, patients }) => answerPatient(await patients.changeStatus(params.id, { ...body, version }))),
];
