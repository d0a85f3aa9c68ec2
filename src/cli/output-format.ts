/** The format that was asked for; otherwise the one that the name of the file says, so that people.csv never holds something else. */
export function outputFormat<Format extends string>(
  asked: Format | undefined,
  output: string | undefined,
  { known, otherwise }: { known: readonly Format[]; otherwise: Format },
): Format {
  const ending = output?.toLowerCase().replace(/\.gz$/, '').split('.').at(-1);
  return asked ?? known.find((format) => format === ending) ?? otherwise;
}
