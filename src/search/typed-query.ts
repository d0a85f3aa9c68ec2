/** A word without each of its letters, and the word: two words with one of these in common are about one slip apart. */
export function deletesOf(word: string): string[] {
  const all = [...word];
  if (all.length <= 3) return [word];
  return [...new Set([word, ...all.map((_letter, at) => [...all.slice(0, at), ...all.slice(at + 1)].join(''))])];
}
