import { distance } from "fastest-levenshtein";

/** `, did you mean …?` for a near miss, else nothing. */
export function nearest(word: string, known: readonly string[]): string {
  const [best] = known
    .map((candidate) => ({ candidate, edits: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  return best && best.edits <= Math.max(2, word.length / 3) ? `, did you mean ${best.candidate}?` : "";
}
