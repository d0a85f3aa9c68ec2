import { addContactRoute, getContactRoute, listContactsRoute, removeContactRoute, updateContactRoute } from '../../api/contact.routes.ts';
import { answerCreated, answerPart, readAt } from '../answers.ts';
import { bind } from '../bind.ts';

export const contactBindings = [
  bind(listContactsRoute, async ({ params, patients }) => ({ status: 200, body: { items: await patients.listContacts(params.id) } })),
  bind(addContactRoute, async ({ params, body, patients }) => {
    const added = await patients.addContact(params.id, body);
    return answerCreated(answerPart(added), ['patients', params.id, 'contacts', added.id]);
  }),
  bind(getContactRoute, async ({ params, patients }) => answerPart(await patients.getContact({ patientId: params.id, id: params.contactId }))),
  bind(updateContactRoute, async ({ params, body, version, patients }) =>
    answerPart(await patients.updateContact({ patientId: params.id, id: params.contactId, updatedAt: readAt(version) }, body)),
  ),
  bind(removeContactRoute, async ({ params, body, version, patients }) => {
    await patients.removeContact({ patientId: params.id, id: params.contactId, updatedAt: readAt(version), ...body });
    return { status: 204 };
  }),
];
