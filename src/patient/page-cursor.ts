import { AppError } from '../base/errors.ts';

/** The sort key of the last row of a page, opaque to the caller. It holds no more than the caller was shown. */
export function encodeCursor(kind: string, key: readonly (string | null)[]): string {
  return Buffer.from(JSON.stringify([kind, ...key])).toString('base64url');
}

/** The kind of page that a cursor comes from; undefined for what is no cursor. */
export function cursorKind(cursor: string): string | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parts) && typeof parts[0] === 'string' ? parts[0] : undefined;
  } catch {
    return undefined;
  }
}

/** The key in a cursor; it must come from a page of the same kind. */
export function decodeCursor(kind: string, cursor: string): (string | null)[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(parts) && parts[0] === kind && parts.slice(1).every((part) => part === null || typeof part === 'string'))
      return parts.slice(1) as (string | null)[];
  } catch {
    // Falls through to the one error below.
  }
  throw invalidCursor();
}

export function invalidCursor(): AppError {
  return new AppError('invalid', 'CURSOR_INVALID', 'cursor is not the nextCursor of a page of the same query. Begin without a cursor.', { field: 'cursor' });
}
