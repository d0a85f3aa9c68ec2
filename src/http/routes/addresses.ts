import { addAddressRoute, endAddressRoute, getAddressRoute, listAddressesRoute, removeAddressRoute, updateAddressRoute } from '../../api/address.routes.ts';
import { answerCreated, answerPart, readAt } from '../answers.ts';
import { bind } from '../bind.ts';

export const addressBindings = [
  bind(listAddressesRoute, async ({ params, patients }) => ({ status: 200, body: { items: await patients.listAddresses(params.id) } })),
  bind(addAddressRoute, async ({ params, body, patients }) => {
    const added = await patients.addAddress(params.id, body);
    return answerCreated(answerPart(added), ['patients', params.id, 'addresses', added.id]);
  }),
  bind(getAddressRoute, async ({ params, patients }) => answerPart(await patients.getAddress({ patientId: params.id, id: params.addressId }))),
  bind(updateAddressRoute, async ({ params, body, version, patients }) =>
    answerPart(await patients.updateAddress({ patientId: params.id, id: params.addressId, updatedAt: readAt(version) }, body)),
  ),
  bind(endAddressRoute, async ({ params, body, version, patients }) =>
    answerPart(await patients.endAddress({ patientId: params.id, id: params.addressId, updatedAt: readAt(version) }, body)),
  ),
  bind(removeAddressRoute, async ({ params, body, version, patients }) => {
    await patients.removeAddress({ patientId: params.id, id: params.addressId, updatedAt: readAt(version), ...body });
    return { status: 204 };
  }),
];
