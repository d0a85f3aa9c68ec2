/** One Ctrl-C reaches us more than once: from the terminal, and from each launcher above us that passes it on. */
const sameKeyMilliseconds = 1_000;

/** Resolves with the signal that asks the process to end. A second one, when it comes later, ends it at once. */
export function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    // Signal listeners alone do not keep a process alive.
    const alive = setInterval(() => undefined, 60_000);
    let asked: number | undefined;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (asked !== undefined && performance.now() - asked > sameKeyMilliseconds) process.exit(130);
        asked ??= performance.now();
        clearInterval(alive);
        resolve(signal);
      });
    }
  });
}
