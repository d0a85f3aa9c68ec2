import { addAllergyRoute, getAllergyRoute, listAllergiesRoute, resolveAllergyRoute, updateAllergyRoute } from '../../api/allergy.routes.ts';
import { answerCreated, answerPart, readAt } from '../answers.ts';
import { bind } from '../bind.ts';

export const allergyBindings = [
  bind(listAllergiesRoute, async ({ params, query, patients }) => ({ status: 200, body: { items: await patients.listAllergies(params.id, query) } })),
  bind(addAllergyRoute, async ({ params, body, patients }) => {
    const added = await patients.addAllergy(params.id, body);
    return answerCreated(answerPart(added), ['patients', params.id, 'allergies', added.id]);
  }),
  bind(getAllergyRoute, async ({ params, patients }) => answerPart(await patients.getAllergy({ patientId: params.id, id: params.allergyId }))),
  bind(updateAllergyRoute, async ({ params, body, version, patients }) =>
    answerPart(await patients.updateAllergy({ patientId: params.id, id: params.allergyId, updatedAt: readAt(version) }, body)),
  ),
  bind(resolveAllergyRoute, async ({ params, body, version, patients }) =>
    answerPart(await patients.resolveAllergy({ patientId: params.id, id: params.allergyId, updatedAt: readAt(version), ...body })),
  ),
];
