import { z } from 'zod';

export const Liveness = z.object({ status: z.literal('live'), version: z.string() }).meta({ id: 'Liveness', description: 'The process answers.' });
export type Liveness = z.infer<typeof Liveness>;

export const ReplicaHealth = z
  .object({
    replica: z.string().describe('Which one, counted from 1 in the order of database.replicaUrls.'),
    state: z.enum(['in-use', 'lagging', 'unreachable', 'not-a-standby', 'another-database']),
    lagSeconds: z.number().nullable().describe('For how long it has not caught up with the primary; null while that is unknown.'),
  })
  .meta({ id: 'ReplicaHealth', description: 'A replica to read from. Only one in use gets reads.' });

export const Readiness = z
  .object({
    status: z.literal('ready'),
    checks: z.object({
      database: z.literal('reachable'),
      migrations: z.literal('in-sync'),
      replicas: z
        .array(ReplicaHealth)
        .optional()
        .describe('Where replicas are configured. None of them keeps a server from being ready: what they cannot answer, the primary does.'),
    }),
  })
  .meta({ id: 'Readiness', description: 'The database is reachable and every migration of the module is applied.' });
export type Readiness = z.infer<typeof Readiness>;
