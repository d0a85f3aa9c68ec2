/**
 * Does alike work together: what comes while `inFlight` batches are on their way waits and goes with the next one. A call
 * that comes alone goes at once. When a batch fails, its items are tried one by one, so that each gets its own answer.
 *
 * @example
 * const load = createBatcher(async (ids: readonly string[]) => ids.map((id) => id.toUpperCase()), { inFlight: 2, most: 64 });
 * console.log(await load('a')); // A
 */
export function createBatcher<Item, Result>(
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
  options: { inFlight: number; most: number },
): (item: Item) => Promise<Result> {
  const waiting: { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }[] = [];
  let flying = 0;

  async function fly(batch: typeof waiting): Promise<void> {
    try {
      const results = await run(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(results[index] as Result));
    } catch (error) {
      const [only] = batch;
      if (batch.length === 1 && only) only.reject(error);
      else for (const each of batch) await fly([each]);
    }
  }

  function next(): void {
    if (flying >= options.inFlight || waiting.length === 0) return;
    flying += 1;
    void fly(waiting.splice(0, options.most)).finally(() => {
      flying -= 1;
      next();
    });
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      next();
    });
}
