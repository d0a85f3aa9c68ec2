import type { ClientBase } from 'pg';

/** Tables whose rows OneChart reads and writes, with the name of their row type. */
export const tableTypes = {
  patients: 'PatientTable',
  patient_contacts: 'PatientContactTable',
  patient_documents: 'PatientDocumentTable',
  patient_allergies: 'PatientAllergyTable',
  patient_risk_flags: 'PatientRiskFlagTable',
  patient_merge_history: 'PatientMergeHistoryTable',
  patient_audit_events: 'PatientAuditEventTable',
  patient_audit_seals: 'PatientAuditSealTable',
  patient_outbox_events: 'PatientOutboxEventTable',
  patient_placeholders: 'PatientPlaceholderTable',
  patient_document_contents: 'PatientDocumentContentTable',
  patient_document_chunks: 'PatientDocumentChunkTable',
  patient_names: 'PatientNameTable',
  patient_addresses: 'PatientAddressTable',
  patient_telecoms: 'PatientTelecomTable',
  patient_identifiers: 'PatientIdentifierTable',
  identifier_authorities: 'IdentifierAuthorityTable',
  mrn_authorities: 'MrnAuthorityTable',
  mrn_formats: 'MrnFormatTable',
  mrn_counters: 'MrnCounterTable',
  mrn_blocks: 'MrnBlockTable',
  mrn_returned_ranges: 'MrnReturnedRangeTable',
  access_accounts: 'AccessAccountTable',
  access_sessions: 'AccessSessionTable',
  access_keys: 'AccessKeyTable',
  patient_break_glass_grants: 'PatientBreakGlassGrantTable',
  idempotency_keys: 'IdempotencyKeyTable',
  patient_search_entries: 'PatientSearchEntryTable',
  patient_search_words: 'PatientSearchWordTable',
  import_runs: 'ImportRunTable',
  event_receivers: 'EventReceiverTable',
  event_deliveries: 'EventDeliveryTable',
  downtime_blocks: 'DowntimeBlockTable',
  downtime_numbers: 'DowntimeNumberTable',
} as const;

interface Column {
  readonly table_name: string;
  readonly column_name: string;
  readonly udt_name: string;
  readonly nullable: boolean;
  readonly has_default: boolean;
}

const typeOf: Readonly<Record<string, string>> = {
  uuid: 'string',
  text: 'string',
  varchar: 'string',
  date: 'string',
  bool: 'boolean',
  int4: 'number',
  int8: 'number',
  timestamptz: 'Date',
  jsonb: 'Json',
  bytea: 'Buffer',
  // Written as the text of a tsvector or made of an array by the statement; never read as a value.
  tsvector: 'string',
  _text: 'string[]',
  PatientStatus: 'PatientStatus',
};

/**
 * Writes the TypeScript of `tables.ts` from the catalogue of a migrated database.
 * The committed file is proven equal to this by a test.
 */
export async function describeTables(client: Pick<ClientBase, 'query'>): Promise<string> {
  const { rows } = await client.query<Column>(
    `select table_name::text, column_name::text, udt_name::text, is_nullable = 'YES' as nullable, column_default is not null as has_default
     from information_schema.columns where table_schema = current_schema() and table_name = any($1) order by ordinal_position`,
    [Object.keys(tableTypes)],
  );
  const { rows: labels } = await client.query<{ label: string }>(
    `select enumlabel::text as label from pg_enum where enumtypid = '"PatientStatus"'::regtype order by enumsortorder`,
  );
  const tables = Object.entries(tableTypes).map(([table, type]) => {
    const columns = rows.filter((row) => row.table_name === table);
    if (columns.length === 0) throw new Error(`Table ${table} is missing in this database.`);
    return `export interface ${type} {\n${columns.map((column) => `  ${column.column_name}: ${columnType(column)};`).join('\n')}\n}\n`;
  });
  return [
    '// Generated from the catalogue of a migrated database by scripts/generate-table-types.ts. Do not edit.',
    "import type { ColumnType, Generated } from 'kysely';",
    '',
    'type Json = ColumnType<unknown, string, string>;',
    `export type PatientStatus = ${labels.map(({ label }) => `'${label}'`).join(' | ')};`,
    '',
    ...tables,
    'export interface Tables {',
    ...Object.entries(tableTypes).map(([table, type]) => `  ${table}: ${type};`),
    '}',
    '',
  ].join('\n');
}

function columnType(column: Column): string {
  const base = typeOf[column.udt_name];
  if (base === undefined) throw new Error(`No TypeScript type for ${column.table_name}.${column.column_name} (${column.udt_name}).`);
  const nullable = column.nullable ? `${base} | null` : base;
  return column.has_default ? `Generated<${nullable}>` : nullable;
}
