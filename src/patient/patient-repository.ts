import type { ShownPatient } from '../access/restricted.schema.ts';
import type { Ctx } from '../db/context.ts';
import type { MrnIssuer } from '../identifier/mrn.service.ts';
import {
  addPart,
  clearRiskFlag,
  editPart,
  getChartPart,
  listChartParts,
  type NewPart,
  type PartChanges,
  type PartKey,
  type ReadPartKey,
  removePart,
  resolveAllergy,
  verifyDocument,
} from './chart-part.service.ts';
import type { RegistrySettings } from './chart.service.ts';
import { findPatient, findPatientByEmail, findPatientByIdentifier, findPatientByMrn, listMerges, listPatients, searchPatients } from './lookup.service.ts';
import type {
  Allergy,
  ArchiveInput,
  ChangeStatusInput,
  Contact,
  Identifier,
  MarkDeceasedInput,
  Merge,
  NewPatient,
  Page,
  Patient,
  PatientChanges,
  PatientDocument,
  PatientList,
  PatientSearch,
  RestrictInput,
  RiskFlag,
  UndoInput,
} from './patient.schema.ts';
import {
  archivePatient,
  changePatientStatus,
  markPatientDeceased,
  restrictPatient,
  revertPatientDeceased,
  unarchivePatient,
  unrestrictPatient,
} from './patient-state.service.ts';
import { registerPatient, updatePatient } from './registration.service.ts';

export type { PartKey, ReadPartKey } from './chart-part.service.ts';

/** Why it is taken out of use, and which state of it was read. */
type RemovalKey = ReadPartKey & { readonly reason?: string | undefined };

/**
 * The registry as a library. Every function is one transaction with its audit row and, for changes, its outbox event;
 * on a connection of the host it takes part in the host's transaction. Errors are AppErrors.
 *
 * `Shown` is what lists hold: patients for trusted callers, and for viewers also masked ones.
 */
export interface PatientRepository<Shown = Patient> {
  /**
   * Registers a patient and issues the MRN.
   *
   * @example
   * const patient = await patientRepository.create({ firstName: 'Test', lastName: 'Patient', dateOfBirth: '1990-01-01' });
   * console.log('MRN:', patient.mrn);
   */
  create(input: NewPatient): Promise<Patient>;
  /**
   * The patient with this id, also an archived or merged one.
   *
   * @example
   * const found = await patientRepository.findById('0190b6b2-6d0f-7c3a-9c6e-000000000001');
   * console.log(found?.lastName);
   */
  findById(id: string): Promise<Patient | undefined>;
  /**
   * The patient whom a record number leads to; after merges, the surviving chart.
   *
   * @example
   * const found = await patientRepository.findByMrn('MRN-2026-00001');
   */
  findByMrn(mrn: string): Promise<Patient | undefined>;
  /**
   * The patient with this document number or MRN. Several patients with one number are an `ambiguous` error.
   *
   * @example
   * const found = await patientRepository.findByIdentifier({ type: 'PASSPORT', value: 'X1234567' });
   */
  findByIdentifier(identifier: Identifier): Promise<Patient | undefined>;
  /**
   * The patient in use with this e-mail address, in any case.
   *
   * @example
   * const found = await patientRepository.findByEmail('Test.Patient@example.org');
   */
  findByEmail(email: string): Promise<Patient | undefined>;
  /**
   * Patients who fit all criteria, in name order. Names match from their beginning.
   *
   * @example
   * const page = await patientRepository.search({ lastName: 'Pat', dateOfBirth: '1990-01-01' });
   * for (const patient of page.items) console.log(patient.mrn);
   */
  search(criteria: PatientSearch): Promise<Page<Shown>>;
  /**
   * Pages of patients, filtered and counted.
   *
   * @example
   * const first = await patientRepository.list({ status: 'ACTIVE', limit: 20 });
   * const second = first.nextCursor === null ? undefined : await patientRepository.list({ status: 'ACTIVE', limit: 20, cursor: first.nextCursor });
   */
  list(filter?: PatientList): Promise<Page<Shown>>;
  /**
   * Changes demographics. `version` is the one that was read; a stale one is refused with PATIENT_STALE_VERSION.
   *
   * @example
   * const patient = await patientRepository.create({ firstName: 'Test', lastName: 'Patient', dateOfBirth: null });
   * await patientRepository.update(patient.id, { version: patient.version, dateOfBirth: '1990-01-01' });
   */
  update(id: string, changes: PatientChanges): Promise<Patient>;
  archive(id: string, input: ArchiveInput): Promise<Patient>;
  unarchive(id: string, input?: UndoInput): Promise<Patient>;
  restrict(id: string, input: RestrictInput): Promise<Shown>;
  unrestrict(id: string, input?: UndoInput): Promise<Patient>;
  markDeceased(id: string, input: MarkDeceasedInput): Promise<Patient>;
  revertDeceased(id: string, input?: UndoInput): Promise<Patient>;
  changeStatus(id: string, input: ChangeStatusInput): Promise<Patient>;
  /** The merges that a chart took part in, on either side. */
  listMerges(id: string): Promise<Merge[]>;
  listContacts(patientId: string): Promise<Contact[]>;
  getContact(key: PartKey): Promise<Contact>;
  addContact(patientId: string, input: NewPart<'contact'>): Promise<Contact>;
  updateContact(key: ReadPartKey, changes: PartChanges<'contact'>): Promise<Contact>;
  removeContact(key: RemovalKey): Promise<void>;
  listDocuments(patientId: string): Promise<PatientDocument[]>;
  getDocument(key: PartKey): Promise<PatientDocument>;
  addDocument(patientId: string, input: NewPart<'document'>): Promise<PatientDocument>;
  updateDocument(key: ReadPartKey, changes: PartChanges<'document'>): Promise<PatientDocument>;
  verifyDocument(key: ReadPartKey): Promise<PatientDocument>;
  removeDocument(key: RemovalKey): Promise<void>;
  listAllergies(patientId: string, filter?: { activeOnly?: boolean | undefined }): Promise<Allergy[]>;
  getAllergy(key: PartKey): Promise<Allergy>;
  addAllergy(patientId: string, input: NewPart<'allergy'>): Promise<Allergy>;
  updateAllergy(key: ReadPartKey, changes: PartChanges<'allergy'>): Promise<Allergy>;
  resolveAllergy(key: RemovalKey): Promise<Allergy>;
  listRiskFlags(patientId: string, filter?: { activeOnly?: boolean | undefined }): Promise<RiskFlag[]>;
  getRiskFlag(key: PartKey): Promise<RiskFlag>;
  setRiskFlag(patientId: string, input: NewPart<'riskFlag'>): Promise<RiskFlag>;
  clearRiskFlag(key: RemovalKey): Promise<RiskFlag>;
}

/** The same for a trusted caller, to whom nothing is masked. */
export function bindTrustedRepository(ctx: Omit<Ctx, 'viewer'>, settings: RegistrySettings & { mrns: MrnIssuer }): PatientRepository {
  return bindPatientRepository(ctx, settings) as PatientRepository;
}

/** Binds the use cases to a context. Use `openRegistry` or `createPatientRepository` of the package to get one. */
export function bindPatientRepository(ctx: Ctx, settings: RegistrySettings & { mrns: MrnIssuer }): PatientRepository<ShownPatient> {
  return {
    create: (input) => registerPatient(ctx, input, settings),
    findById: (id) => findPatient(ctx, id),
    findByMrn: (mrn) => findPatientByMrn(ctx, mrn),
    findByIdentifier: (identifier) => findPatientByIdentifier(ctx, identifier),
    findByEmail: (email) => findPatientByEmail(ctx, email),
    search: (criteria) => searchPatients(ctx, criteria, settings),
    list: (filter) => listPatients(ctx, filter),
    update: (id, changes) => updatePatient(ctx, id, { changes, settings }),
    archive: (id, input) => archivePatient(ctx, id, input),
    unarchive: (id, input) => unarchivePatient(ctx, id, input),
    restrict: (id, input) => restrictPatient(ctx, id, input),
    unrestrict: (id, input) => unrestrictPatient(ctx, id, input),
    markDeceased: (id, input) => markPatientDeceased(ctx, id, { input, settings }),
    revertDeceased: (id, input) => revertPatientDeceased(ctx, id, input),
    changeStatus: (id, input) => changePatientStatus(ctx, id, input),
    listMerges: (id) => listMerges(ctx, id),
    listContacts: (patientId) => listChartParts(ctx, 'contact', { patientId }),
    getContact: (key) => getChartPart(ctx, 'contact', key),
    addContact: (patientId, input) => addPart(ctx, 'contact', { patientId, input, settings }),
    updateContact: (key, changes) => editPart(ctx, 'contact', { ...key, changes, settings }),
    removeContact: (key) => removePart(ctx, 'contact', key),
    listDocuments: (patientId) => listChartParts(ctx, 'document', { patientId }),
    getDocument: (key) => getChartPart(ctx, 'document', key),
    addDocument: (patientId, input) => addPart(ctx, 'document', { patientId, input, settings }),
    updateDocument: (key, changes) => editPart(ctx, 'document', { ...key, changes, settings }),
    verifyDocument: (key) => verifyDocument(ctx, key),
    removeDocument: (key) => removePart(ctx, 'document', key),
    listAllergies: (patientId, filter) => listChartParts(ctx, 'allergy', { patientId, ...filter }),
    getAllergy: (key) => getChartPart(ctx, 'allergy', key),
    addAllergy: (patientId, input) => addPart(ctx, 'allergy', { patientId, input, settings }),
    updateAllergy: (key, changes) => editPart(ctx, 'allergy', { ...key, changes, settings }),
    resolveAllergy: (key) => resolveAllergy(ctx, key),
    listRiskFlags: (patientId, filter) => listChartParts(ctx, 'riskFlag', { patientId, ...filter }),
    getRiskFlag: (key) => getChartPart(ctx, 'riskFlag', key),
    setRiskFlag: (patientId, input) => addPart(ctx, 'riskFlag', { patientId, input, settings }),
    clearRiskFlag: (key) => clearRiskFlag(ctx, key),
  };
}
