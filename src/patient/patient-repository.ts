import type { ShownPatient } from '../access/restricted.schema.ts';
import type { Ctx } from '../db/context.ts';
import { type DocumentSettings, databaseDocuments } from '../document/content-stores.service.ts';
import { type Download, openDocumentContent, removeDocument, removeDocumentContent, storeDocumentContent, type Upload } from '../document/document.service.ts';
import type { Photo, PhotoSize } from '../document/document.schema.ts';
import { openPhoto, removePhoto, storePhoto } from '../document/photo.service.ts';
import { defineIdentifierAuthority, listIdentifierAuthorities } from '../identifier/authority.service.ts';
import type { ChartIdentifier, IdentifierAuthority, IdentifierAuthorityInput, PatientIdentifier } from '../identifier/identifier.schema.ts';
import { addIdentifier, listIdentifiers, verifyIdentifier } from '../identifier/identifier.service.ts';
import type { MrnIssuer } from '../identifier/mrn.service.ts';
import type { ChartAddress, PatientAddress } from './address.schema.ts';
import { addAddress, listAddresses, updateAddress } from './address.service.ts';
import {
  addPart,
  clearRiskFlag,
  editPart,
  endPart,
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
import type { Child, IdentifyInput, NewNewborn, NewUnidentified, Placeholder, PlaceholderList } from './identity.schema.ts';
import { identifyPatient, listChildren, listPlaceholders, registerNewborn, registerUnidentified } from './identity.service.ts';
import type { ChartName, EndInput, PatientName } from './name.schema.ts';
import { addName, listNames, updateName } from './name.service.ts';
import { registerPatient, updatePatient } from './registration.service.ts';
import type { ChartTelecom, PatientTelecom } from './telecom.schema.ts';
import { addTelecom, listTelecoms, updateTelecom } from './telecom.service.ts';

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
  /**
   * Stores the file of a document as it streams in. Its type is recognised from the bytes; type, size and SHA-256 of what
   * really arrived are written into the document, which must be verified again.
   *
   * @example
   * const document = await patientRepository.addDocument('0190b6b2-6d0f-7c3a-9c6e-000000000001', { documentType: 'PASSPORT' });
   * const key = { patientId: document.patientId, id: document.id };
   * await patientRepository.storeDocumentContent(key, { content: process.stdin, fileName: 'passport.pdf' });
   */
  storeDocumentContent(key: ReadPartKey, upload: Upload): Promise<PatientDocument>;
  /**
   * Opens the file of a document, to be read piece by piece.
   *
   * @example
   * const file = await patientRepository.openDocumentContent({ patientId: '0190b6b2-6d0f-7c3a-9c6e-000000000001', id: '0190b6b2-6d0f-7c3a-9c6e-000000000002' });
   * for await (const piece of file.read()) process.stdout.write(piece);
   */
  openDocumentContent(key: PartKey): Promise<Download>;
  /** Removes the file of a document; the document itself stays. */
  removeDocumentContent(key: RemovalKey): Promise<PatientDocument>;
  /**
   * Sets the portrait of a patient. It is made anew: upright, at most 600 points wide and high, without metadata; a thumbnail comes with it.
   *
   * @example
   * const photo = await patientRepository.storePhoto('0190b6b2-6d0f-7c3a-9c6e-000000000001', { content: process.stdin });
   * console.log(photo.width, photo.height);
   */
  storePhoto(patientId: string, upload: Upload): Promise<Photo>;
  /** Opens the portrait of a patient, or its thumbnail. */
  openPhoto(patientId: string, size?: PhotoSize): Promise<Download>;
  removePhoto(patientId: string): Promise<void>;
  listAllergies(patientId: string, filter?: { activeOnly?: boolean | undefined }): Promise<Allergy[]>;
  getAllergy(key: PartKey): Promise<Allergy>;
  addAllergy(patientId: string, input: NewPart<'allergy'>): Promise<Allergy>;
  updateAllergy(key: ReadPartKey, changes: PartChanges<'allergy'>): Promise<Allergy>;
  resolveAllergy(key: RemovalKey): Promise<Allergy>;
  listRiskFlags(patientId: string, filter?: { activeOnly?: boolean | undefined }): Promise<RiskFlag[]>;
  getRiskFlag(key: PartKey): Promise<RiskFlag>;
  setRiskFlag(patientId: string, input: NewPart<'riskFlag'>): Promise<RiskFlag>;
  clearRiskFlag(key: RemovalKey): Promise<RiskFlag>;
  /** Every name of a chart, the official one first. */
  listNames(patientId: string): Promise<ChartName[]>;
  /**
   * Adds a name beside the official one: maiden, alias, nickname, the same in another script. The official one is changed with `update`.
   *
   * @example
   * const patient = await patientRepository.create({ firstName: 'Test', lastName: 'Patient', dateOfBirth: null });
   * await patientRepository.addName(patient.id, { use: 'TRANSCRIPTION', script: 'Cyrl', firstName: 'Тест', lastName: 'Пациент' });
   */
  addName(patientId: string, input: NewPart<'name'>): Promise<PatientName>;
  getName(key: PartKey): Promise<PatientName>;
  updateName(key: ReadPartKey, changes: PartChanges<'name'>): Promise<PatientName>;
  /** A name that is used no longer stays in the chart with its end. */
  endName(key: ReadPartKey, input?: EndInput): Promise<PatientName>;
  /** For a name that was never true; the audit trail keeps it. */
  removeName(key: RemovalKey): Promise<void>;
  /** Every address of a chart, the home address first. */
  listAddresses(patientId: string): Promise<ChartAddress[]>;
  addAddress(patientId: string, input: NewPart<'address'>): Promise<PatientAddress>;
  getAddress(key: PartKey): Promise<PatientAddress>;
  updateAddress(key: ReadPartKey, changes: PartChanges<'address'>): Promise<PatientAddress>;
  endAddress(key: ReadPartKey, input?: EndInput): Promise<PatientAddress>;
  removeAddress(key: RemovalKey): Promise<void>;
  /** Every telephone number, e-mail address and the like of a chart, the patient's own first. */
  listTelecoms(patientId: string): Promise<ChartTelecom[]>;
  addTelecom(patientId: string, input: NewPart<'telecom'>): Promise<PatientTelecom>;
  getTelecom(key: PartKey): Promise<PatientTelecom>;
  updateTelecom(key: ReadPartKey, changes: PartChanges<'telecom'>): Promise<PatientTelecom>;
  endTelecom(key: ReadPartKey, input?: EndInput): Promise<PatientTelecom>;
  removeTelecom(key: RemovalKey): Promise<void>;
  /** Every number of a chart, the MRN first. */
  listIdentifiers(patientId: string): Promise<ChartIdentifier[]>;
  /**
   * Adds a number that another authority gave to the patient. It must fit that authority's pattern and check digit, and be free.
   *
   * @example
   * await patientRepository.defineIdentifierAuthority('NID', { name: 'National identity card', type: 'NI', pattern: '[0-9]{8}' });
   * const patient = await patientRepository.create({ firstName: 'Test', lastName: 'Patient', dateOfBirth: null });
   * const identifier = await patientRepository.addIdentifier(patient.id, { authorityCode: 'NID', value: '1234 5678' });
   * const found = await patientRepository.findByIdentifier({ type: 'NI', value: '12345678' });
   * console.log(identifier.id, found?.id === patient.id);
   */
  addIdentifier(patientId: string, input: NewPart<'identifier'>): Promise<PatientIdentifier>;
  getIdentifier(key: PartKey): Promise<PatientIdentifier>;
  /** Changes the period or the notes; another number is another identifier. */
  updateIdentifier(key: ReadPartKey, changes: PartChanges<'identifier'>): Promise<PatientIdentifier>;
  endIdentifier(key: ReadPartKey, input?: EndInput): Promise<PatientIdentifier>;
  /** Records that somebody has seen the proof of it. */
  verifyIdentifier(key: ReadPartKey): Promise<PatientIdentifier>;
  removeIdentifier(key: RemovalKey): Promise<void>;
  /** Who gives out numbers by which patients are known elsewhere. */
  listIdentifierAuthorities(): Promise<IdentifierAuthority[]>;
  /** Makes an authority or describes it anew. */
  defineIdentifierAuthority(code: string, input: IdentifierAuthorityInput): Promise<IdentifierAuthority>;
  /**
   * Registers a patient whom nobody knows yet, under a temporary name; `identify` gives the real one.
   *
   * @example
   * const unknown = await patientRepository.registerUnidentified({ gender: 'MALE', estimatedAge: 40 });
   * await patientRepository.identify(unknown.id, { version: unknown.version, firstName: 'Test', lastName: 'Patient', dateOfBirth: '1985-06-01' });
   */
  registerUnidentified(input: NewUnidentified): Promise<Patient>;
  /**
   * Registers a newborn under its mother; without a first name under a temporary one, such as `Baby 2 of Test`.
   *
   * @example
   * const mother = await patientRepository.create({ firstName: 'Test', lastName: 'Mother', dateOfBirth: '1995-03-01' });
   * const twin = await patientRepository.registerNewborn({ motherId: mother.id, dateOfBirth: '2026-01-05', birthOrder: 1, multipleBirthCount: 2 });
   * console.log(twin.firstName);
   */
  registerNewborn(input: NewNewborn): Promise<Patient>;
  /** Gives a temporary identity its real one: same chart, same MRN; the temporary name is kept. */
  identify(id: string, input: IdentifyInput): Promise<Patient>;
  /** Charts that wait for their person, oldest first. */
  listPlaceholders(filter?: PlaceholderList): Promise<Page<Placeholder>>;
  /** The children of a mother. */
  listChildren(motherId: string): Promise<Child[]>;
}

/** The same for a trusted caller, to whom nothing is masked. */
export function bindTrustedRepository(ctx: Omit<Ctx, 'viewer'>, settings: BindSettings): PatientRepository {
  return bindPatientRepository(ctx, settings) as PatientRepository;
}

/** What the facility has decided, its record numbers, and where its files are: in the database unless said. */
export type BindSettings = RegistrySettings & { readonly mrns: MrnIssuer; readonly documents?: DocumentSettings };

/** Binds the use cases to a context. Use `openRegistry` or `createPatientRepository` of the package to get one. */
export function bindPatientRepository(ctx: Ctx, settings: BindSettings): PatientRepository<ShownPatient> {
  const documents = settings.documents ?? databaseDocuments;
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
    removeDocument: (key) => removeDocument(ctx, key, documents),
    storeDocumentContent: (key, upload) => storeDocumentContent(ctx, key, { upload, settings: documents }),
    openDocumentContent: (key) => openDocumentContent(ctx, key, documents),
    removeDocumentContent: (key) => removeDocumentContent(ctx, key, documents),
    storePhoto: (patientId, upload) => storePhoto(ctx, patientId, { upload, settings: { ...settings, documents } }),
    openPhoto: (patientId, size = 'full') => openPhoto(ctx, patientId, { size, settings: documents }),
    removePhoto: (patientId) => removePhoto(ctx, patientId, documents),
    listAllergies: (patientId, filter) => listChartParts(ctx, 'allergy', { patientId, ...filter }),
    getAllergy: (key) => getChartPart(ctx, 'allergy', key),
    addAllergy: (patientId, input) => addPart(ctx, 'allergy', { patientId, input, settings }),
    updateAllergy: (key, changes) => editPart(ctx, 'allergy', { ...key, changes, settings }),
    resolveAllergy: (key) => resolveAllergy(ctx, key),
    listRiskFlags: (patientId, filter) => listChartParts(ctx, 'riskFlag', { patientId, ...filter }),
    getRiskFlag: (key) => getChartPart(ctx, 'riskFlag', key),
    setRiskFlag: (patientId, input) => addPart(ctx, 'riskFlag', { patientId, input, settings }),
    clearRiskFlag: (key) => clearRiskFlag(ctx, key),
    listNames: (patientId) => listNames(ctx, patientId),
    addName: (patientId, input) => addName(ctx, patientId, { input, settings }),
    getName: (key) => getChartPart(ctx, 'name', key),
    updateName: (key, changes) => updateName(ctx, key, { changes, settings }),
    endName: (key, input) => endPart(ctx, 'name', { ...key, input, settings }),
    removeName: (key) => removePart(ctx, 'name', key),
    listAddresses: (patientId) => listAddresses(ctx, patientId),
    addAddress: (patientId, input) => addAddress(ctx, patientId, { input, settings }),
    getAddress: (key) => getChartPart(ctx, 'address', key),
    updateAddress: (key, changes) => updateAddress(ctx, key, { changes, settings }),
    endAddress: (key, input) => endPart(ctx, 'address', { ...key, input, settings }),
    removeAddress: (key) => removePart(ctx, 'address', key),
    listTelecoms: (patientId) => listTelecoms(ctx, patientId),
    addTelecom: (patientId, input) => addTelecom(ctx, patientId, { input, settings }),
    getTelecom: (key) => getChartPart(ctx, 'telecom', key),
    updateTelecom: (key, changes) => updateTelecom(ctx, key, { changes, settings }),
    endTelecom: (key, input) => endPart(ctx, 'telecom', { ...key, input, settings }),
    removeTelecom: (key) => removePart(ctx, 'telecom', key),
    listIdentifiers: (patientId) => listIdentifiers(ctx, patientId),
    addIdentifier: (patientId, input) => addIdentifier(ctx, patientId, { input, settings }),
    getIdentifier: (key) => getChartPart(ctx, 'identifier', key),
    updateIdentifier: (key, changes) => editPart(ctx, 'identifier', { ...key, changes, settings }),
    endIdentifier: (key, input) => endPart(ctx, 'identifier', { ...key, input, settings }),
    verifyIdentifier: (key) => verifyIdentifier(ctx, key),
    removeIdentifier: (key) => removePart(ctx, 'identifier', key),
    listIdentifierAuthorities: () => listIdentifierAuthorities(ctx),
    defineIdentifierAuthority: (code, input) => defineIdentifierAuthority(ctx, code, input),
    registerUnidentified: (input) => registerUnidentified(ctx, input, settings),
    registerNewborn: (input) => registerNewborn(ctx, input, settings),
    identify: (id, input) => identifyPatient(ctx, id, { input, settings }),
    listPlaceholders: (filter) => listPlaceholders(ctx, filter),
    listChildren: (motherId) => listChildren(ctx, motherId),
  };
}
