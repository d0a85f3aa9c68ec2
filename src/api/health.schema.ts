import { z } from 'zod';

export const Liveness = z.object({ status: z.literal('live'), version: z.string() }).meta({ id: 'Liveness', description: 'The process answers.' });
export type Liveness = z.infer<typeof Liveness>;

export const Readiness = z
  .object({
    status: z.literal('ready'),
    checks: z.object({ database: z.literal('reachable'), migrations: z.literal('in-sync') }),
  })
  .meta({ id: 'Readiness', description: 'The database is reachable and every migration of the module is applied.' });
export type Readiness = z.infer<typeof Readiness>;
