import { Readable } from 'node:stream';
import { exportBaseRoute, exportPatientRoute, printFaceSheetRoute } from '../../api/export.routes.ts';
import { AppError } from '../../base/errors.ts';
import { dispositionOf } from '../../document/file-name.ts';
import { exportBase } from '../../export/base-export.service.ts';
import { exportPatient, makeFaceSheet } from '../../export/patient-export.service.ts';
import { bind } from '../bind.ts';

/** Nobody between keeps a copy, and a browser saves it. */
const asFile = (fileName: string) => ({ 'content-disposition': dispositionOf(fileName), 'cache-control': 'no-store' });

export const exportBindings = [
  bind(exportPatientRoute, async ({ params, body: input, ctx }) => {
    const body = await exportPatient(ctx, params.id, input);
    return { status: 200, body, headers: asFile('patient.json') };
  }),
  bind(printFaceSheetRoute, async ({ params, ctx, registry }) => {
    const { settings, paper } = registry;
    const body = await makeFaceSheet(ctx, params.id, { timeZone: settings.timeZone, paper });
    return { status: 200, body, headers: { ...asFile('face-sheet.pdf'), 'content-type': 'application/pdf' } };
  }),
  bind(exportBaseRoute, async ({ body: input, ctx, registry }) => {
    const { chunks, fileName, contentType } = await exportBase(ctx, input);
    const body = Readable.from(chunks, { objectMode: false });
    const limit = setTimeout(() => body.destroy(tooLong(registry.exportSeconds)), registry.exportSeconds * 1000);
    body.once('close', () => clearTimeout(limit));
    return { status: 200, body, headers: { ...asFile(fileName), 'content-type': contentType } };
  }),
];

function tooLong(seconds: number): AppError {
  const message = `The export took longer than the ${seconds} seconds of export.limitSeconds and was broken off. Take less at once, raise the limit, or use: onechart export base`;
  return new AppError('busy', 'EXPORT_TOO_LONG', message, { seconds });
}
