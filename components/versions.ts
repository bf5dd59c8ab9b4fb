/** By number, part by part: below zero where the first is older. What is missing, or begins with no digit, counts as zero. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map((part) => Number.parseInt(part, 10) || 0));
  const index = Array.from({ length: Math.max(left.length, right.length) }, (_, at) => at).find((at) => (left[at] ?? 0) !== (right[at] ?? 0));
  return index === undefined ? 0 : (left[index] ?? 0) - (right[index] ?? 0);
}
