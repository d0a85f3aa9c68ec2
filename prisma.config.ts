import { defineConfig } from 'prisma/config';

/** For Prisma's own commands (validate, generate, format). The migrations are applied with `onechart migrate apply`. */
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
});
