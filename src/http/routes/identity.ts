import { identifyPatientRoute, listChildrenRoute, listPlaceholdersRoute, registerNewbornRoute, registerUnidentifiedRoute } from '../../api/identity.routes.ts';
import { answerCreated, answerPatient } from '../answers.ts';
import { bind } from '../bind.ts';
import { nextPageLink } from '../page-link.ts';

export const identityBindings = [
  bind(registerUnidentifiedRoute, async ({ body, patients }) => {
    const patient = await patients.registerUnidentified(body);
    return answerCreated(answerPatient(patient), ['patients', patient.id]);
  }),
  bind(registerNewbornRoute, async ({ body, patients }) => {
    const patient = await patients.registerNewborn(body);
    return answerCreated(answerPatient(patient), ['patients', patient.id]);
  }),
  bind(identifyPatientRoute, async ({ params, body, version, patients }) =>
    answerPatient(await patients.identify(params.id, { ...body, version: version as number })),
  ),
  bind(listPlaceholdersRoute, async ({ query, patients, request }) => {
    const page = await patients.listPlaceholders(query);
    return { status: 200, body: page, headers: nextPageLink(request.url, page.nextCursor) };
  }),
  bind(listChildrenRoute, async ({ params, patients }) => ({ status: 200, body: { items: await patients.listChildren(params.id) } })),
];
