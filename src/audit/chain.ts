import { hashOfSeal, noSeal, type SealVerifier } from './seal.ts';
import type { AuditProblem, AuditSeal } from './seal.schema.ts';

export type Problem = AuditProblem;

const problem = (kind: Problem['kind'], seal: number | null, text: string): Problem => ({ kind, seal, seq: null, id: null, text });

/** A witness from outside of the database: what the chain's end was at some time. */
export interface Anchor {
  readonly number: number;
  readonly hash: string;
}

function notSigned(seals: readonly number[]): Problem[] {
  const [first] = seals;
  if (first === undefined) return [];
  const text = seals.length === 1 ? `Seal ${first} is not signed with a given key.` : `Seals ${first} to ${seals.at(-1)} are not signed with a given key.`;
  return [problem('seal-unsigned', first, text)];
}

/** Looks at the seals one after the other: each as it was made, each tied to the one before. */
export interface ChainReader {
  /** What is wrong with this seal and its place. */
  next(seal: AuditSeal): Problem[];
  /** What only the whole chain can tell. */
  end(): Problem[];
}

/**
 * Reads a chain from its beginning, or from the middle where `begin` is undefined and the first seal is taken at its word.
 *
 * With public keys, every seal must be signed by one of them or stand before the first that is: its hash is signed along with that.
 */
export function readChain({
  begin,
  verifiers,
  anchors,
}: {
  begin: 'first' | 'anywhere';
  verifiers: readonly SealVerifier[];
  anchors: readonly Anchor[];
}): ChainReader {
  let previous: AuditSeal | undefined;
  let unsigned: number[] = [];
  let signed = false;
  const awaited = new Map(anchors.map(({ number, hash }) => [number, hash]));
  return {
    next(seal) {
      const problems: Problem[] = [];
      const expected = previous ? previous.number + 1 : begin === 'first' ? 1 : seal.number;
      const missing = seal.number - expected;
      if (missing > 0)
        problems.push(problem('seal-removed', expected, missing === 1 ? `Seal ${expected} is gone.` : `Seals ${expected} to ${seal.number - 1} are gone.`));
      if (seal.hash !== hashOfSeal(seal)) problems.push(problem('seal-altered', seal.number, `Seal ${seal.number} no longer says what was hashed.`));
      else if (missing === 0 && (previous || begin === 'first') && seal.previousHash !== (previous?.hash ?? noSeal))
        problems.push(problem('seal-altered', seal.number, `Seal ${seal.number} does not follow the one before it: one of them was replaced.`));
      else if (missing === 0 && previous && seal.fromSeq !== previous.toSeq && !(seal.fromSeq === previous.fromSeq && seal.toSeq === previous.toSeq))
        problems.push(problem('seal-altered', seal.number, `Seal ${seal.number} does not begin where the one before it ended.`));
      const anchor = awaited.get(seal.number);
      if (anchor !== undefined && anchor !== seal.hash)
        problems.push(
          problem('chain-replaced', seal.number, `Seal ${seal.number} is not the one that the anchor names: the chain was made anew from there or earlier.`),
        );
      awaited.delete(seal.number);
      if (verifiers.length > 0) {
        const verifier = verifiers.find(({ keyId }) => keyId === seal.keyId);
        if (seal.signature === null || !verifier) unsigned.push(seal.number);
        else if (!verifier.verify(seal.hash, seal.signature))
          problems.push(problem('seal-forged', seal.number, `The signature of seal ${seal.number} was not made with the key that it names.`));
        else {
          // What stands before the first signature is signed along with it; nobody but the key's holder adds to the chain afterwards.
          if (signed) problems.push(...notSigned(unsigned));
          signed = true;
          unsigned = [];
        }
      }
      previous = seal;
      return problems;
    },
    end() {
      const problems: Problem[] = [];
      const last = previous?.number ?? 0;
      const lost = [...awaited.keys()].filter((number) => number > last);
      if (lost.length > 0)
        problems.push(
          problem('chain-truncated', last + 1, `The chain ends with seal ${last}, and the anchor knows seal ${Math.max(...lost)}: its end was cut off.`),
        );
      problems.push(...notSigned(unsigned));
      return problems;
    },
  };
}
