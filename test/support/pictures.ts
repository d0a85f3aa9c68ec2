import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import encodeJpeg, { init as initJpegEncoder } from '@jsquash/jpeg/encode.js';
import decodeJpeg, { init as initJpegDecoder } from '@jsquash/jpeg/decode.js';
import encodePng, { init as initPng } from '@jsquash/png/encode.js';
import encodeWebp, { init as initWebp } from '@jsquash/webp/encode.js';
import type { Picture } from '../../src/document/picture.ts';

declare const WebAssembly: { compile(program: Uint8Array): Promise<object> };

async function start(init: unknown, program: string): Promise<void> {
  await (init as (module: object) => Promise<unknown>)(await WebAssembly.compile(await readFile(createRequire(import.meta.url).resolve(program))));
}

export type Color = readonly [red: number, green: number, blue: number, opacity?: number];
export const red: Color = [220, 20, 20];
export const blue: Color = [20, 20, 220];

/** A picture whose left half has one colour and whose right half another. */
export function halves(width: number, height: number, colors: { left: Color; right: Color }): Picture {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let at = 0; at < width * height; at += 1) {
    const [r, g, b, opacity = 255] = at % width < width / 2 ? colors.left : colors.right;
    data.set([r, g, b, opacity], at * 4);
  }
  return { data, width, height };
}

export async function jpegOf(picture: Picture): Promise<Buffer> {
  await start(initJpegEncoder, '@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm');
  return Buffer.from(await encodeJpeg(picture as never, { quality: 95 }));
}

export async function pngOf(picture: Picture): Promise<Buffer> {
  await start(initPng, '@jsquash/png/codec/pkg/squoosh_png_bg.wasm');
  return Buffer.from(await encodePng(picture as never));
}

export async function webpOf(picture: Picture): Promise<Buffer> {
  await start(initWebp, '@jsquash/webp/codec/enc/webp_enc.wasm');
  return Buffer.from(await encodeWebp(picture as never));
}

export async function pictureOf(jpeg: Uint8Array): Promise<Picture> {
  await start(initJpegDecoder, '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm');
  return (await decodeJpeg(new Uint8Array(jpeg).buffer)) as unknown as Picture;
}

/** The colour of a point, by what is strongest in it. */
export function colorAt({ data, width }: Picture, x: number, y: number): string {
  const at = (y * width + x) * 4;
  const [r = 0, g = 0, b = 0] = data.subarray(at, at + 3);
  if (Math.min(r, g, b) > 200) return 'white';
  return r > b ? 'red' : 'blue';
}

/** The same JPEG as a camera writes it: how it was held, and words that tell where (Exif 2.3 §4.6, tags 0x0112 and 0x010e). */
export function withExif(jpeg: Buffer, exif: { orientation: number; words: string }): Buffer {
  const words = Buffer.from(`${exif.words}\0`, 'latin1');
  const tiff = Buffer.alloc(8 + 2 + 2 * 12 + 4);
  tiff.write('II*\0', 0, 'latin1');
  tiff.writeUInt32LE(8, 4);
  tiff.writeUInt16LE(2, 8);
  tiff.writeUInt16LE(0x010e, 10);
  tiff.writeUInt16LE(2, 12);
  tiff.writeUInt32LE(words.length, 14);
  tiff.writeUInt32LE(tiff.length, 18);
  tiff.writeUInt16LE(0x0112, 22);
  tiff.writeUInt16LE(3, 24);
  tiff.writeUInt32LE(1, 26);
  tiff.writeUInt16LE(exif.orientation, 30);
  const payload = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff, words]);
  const marker = Buffer.from([0xff, 0xe1, (payload.length + 2) >> 8, (payload.length + 2) & 0xff]);
  return Buffer.concat([jpeg.subarray(0, 2), marker, payload, jpeg.subarray(2)]);
}
