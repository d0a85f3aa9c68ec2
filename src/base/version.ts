import { readFileSync } from 'node:fs';

/** The version in the package's manifest. It lies two folders up from here, in the source tree and in the built one. */
export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown';
}
