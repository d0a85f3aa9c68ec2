import { requireScope, requireWritable } from '../access/field-rights.ts';
import { insertAuditEvent } from '../audit/audit.store.ts';
import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import type { Ctx } from '../db/context.ts';
import { inTransaction } from '../db/transaction.ts';
import type { MrnIssuer } from '../identifier/mrn.service.ts';
import { settleBirth } from './birth.ts';
import { changePatient, definedOnly, holdPatient, type RegistrySettings, userIdOf } from './chart.service.ts';
import { keepHistory } from './history.service.ts';
import { type Child, IdentifyInput, NewNewborn, NewUnidentified, type Placeholder, PlaceholderList, type PlaceholderOrigin } from './identity.schema.ts';
import { checkMother, checkSiblings } from './newborn.ts';
import { decodeCursor, encodeCursor } from './page-cursor.ts';
import { recordPartView } from './part-view.service.ts';
import { checkBirthAndDeath, normalizeDemographics, requireOpenChart } from './patient.ts';
import type { IdentityStatus, NewPatient, Page, Patient } from './patient.schema.ts';
import { completePlaceholder, insertPlaceholder, isWaitingPlaceholder, listChildrenOf, listWaiting } from './placeholder.store.ts';
import { registerPatient } from './registration.service.ts';
import { nameNewborn, nameUnidentified } from './temporary-name.ts';

type Settings = RegistrySettings & { readonly mrns: MrnIssuer };

/** Registers a patient whom nobody knows: a temporary name, an estimated age, a place in the queue of those to be identified. */
export async function registerUnidentified(ctx: Ctx, input: NewUnidentified, settings: Settings): Promise<Patient> {
  const given = parseInput(NewUnidentified, input);
  const temporary = nameUnidentified(given, { now: ctx.clock.now(), timeZone: settings.timeZone, names: settings.temporaryNames });
  const person = {
    ...given,
    firstName: given.lastName === undefined && given.firstName === undefined ? temporary.firstName : (given.firstName ?? null),
    lastName: given.lastName ?? temporary.lastName,
    dateOfBirth: given.dateOfBirth ?? null,
  };
  return inTransaction(ctx, (inside) => registerTemporary(inside, { person, status: 'UNIDENTIFIED', origin: 'UNIDENTIFIED', settings }));
}

/**
 * Registers a newborn under its mother, whose chart is locked meanwhile: so two desks do not make two charts for one child. Without
 * a first name it gets a temporary one and waits to be named.
 */
export async function registerNewborn(ctx: Ctx, input: NewNewborn, settings: Settings): Promise<Patient> {
  const given = parseInput(NewNewborn, input);
  const { dateOfBirth, birthOrder } = given;
  return inTransaction(ctx, async (inside) => {
    const mother = await holdPatient(inside, given.motherId).catch((error: unknown) => {
      if (!(error instanceof AppError && error.code === 'PATIENT_NOT_FOUND')) throw error;
      throw new AppError('not-found', 'MOTHER_NOT_FOUND', 'motherId names a patient that does not exist. Register the mother first, or check the id.', {
        field: 'motherId',
      });
    });
    requireOpenChart(mother);
    checkMother(mother, { dateOfBirth, timeZone: settings.timeZone });
    checkSiblings(await listChildrenOf(inside.db, mother.id), { dateOfBirth, birthOrder });
    const named = typeof given.firstName === 'string';
    const person = {
      ...given,
      firstName: given.firstName ?? nameNewborn(mother, { birthOrder, names: settings.temporaryNames }),
      lastName: given.lastName ?? mother.lastName,
    };
    const child = named
      ? await registerPatient(numbersInside(inside), person, settings)
      : await registerTemporary(inside, { person, status: 'TEMPORARY', origin: 'NEWBORN', settings });
    await insertAuditEvent(inside, { action: 'patient.newborn-registered', patientId: mother.id, after: { childId: child.id } });
    return child;
  });
}

/** The number is taken inside the transaction: waiting there for a second connection could wait for ever when all are in use. */
function numbersInside(ctx: Ctx): Ctx {
  return { ...ctx, pool: undefined };
}

async function registerTemporary(
  ctx: Ctx,
  temporary: { person: NewPatient; status: IdentityStatus; origin: PlaceholderOrigin; settings: Settings },
): Promise<Patient> {
  const { person, status, origin, settings } = temporary;
  const patient = await registerPatient(numbersInside(ctx), person, { ...settings, identityStatus: status });
  await insertPlaceholder(ctx.db, { patientId: patient.id, origin, createdAt: ctx.clock.now() });
  return patient;
}

/**
 * Gives a temporary identity its real one: the same chart, the same MRN. The temporary name is kept with its period, and the chart
 * leaves the queue. A person who has a chart already is a case for a merge instead.
 */
export async function identifyPatient(ctx: Ctx, id: string, options: { input: IdentifyInput; settings: RegistrySettings }): Promise<Patient> {
  const { settings } = options;
  const { version, reason, ...given } = parseInput(IdentifyInput, options.input);
  requireWritable(ctx.viewer, given);
  const at = { now: ctx.clock.now(), timeZone: settings.timeZone };
  const person = normalizeDemographics(given, settings);
  const stillUnknown = person.dateOfBirth === null && given.estimatedAge === undefined;
  const fields = settleBirth({ ...person, dateOfBirth: stillUnknown ? undefined : person.dateOfBirth }, at);
  return inTransaction(ctx, async (inside) => {
    const waiting = await isWaitingPlaceholder(inside.db, id);
    return changePatient(inside, {
      id,
      version,
      action: 'patient.identified',
      reason,
      decide: (patient) => {
        requireOpenChart(patient);
        const temporary = patient.identityStatus === 'UNIDENTIFIED' || patient.identityStatus === 'TEMPORARY';
        if (!temporary && !waiting)
          throw new AppError('rule', 'PATIENT_IDENTIFIED', 'The identity of this patient is known. Use update to correct it.', { id });
        const deceasedAt = patient.deceasedAt === null ? null : new Date(patient.deceasedAt);
        checkBirthAndDeath({ dateOfBirth: fields.dateOfBirth ?? patient.dateOfBirth, deceasedAt }, at);
        return { ...definedOnly(fields), identityStatus: 'KNOWN' };
      },
      alongside: async (within, chart) => {
        await keepHistory(within, chart, { settings, nameUse: 'TEMPORARY' });
        await completePlaceholder(within.db, id, { completedAt: within.clock.now(), completedBy: userIdOf(within) });
      },
    });
  });
}

/** Charts that wait for their person, oldest first. */
export async function listPlaceholders(ctx: Ctx, input: PlaceholderList = {}): Promise<Page<Placeholder>> {
  requireScope(ctx.viewer, 'patient.search');
  const { origin, limit, cursor } = parseInput(PlaceholderList, input);
  const after = cursor === undefined ? undefined : decodeCursor('waiting', cursor);
  return inTransaction(ctx, async (inside) => {
    const rows = await listWaiting(inside.db, { origin, limit, after });
    const items = rows.slice(0, limit).map(({ restricted, ...row }) => (restricted && inside.viewer ? { ...row, mrn: null } : row));
    const last = items.at(-1);
    await insertAuditEvent(inside, {
      action: 'patient.listed',
      patientId: null,
      after: { fields: ['placeholder'], patientIds: items.map(({ patientId }) => patientId) },
    });
    return { items, nextCursor: rows.length > limit && last ? encodeCursor('waiting', [last.createdAt, last.patientId]) : null, total: null };
  });
}

/** The children of a mother; seeing them is recorded in her trail. */
export async function listChildren(ctx: Ctx, motherId: string): Promise<Child[]> {
  return inTransaction(ctx, async (inside) => {
    const children = await listChildrenOf(inside.db, motherId);
    await recordPartView(inside, motherId, { section: 'demographics', by: 'child list', rows: children });
    return children.map((child) =>
      child.restricted && inside.viewer ? { id: child.id, restricted: true, mrn: null, dateOfBirth: null, birthOrder: null, multipleBirthCount: null } : child,
    );
  });
}
