import { getPatientRoute, registerPatientRoute } from '../../api/patient.routes.ts';
import { patientNotFound } from '../../patient/chart.service.ts';
import { bind, toEtag } from '../bind.ts';

export const patientBindings = [
  bind(registerPatientRoute, async ({ body, patients }) => {
    const patient = await patients.create(body);
    return { status: 201, body: patient, headers: { etag: toEtag(patient.version), location: `/api/v1/patients/${encodeURIComponent(patient.id)}` } };
  }),
  bind(getPatientRoute, async ({ params, patients }) => {
    const patient = await patients.findById(params.id);
    if (!patient) throw patientNotFound(params.id);
    return { status: 200, body: patient, headers: { etag: toEtag(patient.version) } };
  }),
];
