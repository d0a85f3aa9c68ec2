import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { AppError } from '../base/errors.ts';
import { type ContentStore, contentLost, measured } from './content-store.ts';
import type { S3Settings } from './document.schema.ts';

/** The least that S3 takes as a part of a larger upload, and so the most that is held of one file. */
const partSize = 5 * 1024 * 1024;

/** The client is large (40 MB of memory), so it is loaded at the first use and not by a server that keeps files in the database. */
const loadClient = async () => import('@aws-sdk/client-s3');

/**
 * Keeps bytes as objects of an S3-compatible store. Without keys in the settings, the usual places are searched for them
 * (environment, profile, role of the machine or the pod).
 */
export function s3Contents(settings: S3Settings): ContentStore {
  const { bucket, prefix } = settings;
  let opened: Promise<S3Client> | undefined;
  const client = () => (opened ??= openClient(settings));
  const place = (key: string) => ({ Bucket: bucket, Key: `${prefix}${key}` });
  return {
    name: 'S3',
    async put(_ctx, key, bytes) {
      const { Upload } = await import('@aws-sdk/lib-storage');
      const counted = measured(bytes);
      let failure: Error | undefined;
      const watched = (async function* () {
        try {
          yield* counted.bytes;
        } catch (thrown) {
          // The library wraps what its source throws.
          failure = thrown instanceof Error ? thrown : storeFailed(thrown);
          throw thrown;
        }
      })();
      const upload = new Upload({
        client: await client(),
        params: { ...place(key), Body: Readable.from(watched, { objectMode: false }), ContentType: 'application/octet-stream' },
        queueSize: 1,
        partSize,
      });
      try {
        await upload.done();
      } catch (thrown) {
        throw failure ?? storeFailed(thrown);
      }
      return counted.result();
    },
    async *read(_ctx, key, range) {
      const { GetObjectCommand } = await loadClient();
      if (range.last < range.first) return;
      let expected = range.last - range.first + 1;
      try {
        const reply = await (await client()).send(new GetObjectCommand({ ...place(key), Range: `bytes=${range.first}-${range.last}` }));
        for await (const part of reply.Body as Readable) {
          expected -= (part as Buffer).length;
          yield part as Buffer;
        }
      } catch (thrown) {
        throw isMissing(thrown) ? contentLost(key) : storeFailed(thrown);
      }
      if (expected !== 0) throw contentLost(key);
    },
    async remove(_ctx, key) {
      const { DeleteObjectCommand } = await loadClient();
      await told((await client()).send(new DeleteObjectCommand(place(key))));
    },
    async *listKeys(_ctx, before) {
      const { ListObjectsV2Command } = await loadClient();
      for (let from: string | undefined; ; ) {
        const page = await told(
          (await client()).send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...(from === undefined ? {} : { ContinuationToken: from }) })),
        );
        const old = (page.Contents ?? []).filter((object) => object.LastModified !== undefined && object.LastModified < before);
        yield old.flatMap(({ Key: key }) => (key === undefined ? [] : [key.slice(prefix.length)]));
        from = page.NextContinuationToken;
        if (from === undefined) return;
      }
    },
    async close() {
      (await opened)?.destroy();
      opened = undefined;
    },
  };
}

async function openClient(settings: S3Settings): Promise<S3Client> {
  const { S3Client } = await loadClient();
  const { endpoint, region, accessKeyId, secretAccessKey } = settings;
  return new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle: settings.pathStyle ?? endpoint !== undefined,
    ...(accessKeyId === undefined || secretAccessKey === undefined ? {} : { credentials: { accessKeyId, secretAccessKey } }),
    // Older S3-compatible servers refuse the checksums that the client would add by itself. Ours is in the row.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

async function told<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (thrown) {
    throw storeFailed(thrown);
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown.name === 'NoSuchKey' || thrown.name === 'NotFound');
}

function storeFailed(cause: unknown): AppError {
  return new AppError(
    'unavailable',
    'CONTENT_STORE_UNAVAILABLE',
    'The object store does not take or give files. Check that it runs, its address, bucket and keys.',
    { reason: cause instanceof Error ? cause.name : 'unknown' },
    { cause },
  );
}
