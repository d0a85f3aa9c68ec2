import { addNameRoute, endNameRoute, getNameRoute, listNamesRoute, removeNameRoute, updateNameRoute } from '../../api/name.routes.ts';
import { answerCreated, answerPart, readAt } from '../answers.ts';
import { bind } from '../bind.ts';

export const nameBindings = [
  bind(listNamesRoute, async ({ params, patients }) => ({ status: 200, body: { items: await patients.listNames(params.id) } })),
  bind(addNameRoute, async ({ params, body, patients }) => {
    const added = await patients.addName(params.id, body);
    return answerCreated(answerPart(added), ['patients', params.id, 'names', added.id]);
  }),
  bind(getNameRoute, async ({ params, patients }) => answerPart(await patients.getName({ patientId: params.id, id: params.nameId }))),
  bind(updateNameRoute, async ({ params, body, version, patients }) =>
    answerPart(await patients.updateName({ patientId: params.id, id: params.nameId, updatedAt: readAt(version) }, body)),
  ),
  bind(endNameRoute, async ({ params, body, version, patients }) =>
    answerPart(await patients.endName({ patientId: params.id, id: params.nameId, updatedAt: readAt(version) }, body)),
  ),
  bind(removeNameRoute, async ({ params, body, version, patients }) => {
    await patients.removeName({ patientId: params.id, id: params.nameId, updatedAt: readAt(version), ...body });
    return { status: 204 };
  }),
];
