/** The lines that differ between two texts, with `-` and `+`: what comes before and after them is left out. */
export function difference(former: string, next: string): string {
  const [old, fresh] = [former.split("\n"), next.split("\n")];
  const shorter = Math.min(old.length, fresh.length);
  const same = (i: number) => old[i] === fresh[i];
  const sameBack = (i: number) => old[old.length - 1 - i] === fresh[fresh.length - 1 - i];
  let head = 0;
  while (head < shorter && same(head)) head += 1;
  let tail = 0;
  while (tail < shorter - head && sameBack(tail)) tail += 1;
  return [
    ...old.slice(head, old.length - tail).map((line) => `- ${line}`),
    ...fresh.slice(head, fresh.length - tail).map((line) => `+ ${line}`),
  ].join("\n");
}
