/** Numbers as people read them, the same on the terminal and in reports. */

/** A duration as people say it: 4 ms, 1.3 s, 2 min 5 s, 1 h 3 min. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1) return '< 1 ms';
  if (milliseconds < 950) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 99_500) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A number with its thousands apart: 1,234,567. */
export function count(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}

/** `1 step`, `2 steps`. */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** Megabytes as people say them: 3.4 MB, 12 GB. */
export function megabytes(size: number): string {
  return size < 1000 ? `${size < 10 ? size.toFixed(1) : Math.round(size)} MB` : `${(size / 1024).toFixed(1)} GB`;
}
