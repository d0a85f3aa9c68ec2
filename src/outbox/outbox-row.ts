import type { Ctx } from '../db/context.ts';

export interface NewOutboxEvent {
  /** Past tense, such as `patient.registered`. */
  readonly type: string;
  readonly patientId: string;
  readonly patientVersion: number;
  /** Ids and names of fields; a follower that may see more reads the chart. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** The row that tells the outside, JSON as text. */
export function outboxRow(ctx: Ctx, event: NewOutboxEvent) {
  return {
    id: ctx.newId(),
    occurredAt: ctx.clock.now(),
    type: event.type,
    patientId: event.patientId,
    patientVersion: event.patientVersion,
    payload: JSON.stringify(event.payload),
  };
}
export type OutboxRow = ReturnType<typeof outboxRow>;

/** The columns of a row in a fixed order, for statements written by hand. */
export const outboxColumns = ['id', 'occurredAt', 'type', 'patientId', 'patientVersion', 'payload'] as const satisfies readonly (keyof OutboxRow)[];
