/** A host column that names a patient. */
export interface HostLinkTable {
  readonly table: string;
  readonly column: string;
  /** Whether the host itself has an index that serves look-ups by this column. */
  readonly indexed: boolean;
}

/** The type of an id column; varchar counts as text (see readHostProfile). */
export type HostIdType = 'uuid' | 'text';

/** What about a host EHR decides how the module's migrations are written for it. */
export interface HostProfile {
  readonly schema: string;
  /** Type of `patients.id` and of the module's other ids; follows the link tables. */
  readonly idType: HostIdType;
  /** Type of the user columns (`createdBy`, `verifiedBy`, ...); follows `users.id`. */
  readonly userIdType: HostIdType;
  /** Undefined: the host has no users table, and the user columns carry no foreign key. */
  readonly usersTable: string | undefined;
  readonly linkTables: readonly HostLinkTable[];
}

/** The five link tables of a surgical EHR, in the order of the first migration. */
export const defaultLinkTables = ['surgical_cases', 'medical_records', 'bills', 'patient_consent_instances', 'insurance_policies'] as const;

/** The host for which the committed files in prisma/migrations are written. */
export const defaultHostProfile: HostProfile = {
  schema: 'public',
  idType: 'uuid',
  userIdType: 'uuid',
  usersTable: 'users',
  linkTables: defaultLinkTables.map((table) => ({ table, column: 'patientId', indexed: true })),
};
