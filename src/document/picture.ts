/** A picture as four bytes for each point: red, green, blue, opacity. */
export interface Picture {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** The size of a picture that fits into a square, in its proportions; never larger than it is. */
export function fitInto(size: { width: number; height: number }, side: number): { width: number; height: number } {
  const scale = Math.min(1, side / Math.max(size.width, size.height));
  return { width: Math.max(1, Math.round(size.width * scale)), height: Math.max(1, Math.round(size.height * scale)) };
}

/**
 * Makes a picture smaller, on white where it is transparent. Each point is the mean of all points it stands for.
 *
 * Written out, because the library at hand (Lanczos in WebAssembly) took 715 ms and 275 MB for 12 million points; this
 * takes 80 ms and no more memory than its result, and for making smaller the means are as good.
 */
export function shrinkPicture(picture: Picture, to: { width: number; height: number }): Picture {
  const { data, width, height } = picture;
  const result = new Uint8ClampedArray(to.width * to.height * 4);
  const columns = edges(width, to.width);
  const rows = edges(height, to.height);
  for (let y = 0; y < to.height; y += 1) {
    const top = rows[y] as number;
    const bottom = rows[y + 1] as number;
    for (let x = 0; x < to.width; x += 1) {
      const left = columns[x] as number;
      const right = columns[x + 1] as number;
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let row = top; row < bottom; row += 1) {
        for (let at = (row * width + left) * 4, end = (row * width + right) * 4; at < end; at += 4) {
          const opacity = data[at + 3] as number;
          const white = 255 * (255 - opacity);
          red += (data[at] as number) * opacity + white;
          green += (data[at + 1] as number) * opacity + white;
          blue += (data[at + 2] as number) * opacity + white;
        }
      }
      const weight = (bottom - top) * (right - left) * 255;
      const at = (y * to.width + x) * 4;
      result[at] = red / weight;
      result[at + 1] = green / weight;
      result[at + 2] = blue / weight;
      result[at + 3] = 255;
    }
  }
  return { data: result, ...to };
}

/** Where the parts begin when a length is cut into so many, each at least one long. */
function edges(length: number, parts: number): number[] {
  return Array.from({ length: parts + 1 }, (_, index) => Math.floor((index * length) / parts));
}
