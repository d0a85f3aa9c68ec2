import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Receiver } from '../../events/event.schema.ts';
import * as events from '../../events/receiver.service.ts';
import { AppError } from '../../base/errors.ts';
import { verifyWebhook } from '../../client/verify-webhook.ts';
import { createPool } from '../../db/connect.ts';
import type { Settings } from '../../settings/settings.schema.ts';
import { loadSettings } from '../../settings/load.ts';
import { type AccessOptions, addAccessOptions, columns, withAccess } from '../access-context.ts';
import { addDatabaseOptions, type DatabaseOptions, findDatabase } from '../database.ts';
import { type CliIo, note, print, printJson } from '../io.ts';

interface Options extends AccessOptions {
  readonly config?: string;
}

/** `onechart events`: who is told of what happens, how far each is, and the process that tells them. */
export function addEventsCommands(program: Command, io: CliIo): void {
  const group = program.command('events').description('events: who is told of them by signed requests, and the worker that does it');
  addReceiverCommands(group, io);
  addDeliveryCommands(group, io);
  addWorkerCommands(group, io);
  addVerifyCommand(group, io);
}

function addReceiverCommands(group: Command, io: CliIo): void {
  for (const name of ['receivers', 'list'] as const) {
    addOptions(group.command(name, { hidden: name === 'list' }))
      .description('list who is told, how far each is, and what is wrong')
      .action(async (options: Options) => {
        const list = await withAccess(options, io, events.listReceivers);
        if (options.json) return printJson(io, list);
        if (list.items.length === 0) return note(io, 'Nobody is told of events. Add a receiver with: onechart events add');
        const rows = list.items.map((each) => [each.name, stateOf(each), String(each.behind), String(each.waiting), String(each.dead), each.url]);
        for (const line of columns([['NAME', 'STATE', 'BEHIND', 'WAITING', 'DEAD', 'ADDRESS'], ...rows])) print(io, line);
      });
  }

  addOptions(group.command('show'))
    .description('show one receiver in full')
    .argument('<receiver>', 'its name or id')
    .action(async (receiver: string, options: Options) =>
      showReceiver(io, options, await withAccess(options, io, (ctx) => events.findReceiver(ctx, receiver))),
    );

  addOptions(group.command('add'))
    .description('add a receiver and print its secret, this one time')
    .requiredOption('--name <name>', 'what people call it')
    .requiredOption('--url <url>', 'where events are sent: https, or http on this machine')
    .option('--type <type>', 'a type of event that it wants, such as patient.registered or patient.*; may be given several times (default: all)', collect, [])
    .option('--from <when>', 'from where on: start, an instant such as 2026-11-23T08:30:00Z, or the id of an event (default: from now)')
    .action(async (options: Options & { name: string; url: string; type: string[]; from?: string }) => {
      const { name, url, type, from } = options;
      const settings = await eventSettings(options, io);
      const made = await withAccess(options, io, (ctx) =>
        events.addReceiver(ctx, { name, url, eventTypes: type, ...(from === undefined ? {} : { from }) }, settings),
      );
      if (options.json) return printJson(io, made);
      // Alone on stdout, so that a script can take it without it ever standing in a command line.
      print(io, made.secret);
      note(io, `The secret of ${made.name} (${made.id}). It is shown this one time; requests are signed with it.`);
    });

  addOptions(group.command('remove'))
    .description('remove a receiver with what waits for it')
    .argument('<receiver>', 'its name or id')
    .action(async (receiver: string, options: Options) => {
      await withAccess(options, io, (ctx) => events.removeReceiver(ctx, receiver));
      if (options.json) printJson(io, { removed: receiver });
      else print(io, `Removed ${receiver}.`);
    });

  addOptions(group.command('rotate'))
    .description('give a receiver a new secret and print it, this one time; both sign for a while')
    .argument('<receiver>', 'its name or id')
    .option('--overlap <hours>', 'for how long requests are signed with the old secret as well (default: 24)', hours)
    .action(async (receiver: string, options: Options & { overlap?: number }) => {
      const settings = await eventSettings(options, io);
      const input = options.overlap === undefined ? {} : { overlapHours: options.overlap };
      const made = await withAccess(options, io, (ctx) => events.rotateSecret(ctx, receiver, { input, settings }));
      if (options.json) return printJson(io, made);
      print(io, made.secret);
      note(io, made.previousSecretUntil === null ? 'The old secret signs no more.' : `The old secret signs as well until ${made.previousSecretUntil}.`);
    });

  for (const [name, said, act] of [
    ['pause', 'send a receiver nothing until it is resumed; events wait for it', events.pauseReceiver],
    ['resume', 'go on with a receiver at once, also when it only waits after a failure', events.resumeReceiver],
  ] as const) {
    addOptions(group.command(name))
      .description(said)
      .argument('<receiver>', 'its name or id')
      .action(async (receiver: string, options: Options) => showReceiver(io, options, await withAccess(options, io, (ctx) => act(ctx, receiver))));
  }

  addOptions(group.command('test'))
    .description('send a receiver an event about nobody, and say what came of it')
    .argument('<receiver>', 'its name or id')
    .action(async (receiver: string, options: Options) => {
      const settings = await eventSettings(options, io);
      const result = await withAccess(options, io, (ctx) => events.testReceiver(ctx, receiver, settings));
      if (options.json) printJson(io, result);
      if (!result.delivered)
        throw new AppError(
          'unavailable',
          'RECEIVER_TEST_FAILED',
          `The receiver did not take the event: ${result.failure}. Look at its address, its certificate and its log.`,
          {
            failure: result.failure,
          },
        );
      if (!options.json) print(io, `It was taken after ${result.milliseconds} ms with status ${result.status}.`);
    });
}

function addDeliveryCommands(group: Command, io: CliIo): void {
  addOptions(group.command('dead'))
    .description('list events that a receiver has refused: given up, or with --all those that are tried again too')
    .argument('<receiver>', 'its name or id')
    .option('--all', 'also what waits')
    .action(async (receiver: string, options: Options & { all?: boolean }) => {
      const page = await withAccess(options, io, (ctx) =>
        events.listDeliveries(ctx, receiver, { ...(options.all ? {} : { state: 'DEAD' as const }), limit: 200 }),
      );
      if (options.json) return printJson(io, page);
      if (page.items.length === 0) return note(io, 'There are none.');
      const rows = page.items.map((each) => [
        each.eventId,
        each.type,
        each.state,
        String(each.attempts),
        each.patientId,
        each.lastFailure ?? 'waits for an earlier one',
      ]);
      for (const line of columns([['EVENT', 'TYPE', 'STATE', 'ATTEMPTS', 'PATIENT', 'LAST FAILURE'], ...rows])) print(io, line);
      if (page.nextAfter !== null) note(io, 'There are more.');
    });

  addOptions(group.command('retry'))
    .description('send given-up events again: one, or all of a receiver; later ones of the same patients follow')
    .argument('<receiver>', 'its name or id')
    .argument('[event]', 'id of the event (default: all that were given up)')
    .action(async (receiver: string, event: string | undefined, options: Options) => {
      const result = await withAccess(options, io, (ctx) => events.retryDeliveries(ctx, receiver, event));
      if (options.json) printJson(io, result);
      else print(io, `${result.events} events are sent again.`);
    });

  addOptions(group.command('discard'))
    .description('give an event up for good: the receiver is not told of it, and later ones of the patient go out')
    .argument('<receiver>', 'its name or id')
    .argument('<event>', 'id of the event')
    .action(async (receiver: string, event: string, options: Options) => {
      await withAccess(options, io, (ctx) => events.discardDelivery(ctx, receiver, event));
      if (options.json) printJson(io, { discarded: event });
      else print(io, 'Discarded.');
    });

  addOptions(group.command('replay'))
    .description('send everything again from a point on; receivers recognise what they had by its id')
    .argument('<receiver>', 'its name or id')
    .requiredOption('--from <when>', 'start, an instant such as 2026-11-23T08:30:00Z, or the id of an event')
    .action(async (receiver: string, options: Options & { from: string }) =>
      showReceiver(io, options, await withAccess(options, io, (ctx) => events.replayEvents(ctx, receiver, { from: options.from }))),
    );
}

function addWorkerCommands(group: Command, io: CliIo): void {
  addOptions(group.command('run'))
    .description('deliver events and do the nightly duties until SIGTERM or Ctrl-C; any number of processes may')
    .action(async (options: Options) => run(options, io));

  addDatabaseOptions(group.command('install'))
    .description("make the worker's job queue, or bring it on to this version; as the owner of the tables, after each upgrade")
    .action(async (options: DatabaseOptions & { json?: boolean }) => {
      const { installEventWorker } = await import('../../events/worker.service.ts');
      const made = await withPool(options, io, installEventWorker);
      if (options.json) printJson(io, made);
      else print(io, `The job queue stands in the schema ${made.schema}.`);
    });

  addDatabaseOptions(group.command('uninstall'))
    .description("take the worker's job queue away, as before a rollback; events, receivers and positions stay")
    .action(async (options: DatabaseOptions & { json?: boolean }) => {
      const { removeEventWorker } = await import('../../events/worker.service.ts');
      const removed = await withPool(options, io, removeEventWorker);
      if (options.json) printJson(io, removed);
      else print(io, `The schema ${removed.schema} is gone.`);
    });
}

function addVerifyCommand(group: Command, io: CliIo): void {
  group
    .command('verify')
    .description('say whether a request was signed with a secret, as a receiver does; needs no database')
    .argument('<file>', 'the body exactly as it came')
    .addOption(new Option('--secret-file <file>', 'file with the secret (whsec_…)').makeOptionMandatory())
    .requiredOption('--id <id>', 'header webhook-id')
    .requiredOption('--timestamp <seconds>', 'header webhook-timestamp')
    .requiredOption('--signature <text>', 'header webhook-signature')
    .option('--any-time', 'also when the request is older than five minutes')
    .action((file: string, options: { secretFile: string; id: string; timestamp: string; signature: string; anyTime?: boolean; json?: boolean }) => {
      const headers = { 'webhook-id': options.id, 'webhook-timestamp': options.timestamp, 'webhook-signature': options.signature };
      const toleranceSeconds = options.anyTime ? Number.POSITIVE_INFINITY : undefined;
      const event = verifyWebhook({ secret: readText(options.secretFile).trim(), headers, body: readText(file), toleranceSeconds });
      if (options.json) printJson(io, event);
      else print(io, `The signature is right: ${event.type}, event ${event.id}.`);
    });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AppError('unavailable', 'INPUT_UNREADABLE', 'The file cannot be read. Check its name and rights.', {}, { cause });
  }
}

/** Loaded here and not above: the other commands need none of it. */
async function run(options: Options, io: CliIo): Promise<void> {
  const [{ createLogger }, { startConfiguredWorker }, { untilStopped }] = await Promise.all([
    import('../../base/log.ts'),
    import('../event-worker.ts'),
    import('../../base/until-stopped.ts'),
  ]);
  const { settings } = await loadSettings({ config: options.config, env: io.env, cwd: io.cwd });
  const address = await findDatabase(options, io);
  const log = createLogger({ name: 'onechart events', level: settings.log.level });
  const signalled = untilStopped();
  const worker = await startConfiguredWorker({ address, settings, log });
  if (options.json) printJson(io, { running: true });
  else print(io, 'Delivering events. Ctrl-C ends it.');
  const signal = await signalled;
  log.info({ signal }, 'finishing what is on its way');
  await worker.stop();
  log.info('stopped');
}

function showReceiver(io: CliIo, options: Options, receiver: Receiver): void {
  if (options.json) return printJson(io, receiver);
  const { name, id, url, eventTypes, behind, oldestBehindAt, waiting, dead, lastDeliveredAt, previousSecretUntil } = receiver;
  const rows = [
    ['Name', name],
    ['Id', id],
    ['Address', url],
    ['Events', eventTypes.length === 0 ? 'all' : eventTypes.join(', ')],
    ['State', stateOf(receiver)],
    ['Behind', oldestBehindAt === null ? String(behind) : `${behind}, the oldest of ${oldestBehindAt}`],
    ['Refused', `${waiting} waiting, ${dead} given up`],
    ['Last taken', lastDeliveredAt ?? 'never'],
    ...(previousSecretUntil === null ? [] : [['Old secret', `signs as well until ${previousSecretUntil}`]]),
  ];
  for (const line of columns(rows)) print(io, line);
}

function stateOf({ state, failures, lastFailure, retryAt }: Receiver): string {
  if (state === 'PAUSED') return 'paused';
  return failures === 0 ? 'active' : `failing (${failures}, ${lastFailure}, again ${retryAt ?? 'now'})`;
}

function addOptions(command: Command): Command {
  return addAccessOptions(command).option('--config <file>', 'configuration of the server, for events.* (default: as for onechart serve)');
}

async function eventSettings(options: Options, io: CliIo): Promise<Settings['events']> {
  return (await loadSettings({ config: options.config, env: io.env, cwd: io.cwd })).settings.events;
}

async function withPool<T>(options: DatabaseOptions, io: CliIo, work: (pool: ReturnType<typeof createPool>) => Promise<T>): Promise<T> {
  const pool = createPool(await findDatabase(options, io), { maxConnections: 2 });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

function hours(text: string): number {
  if (!/^\d{1,3}(\.\d+)?$/.test(text)) throw new InvalidArgumentError('It must be a number of hours.');
  return Number(text);
}
