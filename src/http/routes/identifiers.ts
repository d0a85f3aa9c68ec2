import {
  addIdentifierRoute,
  defineIdentifierAuthorityRoute,
  endIdentifierRoute,
  getIdentifierRoute,
  listIdentifierAuthoritiesRoute,
  listIdentifiersRoute,
  removeIdentifierRoute,
  updateIdentifierRoute,
  verifyIdentifierRoute,
} from '../../api/identifier.routes.ts';
import { answerCreated, answerPart, readAt } from '../answers.ts';
import { bind } from '../bind.ts';

export const identifierBindings = [
  bind(listIdentifiersRoute, async ({ params, patients }) => ({ status: 200, body: { items: await patients.listIdentifiers(params.id) } })),
  bind(addIdentifierRoute, async ({ params, body, patients }) => {
    const added = await patients.addIdentifier(params.id, body);
    return answerCreated(answerPart(added), ['patients', params.id, 'identifiers', added.id]);
  }),
  bind(getIdentifierRoute, async ({ params, patients }) => answerPart(await patients.getIdentifier({ patientId: params.id, id: params.identifierId }))),
  bind(updateIdentifierRoute, async ({ params, body, version, patients }) =>
    answerPart(await patients.updateIdentifier({ patientId: params.id, id: params.identifierId, updatedAt: readAt(version) }, body)),
  ),
  bind(verifyIdentifierRoute, async ({ params, version, patients }) =>
    answerPart(await patients.verifyIdentifier({ patientId: params.id, id: params.identifierId, updatedAt: readAt(version) })),
  ),
  bind(endIdentifierRoute, async ({ params, body, version, patients }) =>
    answerPart(await patients.endIdentifier({ patientId: params.id, id: params.identifierId, updatedAt: readAt(version) }, body)),
  ),
  bind(removeIdentifierRoute, async ({ params, body, version, patients }) => {
    await patients.removeIdentifier({ patientId: params.id, id: params.identifierId, updatedAt: readAt(version), ...body });
    return { status: 204 };
  }),
  bind(listIdentifierAuthoritiesRoute, async ({ patients }) => ({ status: 200, body: { items: await patients.listIdentifierAuthorities() } })),
  bind(defineIdentifierAuthorityRoute, async ({ params, body, patients }) => ({
    status: 200,
    body: await patients.defineIdentifierAuthority(params.code, body),
  })),
];
