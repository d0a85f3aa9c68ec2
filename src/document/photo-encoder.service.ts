import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { AppError } from '../base/errors.ts';
import { photoTypes } from './media-type.ts';
import { fitInto, type Picture, shrinkPicture } from './picture.ts';

// A picture is opened in a thread of its own: the server goes on answering, a defect of a decoder meets only the
// WebAssembly memory of that thread, and what it took (200 MB for 12 million points, 450 for 30) is given back when it ends.

/** Points along the longer side. */
export const photoSide = 600;
export const thumbnailSide = 128;
/** Of JPEG; 82 is where portraits stop getting visibly better. */
const quality = 82;

export interface EncodedPhoto {
  readonly photo: Uint8Array;
  readonly thumbnail: Uint8Array;
  readonly width: number;
  readonly height: number;
}

type Outcome = { readonly encoded: EncodedPhoto } | { readonly refused: 'too-many-pixels' | 'unreadable' };
interface Order {
  readonly photo: Uint8Array;
  readonly maxPixels: number;
}

/** A decoder that hangs on hostile input is ended; 30 million points take about 1 s. */
const longest = 20_000;
/** Pictures that may wait for the one that is being opened. */
const longestQueue = 16;
let waiting = 0;
let last: Promise<unknown> = Promise.resolve();

/**
 * Makes the portrait and its thumbnail of a picture: JPEG, upright, without any metadata. One picture at a time is opened in a process.
 * Errors: `PHOTO_TOO_MANY_PIXELS`, `PHOTO_UNREADABLE`, `PHOTO_QUEUE_FULL`.
 */
export async function encodePhoto(load: () => Promise<Uint8Array>, options: { maxPixels: number }): Promise<EncodedPhoto> {
  if (waiting >= longestQueue) throw new AppError('busy', 'PHOTO_QUEUE_FULL', 'Too many photos are being worked on. Send it again in a moment.');
  waiting += 1;
  const turn = last;
  const work = (async () => {
    await turn;
    // The bytes are fetched when it is their turn, so that only one picture is in memory.
    return encodeInThread({ photo: await load(), ...options });
  })();
  last = work.catch(() => undefined);
  try {
    return await work;
  } finally {
    waiting -= 1;
  }
}

async function encodeInThread(order: Order): Promise<EncodedPhoto> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { onechartPhoto: order } });
  let timer: NodeJS.Timeout | undefined;
  try {
    const outcome = await new Promise<Outcome>((resolve) => {
      const unreadable = () => resolve({ refused: 'unreadable' });
      worker.once('message', resolve);
      worker.once('error', unreadable);
      worker.once('exit', unreadable);
      timer = setTimeout(unreadable, longest);
    });
    if ('encoded' in outcome) return outcome.encoded;
    throw outcome.refused === 'too-many-pixels'
      ? new AppError(
          'too-large',
          'PHOTO_TOO_MANY_PIXELS',
          `The picture has more than the ${order.maxPixels} points that are opened. Send a smaller one; ${photoSide} by ${photoSide} is enough.`,
          { maxPixels: order.maxPixels },
        )
      : new AppError('invalid', 'PHOTO_UNREADABLE', `The picture cannot be opened. Save it again as one of ${photoTypes.join(', ')}, in RGB.`);
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

async function encode({ photo, maxPixels }: Order): Promise<Outcome> {
  const { imageSize } = await import('image-size');
  const { width, height } = imageSize(photo);
  if (width * height > maxPixels) return { refused: 'too-many-pixels' };
  const picture = await decode(photo);
  const large = shrinkPicture(picture, fitInto(picture, photoSide));
  const { default: encodeJpeg, init } = await import('@jsquash/jpeg/encode.js');
  await started(init, '@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm');
  const asJpeg = async (each: Picture) => new Uint8Array(await encodeJpeg(each, { quality }));
  const small = shrinkPicture(large, fitInto(large, thumbnailSide));
  return { encoded: { photo: await asJpeg(large), thumbnail: await asJpeg(small), width: large.width, height: large.height } };
}

async function decode(photo: Uint8Array): Promise<Picture> {
  const bytes = photo.buffer.slice(photo.byteOffset, photo.byteOffset + photo.byteLength) as ArrayBuffer;
  if (photo[0] === 0xff) {
    const { default: decodeJpeg, init } = await import('@jsquash/jpeg/decode.js');
    await started(init, '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm');
    // As the camera was held: the tag goes with the rest of the metadata.
    return decodeJpeg(bytes, { preserveOrientation: true });
  }
  if (photo[0] === 0x89) {
    const { default: decodePng, init } = await import('@jsquash/png/decode.js');
    await started(init, '@jsquash/png/codec/pkg/squoosh_png_bg.wasm');
    return decodePng(bytes);
  }
  const { default: decodeWebp, init } = await import('@jsquash/webp/decode.js');
  await started(init, '@jsquash/webp/codec/dec/webp_dec.wasm');
  return decodeWebp(bytes);
}

/** Of the standard library, whose types come with those of browsers only. */
declare const WebAssembly: { compile(program: Uint8Array): Promise<object> };

/** The codecs look for their program over the network unless they are handed it. */
async function started(init: unknown, program: string): Promise<void> {
  const module = await WebAssembly.compile(await readFile(createRequire(import.meta.url).resolve(program)));
  await (init as (module: object) => Promise<unknown>)(module);
}

const order = (workerData as { onechartPhoto?: Order } | null)?.onechartPhoto;
if (!isMainThread && order !== undefined) {
  const outcome = await encode(order).catch((): Outcome => ({ refused: 'unreadable' }));
  parentPort?.postMessage(outcome);
}
