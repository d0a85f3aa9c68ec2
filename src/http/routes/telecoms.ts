import { addTelecomRoute, endTelecomRoute, getTelecomRoute, listTelecomsRoute, removeTelecomRoute, updateTelecomRoute } from '../../api/telecom.routes.ts';
import { answerCreated, answerPart, readAt } from '../answers.ts';
import { bind } from '../bind.ts';

export const telecomBindings = [
  bind(listTelecomsRoute, async ({ params, patients }) => ({ status: 200, body: { items: await patients.listTelecoms(params.id) } })),
  bind(addTelecomRoute, async ({ params, body, patients }) => {
    const added = await patients.addTelecom(params.id, body);
    return answerCreated(answerPart(added), ['patients', params.id, 'telecoms', added.id]);
  }),
  bind(getTelecomRoute, async ({ params, patients }) => answerPart(await patients.getTelecom({ patientId: params.id, id: params.telecomId }))),
  bind(updateTelecomRoute, async ({ params, body, version, patients }) =>
    answerPart(await patients.updateTelecom({ patientId: params.id, id: params.telecomId, updatedAt: readAt(version) }, body)),
  ),
  bind(endTelecomRoute, async ({ params, body, version, patients }) =>
    answerPart(await patients.endTelecom({ patientId: params.id, id: params.telecomId, updatedAt: readAt(version) }, body)),
  ),
  bind(removeTelecomRoute, async ({ params, body, version, patients }) => {
    await patients.removeTelecom({ patientId: params.id, id: params.telecomId, updatedAt: readAt(version), ...body });
    return { status: 204 };
  }),
];
