import {
  addDocumentRoute,
  getDocumentRoute,
  listDocumentsRoute,
  removeDocumentRoute,
  updateDocumentRoute,
  verifyDocumentRoute,
} from '../../api/document.routes.ts';
import { answerCreated, answerPart, readAt } from '../answers.ts';
import { bind } from '../bind.ts';

export const documentBindings = [
  bind(listDocumentsRoute, async ({ params, patients }) => ({ status: 200, body: { items: await patients.listDocuments(params.id) } })),
  bind(addDocumentRoute, async ({ params, body, patients }) => {
    const added = await patients.addDocument(params.id, body);
    return answerCreated(answerPart(added), ['patients', params.id, 'documents', added.id]);
  }),
  bind(getDocumentRoute, async ({ params, patients }) => answerPart(await patients.getDocument({ patientId: params.id, id: params.documentId }))),
  bind(updateDocumentRoute, async ({ params, body, version, patients }) =>
    answerPart(await patients.updateDocument({ patientId: params.id, id: params.documentId, updatedAt: readAt(version) }, body)),
  ),
  bind(verifyDocumentRoute, async ({ params, version, patients }) =>
    answerPart(await patients.verifyDocument({ patientId: params.id, id: params.documentId, updatedAt: readAt(version) })),
  ),
  bind(removeDocumentRoute, async ({ params, body, version, patients }) => {
    await patients.removeDocument({ patientId: params.id, id: params.documentId, updatedAt: readAt(version), ...body });
    return { status: 204 };
  }),
];
