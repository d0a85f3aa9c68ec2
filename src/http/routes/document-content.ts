import {
  getDocumentContentRoute,
  getPhotoRoute,
  removeDocumentContentRoute,
  removePhotoRoute,
  storeDocumentContentRoute,
  storePhotoRoute,
} from '../../api/document-content.routes.ts';
import { answerPart, readAt } from '../answers.ts';
import { bind } from '../bind.ts';
import { answerFile, withUpload } from '../files.ts';

export const documentContentBindings = [
  bind(storeDocumentContentRoute, async ({ params, version, patients, request }) => {
    const key = { patientId: params.id, id: params.documentId, updatedAt: readAt(version) };
    return answerPart(await withUpload(request, (upload) => patients.storeDocumentContent(key, upload)));
  }),
  bind(getDocumentContentRoute, async ({ params, patients, request }) =>
    answerFile(request, await patients.openDocumentContent({ patientId: params.id, id: params.documentId })),
  ),
  bind(removeDocumentContentRoute, async ({ params, version, patients }) =>
    answerPart(await patients.removeDocumentContent({ patientId: params.id, id: params.documentId, updatedAt: readAt(version) })),
  ),
  bind(storePhotoRoute, async ({ params, patients, request }) => ({
    status: 200,
    body: await withUpload(request, (upload) => patients.storePhoto(params.id, upload)),
  })),
  bind(getPhotoRoute, async ({ params, query, patients, request }) => answerFile(request, await patients.openPhoto(params.id, query.size))),
  bind(removePhotoRoute, async ({ params, patients }) => {
    await patients.removePhoto(params.id);
    return { status: 204 };
  }),
];
