import { z } from 'zod';

/** Where and how files are kept: what a server's configuration says. */
export const S3Settings = z
  .strictObject({
    bucket: z
      .string()
      .min(3, { error: 'must be the name of a bucket' })
      .max(63, { error: 'must be the name of a bucket' })
      .describe('Bucket of an S3-compatible store.'),
    prefix: z.string().max(500).default('onechart/').describe('Before the key of every object, so that a bucket can be shared.'),
    endpoint: z.url({ error: 'must be an address such as https://s3.example.org' }).optional().describe("Address of the store; Amazon's own when left out."),
    region: z.string().min(1).default('us-east-1').describe('Region of the bucket.'),
    pathStyle: z.boolean().optional().describe('Bucket in the path and not in the host name; the default where an endpoint is given.'),
    accessKeyId: z.string().min(1).optional().describe('Left out, the usual places are searched: environment, profile, role of the machine.'),
    secretAccessKey: z.string().min(1).optional().describe('Goes with accessKeyId.'),
  })
  .refine(({ accessKeyId, secretAccessKey }) => (accessKeyId === undefined) === (secretAccessKey === undefined), {
    error: 'goes with accessKeyId: give both, or neither',
    path: ['secretAccessKey'],
  });
export type S3Settings = z.output<typeof S3Settings>;

export const DocumentOptions = z.strictObject({
  store: z.enum(['database', 's3'], { error: 'must be database or s3' }).optional().describe('Where new files go: s3 where that is set up, else database.'),
  s3: S3Settings.optional(),
  maxBytes: z
    .int({ error: 'must be a whole number of bytes' })
    .min(1024, { error: 'must be 1024 bytes or more' })
    .max(1_073_741_824, { error: 'must be 1 GiB or less' })
    .default(20 * 1024 * 1024)
    .describe('The largest file that is taken.'),
  maxPhotoPixels: z
    .int({ error: 'must be a whole number' })
    .min(1_000_000, { error: 'must be 1000000 or more' })
    .max(200_000_000, { error: 'must be 200000000 or less' })
    .default(25_000_000)
    .describe('The largest picture that is opened, width times height; one of 25 million needs some 400 MB for a second.'),
});
export type DocumentOptions = z.input<typeof DocumentOptions>;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be 64 hexadecimal digits' });

/** What the client says of the file it sends. */
export const UploadFacts = z.strictObject({
  declaredType: z.string().max(255, { error: 'must be at most 255 characters' }).optional(),
  declaredSize: z.int({ error: 'must be a whole number of bytes' }).min(0, { error: 'must be 0 or more' }).optional(),
  fileName: z.string().max(4096, { error: 'must be at most 4096 characters' }).optional(),
  sha256: sha256.optional(),
});
export type UploadFacts = z.input<typeof UploadFacts>;

export const ContentPurpose = z.enum(['CONTENT', 'THUMBNAIL']);
export type ContentPurpose = z.infer<typeof ContentPurpose>;

/** A complete file of a document. */
export const StoredContent = z.object({
  id: z.string(),
  documentId: z.string(),
  purpose: ContentPurpose,
  store: z.enum(['DATABASE', 'S3']),
  mimeType: z.string(),
  size: z.int(),
  sha256,
  completedAt: z.iso.datetime({ offset: true }),
});
export type StoredContent = z.infer<typeof StoredContent>;

export const PhotoSize = z.enum(['full', 'thumbnail'], { error: 'must be full or thumbnail' });
export type PhotoSize = z.infer<typeof PhotoSize>;

/** The portrait of a patient. */
export const Photo = z
  .object({
    documentId: z.string().describe('The document that holds it.'),
    sha256: sha256.describe('Of the picture as it is kept.'),
    size: z.int().describe('Bytes.'),
    width: z.int(),
    height: z.int(),
    mimeType: z.literal('image/jpeg'),
  })
  .meta({ id: 'Photo', description: 'The portrait of a patient as it was stored.' });
export type Photo = z.infer<typeof Photo>;
