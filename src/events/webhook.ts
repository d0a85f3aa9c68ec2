/** What a receiver is sent. Pure. */

/** Of the form of the body; a receiver that knows another number should look at the release notes. */
export const webhookVersion = '1';

export interface PlacedEvent {
  readonly id: string;
  readonly seq: number;
  readonly occurredAt: Date;
  readonly type: string;
  readonly patientId: string;
  readonly patientVersion: number;
  readonly payload: unknown;
}

/**
 * The body of a request: ids and names of fields, so that a receiver without rights learns nothing of a person; whoever may know more
 * reads the chart. What else an event holds in the database, such as the record number, stays there.
 */
export function webhookBody(event: Omit<PlacedEvent, 'seq'>): string {
  const payload = typeof event.payload === 'object' && event.payload !== null ? (event.payload as Record<string, unknown>) : {};
  const { id: partId, grantId, fields } = payload;
  return JSON.stringify({
    type: event.type,
    timestamp: event.occurredAt.toISOString(),
    apiVersion: webhookVersion,
    id: event.id,
    data: {
      patientId: event.patientId,
      patientVersion: event.patientVersion,
      ...(typeof partId === 'string' ? { partId } : {}),
      ...(typeof grantId === 'string' ? { grantId } : {}),
      ...(Array.isArray(fields) ? { fields: fields.filter((field) => typeof field === 'string') } : {}),
    },
  });
}

/** Whether a receiver wants a type of event. */
export function wants(eventTypes: readonly string[], type: string): boolean {
  return eventTypes.length === 0 || eventTypes.some((wanted) => (wanted.endsWith('.*') ? type.startsWith(wanted.slice(0, -1)) : wanted === type));
}
