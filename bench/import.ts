import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { from as copyFrom } from 'pg-copy-streams';
import { openRegistry } from '../src/index.ts';
import { type SyntheticPerson, syntheticPeople } from '../src/synth/index.ts';
import { table } from './support/load.ts';
import { machineLoad, ms } from './support/machine.ts';
import { person } from './support/person.ts';
import { onClient, openRegistryServer } from './support/registry-server.ts';

export const describe = 'rows imported per second against bare COPY, a registrar beside it, kill -9 and going on (--rows 100000 --kills 3)';

/** Columns of the file that the headers of the guessed mapping know, and where the bare table has them. */
const columns = {
  'Medical record number': ['mrn', (each: SyntheticPerson, index: number) => (index % 10 === 0 ? null : `H${each.reference}`)],
  'First name': ['firstName', (each: SyntheticPerson) => each.firstName],
  'Middle name': ['middleName', (each: SyntheticPerson) => each.middleName],
  'Last name': ['lastName', (each: SyntheticPerson) => each.lastName],
  'Date of birth': ['dateOfBirth', (each: SyntheticPerson) => each.dateOfBirth],
  Sex: ['gender', (each: SyntheticPerson) => each.gender],
  Email: ['email', (each: SyntheticPerson) => each.email],
  Phone: ['phone', (each: SyntheticPerson) => each.phone],
  Address: ['addressLine1', (each: SyntheticPerson) => each.addressLine1],
  City: ['city', (each: SyntheticPerson) => each.city],
  Postcode: ['zipCode', (each: SyntheticPerson) => each.zipCode],
  Country: ['country', (each: SyntheticPerson) => each.country],
  'National ID': [undefined, (each: SyntheticPerson) => each.identifiers[0]?.value ?? null],
} as const;

const quoted = (text: string | null) => (text === null ? '' : /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The file of the import, and the same rows for COPY: what of it patients has columns for, a number for every row. */
async function writeFiles(folder: string, rows: number): Promise<{ csv: string; bare: string }> {
  const [csv, bare] = [join(folder, 'people.csv'), join(folder, 'bare.csv')];
  const [one, other] = [createWriteStream(csv), createWriteStream(bare)];
  one.write(`${Object.keys(columns).join(',')}\n`);
  let index = 0;
  for (const each of syntheticPeople({ people: rows, seed: 7 })) {
    const values = Object.values(columns).map(([column, value]) => ({ column, text: quoted(value(each, index)) }));
    const full = one.write(`${values.map(({ text }) => text).join(',')}\n`);
    const stored = values.flatMap(({ column, text }) => (column === undefined ? [] : [column === 'mrn' ? `B${index}` : text]));
    const fullToo = other.write(`${stored.join(',')}\n`);
    index += 1;
    if (!full) await once(one, 'drain');
    if (!fullToo) await once(other, 'drain');
  }
  one.end();
  other.end();
  await Promise.all([once(one, 'close'), once(other, 'close')]);
  return { csv, bare };
}

/** Seconds of COPY into a table like patients, bare or with all its indexes and checks. */
async function copySeconds(url: string, { file, including }: { file: string; including: string }): Promise<number> {
  return onClient(url, async (client) => {
    await client.query(`CREATE TABLE bare_patients (LIKE patients INCLUDING DEFAULTS ${including})`);
    await client.query('ALTER TABLE bare_patients ALTER "updatedAt" SET DEFAULT now()');
    const stored = Object.values(columns).flatMap(([column]) => (column === undefined ? [] : [`"${column}"`]));
    const started = performance.now();
    await pipeline(createReadStream(file), client.query(copyFrom(`COPY bare_patients (${stored.join(', ')}) FROM STDIN (FORMAT csv)`)));
    const seconds = (performance.now() - started) / 1000;
    await client.query('DROP TABLE bare_patients');
    return seconds;
  });
}

function startImport(url: string, csv: string, more: readonly string[] = []): ChildProcess {
  const command = new URL('../bin/onechart', import.meta.url).pathname;
  return spawn(process.execPath, [command, 'import', csv, '--database-url', url, '--time-zone', 'Africa/Nairobi', '--json', ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

interface Imported {
  readonly seconds: number;
  readonly rowsImported: number;
  readonly rowsRejected: number;
  readonly duplicatesFound: number;
}

async function importWhole(url: string, csv: string, more: readonly string[] = []): Promise<Imported> {
  const started = performance.now();
  const process = startImport(url, csv, more);
  let text = '';
  process.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [code] = (await once(process, 'close')) as [number];
  if (code !== 0) throw new Error(`The import ended with ${code}.`);
  return { seconds: (performance.now() - started) / 1000, ...(JSON.parse(text) as Omit<Imported, 'seconds'>) };
}

interface Felt {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly longest: number;
}

/** One desk that registers ten patients a second until it is told to stop. */
async function registrarBeside<T>(url: string, work: () => Promise<T>): Promise<{ result: T; felt: Felt }> {
  await using registry = await openRegistry({ databaseUrl: url, maxConnections: 2, timeZone: 'Africa/Nairobi' });
  await registry.patientRepository.create(person);
  const taken: number[] = [];
  let running = true;
  const desk = (async () => {
    while (running) {
      const started = performance.now();
      await registry.patientRepository.create(person);
      taken.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, 100 - (performance.now() - started))));
    }
  })();
  const result = await work().finally(() => {
    running = false;
  });
  await desk;
  taken.sort((a, b) => a - b);
  const at = (share: number) => taken[Math.min(taken.length - 1, Math.floor(taken.length * share))] ?? Number.NaN;
  return { result, felt: { count: taken.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), longest: at(1) } };
}

/** Kills the import when it has come to an even share of the rows, again and again, then lets it end. */
async function killAndResume(url: string, csv: string, options: { kills: number; rows: number }): Promise<Imported & { kills: number }> {
  let kills = 0;
  await onClient(url, async (client) => {
    const read = async () => Number((await client.query<{ n: string }>('SELECT coalesce(max("rowsRead"), 0) AS n FROM import_runs')).rows[0]?.n);
    for (let kill = 1; kill <= options.kills; kill += 1) {
      const process = startImport(url, csv);
      const ended = once(process, 'close');
      while (process.exitCode === null && (await read()) < (options.rows * kill) / (options.kills + 1)) await new Promise((resolve) => setTimeout(resolve, 20));
      if (process.kill('SIGKILL')) kills += 1;
      await ended;
    }
  });
  return { ...(await importWhole(url, csv)), kills };
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { rows: { type: 'string', default: '100000' }, kills: { type: 'string', default: '3' }, 'database-url': { type: 'string' } },
  });
  const rows = Number(values.rows);
  const folder = await mkdtemp(join(tmpdir(), 'onechart-bench-import-'));
  try {
    await using server = await openRegistryServer(values['database-url']);
    console.log((await server.describe()).join('\n'));
    const { csv, bare } = await writeFiles(folder, rows);
    const url = await server.migratedDatabase('bench_import');
    const perSecond = (seconds: number) => Math.round(rows / seconds).toLocaleString('en');
    const bareSeconds = await copySeconds(url, { file: bare, including: '' });
    const indexedSeconds = await copySeconds(url, { file: bare, including: 'INCLUDING INDEXES INCLUDING CONSTRAINTS' });
    const before = machineLoad();
    const dry = await importWhole(url, csv, ['--dry-run']);
    const alone = await registrarBeside(url, () => new Promise<void>((resolve) => setTimeout(resolve, 5000)));
    const full = await registrarBeside(url, () => importWhole(url, csv));
    const gentleUrl = await server.migratedDatabase('bench_import_gentle');
    // Twice as long by its nature: of a million rows it says nothing new.
    const gentle = rows > 200_000 ? undefined : await registrarBeside(gentleUrl, () => importWhole(gentleUrl, csv, ['--gentle']));
    console.log(`\n${rows.toLocaleString('en')} rows; load of the machine ${before}\n`);
    console.log(
      table(
        ['', 'seconds', 'rows/s', 'of bare COPY'],
        [
          ['COPY into a bare table', bareSeconds.toFixed(1), perSecond(bareSeconds), '100 %'],
          [
            'COPY into a table with the indexes of patients',
            indexedSeconds.toFixed(1),
            perSecond(indexedSeconds),
            `${Math.round((bareSeconds / indexedSeconds) * 100)} %`,
          ],
          ['dry run', dry.seconds.toFixed(1), perSecond(dry.seconds), `${Math.round((bareSeconds / dry.seconds) * 100)} %`],
          ['import', full.result.seconds.toFixed(1), perSecond(full.result.seconds), `${Math.round((bareSeconds / full.result.seconds) * 100)} %`],
          ...(gentle
            ? [
                [
                  'import --gentle',
                  gentle.result.seconds.toFixed(1),
                  perSecond(gentle.result.seconds),
                  `${Math.round((bareSeconds / gentle.result.seconds) * 100)} %`,
                ],
              ]
            : []),
        ],
      ),
    );
    console.log(`imported ${full.result.rowsImported}, with errors ${full.result.rowsRejected}, duplicates reported ${full.result.duplicatesFound}\n`);
    const feltRow = (name: string, { count, p50, p95, p99, longest }: Felt) => [name, String(count), ...[p50, p95, p99, longest].map(ms)];
    console.log(
      table(
        ['a desk that registers 10 patients a second', 'registered', 'p50', 'p95', 'p99', 'longest'],
        [feltRow('nothing else', alone.felt), feltRow('beside the import', full.felt), ...(gentle ? [feltRow('beside the import --gentle', gentle.felt)] : [])],
      ),
    );
    const killUrl = await server.migratedDatabase('bench_import_killed');
    const killed = await killAndResume(killUrl, csv, { kills: Number(values.kills), rows });
    const counts = await onClient(killUrl, async (client) => {
      const { rows: found } = await client.query<Record<string, number>>(
        `SELECT (SELECT count(*)::int FROM patients) AS charts, (SELECT count(DISTINCT origin)::int FROM patient_audit_events WHERE origin LIKE 'import %') AS lines,
                (SELECT count(*)::int FROM patient_audit_events WHERE action = 'patient.registered') AS trail, (SELECT count(*)::int FROM patient_outbox_events) AS events,
                (SELECT count(*)::int FROM patient_search_entries) AS entries`,
      );
      return found[0] ?? {};
    });
    const whole = full.result.rowsImported;
    const right = killed.kills === Number(values.kills) && Object.values(counts).every((count) => count === whole);
    console.log(
      `\nkill -9, ${killed.kills} times, then to the end: ${JSON.stringify(counts)}; expected ${whole} of each: ${right ? 'no row twice, none lost' : 'WRONG'}`,
    );
    if (!right) process.exitCode = 1;
    console.log(`\n${machineLoad()}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
