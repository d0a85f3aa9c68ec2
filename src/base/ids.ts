import { v4, v7 } from 'uuid';

/** Makes row ids. Time-ordered (UUID version 7, RFC 9562 §5.7) so that inserts land on the right edge of the index. */
export type NewId = () => string;

export const newId: NewId = () => v7();

/** A random id (UUID version 4), where Prisma writes one: `_prisma_migrations.id`. */
export const newRandomId: NewId = () => v4();
