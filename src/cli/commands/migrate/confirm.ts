import { createInterface } from 'node:readline/promises';
import { AppError } from '../../../base/errors.ts';
import { type CliIo, note } from '../../io.ts';

/**
 * Asks before something is changed; `--yes` answers beforehand.
 *
 * Errors: `CONFIRMATION_REQUIRED` where nobody sits at the terminal, `NOT_CONFIRMED` for any answer but yes.
 *
 * @param what begins the sentence that is asked or refused, e.g. "31 steps would be applied to ehr on 127.0.0.1:5432"
 */
export async function confirm(io: CliIo, { what, look, yes }: { what: string; look: string; yes: boolean | undefined }): Promise<void> {
  if (yes) return;
  if (!io.interactive) throw new AppError('unsafe', 'CONFIRMATION_REQUIRED', `${what}. Look at it with ${look}, then add --yes.`);
  note(io, `${what}.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question('Go on? Type yes: ');
  terminal.close();
  if (answer.trim().toLowerCase() !== 'yes') throw new AppError('unsafe', 'NOT_CONFIRMED', 'Not confirmed; nothing was changed.');
}
