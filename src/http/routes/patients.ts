import { getChartAtRoute, getPatientRoute, listMergesRoute, listPatientsRoute, registerPatientRoute, updatePatientRoute } from '../../api/patient.routes.ts';
import { getChartAt } from '../../patient/chart-at.service.ts';
import { patientNotFound } from '../../patient/chart.service.ts';
import { answerCreated, answerPatient } from '../answers.ts';
import { bind } from '../bind.ts';
import { nextPageLink } from '../page-link.ts';

export const patientBindings = [
  bind(listPatientsRoute, async ({ query, patients, request }) => {
    const { userAction, userId, q, deceased, gender, bornFrom, bornTo, includeMerged, ...filter } = query;
    if (q !== undefined) {
      const { status, limit } = filter;
      return { status: 200, body: await patients.search({ q, status, deceased, gender, bornFrom, bornTo, includeMerged, limit }) };
    }
    const page = await patients.list({ ...filter, ...(userAction && userId ? { actedOnBy: { action: userAction, userId } } : {}) });
    return { status: 200, body: page, headers: nextPageLink(request.url, page.nextCursor) };
  }),
  bind(registerPatientRoute, async ({ body, patients }) => {
    const patient = await patients.create(body);
    return answerCreated(answerPatient(patient), ['patients', patient.id]);
  }),
  bind(getPatientRoute, async ({ params, query, patients, ctx }) => {
    if (query.at !== undefined) return { status: 200, body: (await getChartAt(ctx, params.id, new Date(query.at))).patient };
    const patient = await patients.findById(params.id);
    if (!patient) throw patientNotFound(params.id);
    return answerPatient(patient);
  }),
  bind(getChartAtRoute, async ({ params, query, ctx }) => ({ status: 200, body: await getChartAt(ctx, params.id, new Date(query.at)) })),
  bind(updatePatientRoute, async ({ params, body, version, patients }) => answerPatient(await patients.update(params.id, { ...body, version }))),
  bind(listMergesRoute, async ({ params, patients }) => ({ status: 200, body: { items: await patients.listMerges(params.id) } })),
];
