/** The name most like the given one, if one is near enough to be meant. */
export function nearest(given: string, names: Iterable<string>): string | undefined {
  let best: { name: string; distance: number } | undefined;
  for (const name of names) {
    const distance = editDistance(given, name);
    if (best === undefined || distance < best.distance) best = { name, distance };
  }
  const bound = Math.max(2, Math.floor(given.length / 5));
  return best !== undefined && best.distance <= bound ? best.name : undefined;
}

/** How many insertions, deletions, replacements and swaps of neighbours lie between two words. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = cell(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next[j] = Math.min(
        replace,
        cell(row, j) + 1,
        cell(next, j - 1) + 1,
        swapped ? cell(before, j - 2) + 1 : Infinity,
      );
    }
    before = row;
    row = next;
  }
  return cell(row, b.length);
}

const cell = (row: readonly number[], at: number) => row[at] ?? Infinity;
