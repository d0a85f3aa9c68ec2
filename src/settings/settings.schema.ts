import { z } from 'zod';
import { AccessSettings } from '../access/access-settings.schema.ts';
import { BreakGlassSettings } from '../access/restricted.schema.ts';
import { DocumentOptions } from '../document/document.schema.ts';
import { EventSettings } from '../events/event.schema.ts';
import { defaultTemporaryNames } from '../patient/identity.schema.ts';

/** Everything about a server that a deployment decides. docs/configuration.md is generated from this. */

const Port = z.int().min(0).max(65_535);
const Seconds = (least: number, most: number) => z.number().min(least).max(most);

const TimeZone = z.string().refine(isTimeZone, { error: 'must be a time zone of the IANA list, such as Europe/Rome' });
const Country = z.string().regex(/^[A-Z]{2}$/, { error: 'must be two capital letters (ISO 3166-1), such as IT' });
const Origin = z
  .string()
  .refine((text) => URL.canParse(text) && new URL(text).origin === text, { error: 'must be an origin without a path, such as https://ehr.example.org' });
const PublicUrl = z
  .url({ protocol: /^https?$/, error: 'must be an address that begins with https:// or http://' })
  .refine((text) => !text.endsWith('/'), { error: 'must not end with a slash' });
const ProxyAddress = z
  .string()
  .regex(/^(loopback|linklocal|uniquelocal|[0-9a-fA-F.:]+(\/\d{1,3})?)$/, { error: 'must be an address, a network such as 10.0.0.0/8, or loopback' });

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export const ServerSettings = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address to listen on. 0.0.0.0 opens it to the network: with TLS here or in a reverse proxy before it.'),
  port: Port.default(8080).describe('Port to listen on; 0 takes any free one.'),
  publicUrl: PublicUrl.optional().describe('The address under which people and services reach it, where that is not the one above.'),
  trustProxy: z
    .array(ProxyAddress)
    .default([])
    .describe(
      'Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, as addresses or networks. Empty: nobody, and the audit trail has the address of the connection.',
    ),
  tlsCertificateFile: z.string().min(1).optional().describe('Certificate chain (PEM). With it and the key the server speaks HTTPS alone.'),
  tlsKeyFile: z.string().min(1).optional().describe('Private key of the certificate (PEM).'),
  bodyLimitKilobytes: z.int().min(16).max(16_384).default(1024).describe('The most that a request of JSON may be. Uploads have a limit of their own.'),
  requestTimeoutSeconds: Seconds(1, 3600)
    .default(300)
    .describe(
      'How long a client may take to send its request; a file of 20 MB takes 160 s at 1 Mbit/s. One that sends nothing of a file for 30 s is cut off sooner.',
    ),
  shutdownDelaySeconds: Seconds(0, 300)
    .default(1)
    .describe(
      'After SIGTERM: how long requests are still taken while /health/ready says 503, so that load balancers turn away first. Behind Kubernetes 5 to 10.',
    ),
  shutdownLimitSeconds: Seconds(1, 600).default(30).describe('After that: how long what runs may take before it is cut off.'),
});

const DatabaseUrl = z.string().regex(/^postgres(ql)?:\/\//, { error: 'must be of the form postgresql://user:password@host:port/database' });

export const DatabaseSettings = z.strictObject({
  url: DatabaseUrl.optional().describe(
    'postgresql://user:password@host:port/database?schema=public. Without it the PG* variables of libpq count, then the running embedded database.',
  ),
  schema: z.string().min(1).optional().describe('Schema of the tables, where it is not that of ?schema= in the address (public).'),
  statementSeconds: z
    .int()
    .min(0)
    .max(3_600)
    .default(30)
    .describe('After this long the database gives a statement up, as when somebody holds a lock on a chart; the caller is told to try again. 0: never.'),
  maxConnections: z.int().min(2).max(200).default(10).describe('The most connections at once. Twice the cores of the database server is enough.'),
  replicaUrls: z
    .array(DatabaseUrl)
    .max(16)
    .default([])
    .describe(
      'Standbys of the same database that searches and lists are read from, each as the address above (DATABASE_REPLICA_URLS, separated by commas). A caller is sent to one only when it has replayed what the caller wrote; audit rows and everything else stay with the primary.',
    ),
  replicaWaitMilliseconds: z
    .int()
    .min(0)
    .max(5_000)
    .default(50)
    .describe('For how long a read waits for a replica to replay what its caller has just written, before it goes to the primary.'),
  replicaMaxLagSeconds: z.number().min(0.1).max(3_600).default(10).describe('A replica that is further behind the primary than this is not read from.'),
  replicaPollMilliseconds: z
    .int()
    .min(10)
    .max(10_000)
    .default(100)
    .describe('How often primary and replicas are asked how far they are; one small question each.'),
});

const TemporaryName = z.string().trim().min(1, { error: 'must not be empty' }).max(100, { error: 'must be at most 100 characters' });

export const FacilitySettings = z.strictObject({
  timeZone: TimeZone.default('UTC').describe('Where the facility is: decides which day today is, and in which year a record number is issued.'),
  defaultCountry: Country.optional().describe('Country of telephone numbers that are written without one.'),
  unidentifiedFirstName: TemporaryName.default(defaultTemporaryNames.unidentified.firstName).describe(
    'First name of a patient whom nobody knows yet. {gender}, {date} and {time} are those of the registration.',
  ),
  unidentifiedLastName: TemporaryName.default(defaultTemporaryNames.unidentified.lastName).describe('Family name of such a patient.'),
  newbornFirstName: TemporaryName.default(defaultTemporaryNames.newborn.firstName).describe(
    'First name of a newborn without one. {mother} is the first name of the mother, {order} the birth order of several.',
  ),
});

export const CorsSettings = z.strictObject({
  origins: z.array(Origin).default([]).describe('Web applications of other origins that may call with a session. Empty: none.'),
});

export const AuditSettings = z.strictObject({
  sealSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(1)
    .describe('How often new rows of the audit trail are sealed into the chain; 0 leaves it to onechart audit seal.'),
  signingKeyFile: z
    .string()
    .min(1)
    .optional()
    .describe('Private key (Ed25519, PEM) with which seals are signed, so that whoever owns the database cannot forge them.'),
  retainMonths: z
    .int()
    .min(1)
    .max(1_200)
    .optional()
    .describe(
      'Months of the audit trail that are older are written to audit.retainFolder, proven and removed by the nightly duties of the worker, where its role owns the tables. Without it all are kept.',
    ),
  retainFolder: z.string().min(1).optional().describe('Folder for these months.'),
});

export const PaperSettings = z.strictObject({
  size: z.enum(['A4', 'LETTER']).default('A4').describe('Size of printed pages.'),
  fonts: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Font files (TTF, OTF, WOFF; of a collection file.ttc#name) for other scripts than Latin, Greek and Cyrillic, looked through in this order. What none of them has is printed in Latin letters with a dagger.',
    ),
});

export const ExportSettings = z.strictObject({
  limitSeconds: z
    .int()
    .min(10)
    .max(86_400)
    .default(900)
    .describe('How long an export of the base over REST may take before it is broken off: while it runs, the database keeps what it may still see.'),
});

export const SearchSettings = z.strictObject({
  mend: z
    .boolean()
    .default(true)
    .describe('As the server starts, and once a night where it runs the worker, charts that search does not find yet are made findable in the background.'),
});

export const LogSettings = z.strictObject({
  level: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent'])
    .default('info')
    .describe('Lines on stderr from this level on. info has one line for each request; no level shows a patient.'),
});

export const LimitSettings = z.strictObject({
  requestsPerMinute: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(6_000)
    .describe('Requests of one caller (account, key, or address where nobody is known); 0 switches it off.'),
  signInsPerMinute: z.int().min(1).max(10_000).default(10).describe('Refused attempts to sign in from one address; those that succeed do not count.'),
});

export const MetricsSettings = z.strictObject({
  port: Port.optional().describe('Port of the listener for GET /metrics, beside that of the API; 0 takes any free one. Without it there are no metrics.'),
  host: z.string().min(1).default('127.0.0.1').describe('Address of that listener. In a cluster 0.0.0.0, with a network policy before it or metrics.token.'),
  token: z
    .string()
    .min(16, { error: 'must have at least 16 characters' })
    .optional()
    .describe('What a scrape has to send as Authorization: Bearer. Without it whoever reaches the listener may read.'),
  databaseSeconds: z.int().min(1).max(3_600).default(15).describe('Numbers that only the database knows are read at most this often, whoever scrapes.'),
});
export type MetricsSettings = z.infer<typeof MetricsSettings>;

const Settings_ = z.strictObject({
  server: ServerSettings.prefault({}),
  database: DatabaseSettings.prefault({}),
  facility: FacilitySettings.prefault({}),
  access: AccessSettings.prefault({}),
  breakGlass: BreakGlassSettings.prefault({}),
  cors: CorsSettings.prefault({}),
  limits: LimitSettings.prefault({}),
  documents: DocumentOptions.prefault({}),
  audit: AuditSettings.prefault({}),
  events: EventSettings.prefault({}),
  paper: PaperSettings.prefault({}),
  search: SearchSettings.prefault({}),
  export: ExportSettings.prefault({}),
  metrics: MetricsSettings.prefault({}),
  log: LogSettings.prefault({}),
});

export const Settings = Settings_.superRefine((settings, context) => {
  const { server, breakGlass } = settings;
  if (breakGlass.defaultMinutes > breakGlass.maxMinutes)
    context.addIssue({ code: 'custom', path: ['breakGlass', 'defaultMinutes'], message: 'must not be more than maxMinutes' });
  const { retainMonths, retainFolder } = settings.audit;
  if (retainMonths !== undefined && retainFolder === undefined)
    context.addIssue({ code: 'custom', path: ['audit', 'retainFolder'], message: 'is needed too: months are written there before they are removed' });
  if ((server.tlsCertificateFile === undefined) !== (server.tlsKeyFile === undefined)) {
    const missing = server.tlsKeyFile === undefined ? 'tlsKeyFile' : 'tlsCertificateFile';
    context.addIssue({ code: 'custom', path: ['server', missing], message: 'is needed too: certificate and key go together' });
  }
});
export type Settings = z.infer<typeof Settings>;
