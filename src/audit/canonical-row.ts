/** A text as JSON, or null. */
const text = (column: string) => `coalesce(to_json("${column}")::text, 'null')`;

/** An instant as every face writes it, whatever the session's DateStyle and time zone are. */
export const instantText = (expression: string) => `to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * A row of the trail as one line of JSON, as PostgreSQL writes it: the text that is hashed, exported and verified offline.
 * Never changed: another form is another `format` of the seals. It depends on no setting of the session, and it is the same from PostgreSQL 14 to 18.
 * Concatenation makes 300,000 of these and their hashes a second, json_build_object half as many.
 */
export const canonicalText = [
  `concat('{"seq":', seq`,
  `',"id":', ${text('id')}`,
  `',"occurredAt":"', ${instantText('"occurredAt"')}`,
  `'","action":', ${text('action')}`,
  `',"patientId":', ${text('patientId')}`,
  `',"actorKind":', ${text('actorKind')}`,
  `',"actorId":', ${text('actorId')}`,
  `',"actorName":', ${text('actorName')}`,
  `',"origin":', ${text('origin')}`,
  `',"requestId":', ${text('requestId')}`,
  `',"reason":', ${text('reason')}`,
  `',"before":', coalesce("before"::text, 'null')`,
  `',"after":', coalesce("after"::text, 'null'), '}')`,
].join(', ');
