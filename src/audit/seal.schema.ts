import { z } from 'zod';

const Hash = z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be a SHA-256 in hexadecimal' });

/** A link of the chain over the audit trail, as every face shows it. */
export const AuditSeal = z.object({
  number: z.int().min(1).describe('Place in the chain.'),
  kind: z.enum(['ROWS', 'REMOVAL']).describe('ROWS seals rows; REMOVAL records that a month was dropped when its time of keeping had passed.'),
  format: z.int(),
  fromSeq: z.int().describe('Rows with a higher seq are covered …'),
  toSeq: z.int().describe('… up to this one.'),
  month: z.string().regex(/^\d{4}-\d{2}$/),
  rowCount: z.int().min(0),
  digest: Hash.describe('SHA-256 over the hashes of the rows in order; of a removal, of the file they were exported to.'),
  fingerprintsDigest: Hash.nullable().describe('SHA-256 of the fingerprints, 16 bytes a row.'),
  note: z.string().nullable(),
  sealedAt: z.iso.datetime(),
  previousHash: Hash,
  hash: Hash,
  keyId: z.string().nullable(),
  signature: z.string().nullable(),
});
export type AuditSeal = z.infer<typeof AuditSeal>;

/** One thing that is not as it was sealed. */
export const AuditProblem = z.object({
  kind: z.enum([
    'row-altered',
    'row-removed',
    'row-inserted',
    'seal-altered',
    'seal-removed',
    'seal-unsigned',
    'seal-forged',
    'chain-truncated',
    'chain-replaced',
    'file-incomplete',
  ]),
  seal: z.int().nullable().describe('Number of the seal.'),
  seq: z.int().nullable().describe('Which row: its seq.'),
  id: z.string().nullable().describe('Id of the row, where there is one.'),
  text: z.string().describe('One sentence for a person.'),
});
export type AuditProblem = z.infer<typeof AuditProblem>;

/** What became of looking at the whole chain and its rows. */
export const AuditVerification = z.object({
  ok: z.boolean(),
  seals: z.int(),
  head: z.object({ number: z.int(), hash: z.string() }).nullable().describe('The last seal; keep it elsewhere, and a chain that lost its end is found out.'),
  rowsVerified: z.int(),
  unsealed: z.object({ rows: z.int(), oldest: z.iso.datetime().nullable() }).describe('Rows that no seal covers yet.'),
  removed: z
    .array(z.object({ month: z.string(), rows: z.int(), at: z.iso.datetime(), note: z.string().nullable() }))
    .describe('Months removed under retention.'),
  signedBy: z.array(z.string()).describe('Keys whose signatures were checked.'),
  problemCount: z.int(),
  problems: z.array(AuditProblem).describe('At most a thousand of them.'),
});
export type AuditVerification = z.infer<typeof AuditVerification>;
