/** Numbers in half-open ranges, ascending, apart from each other. Adding at the end, the common case, costs nothing. */
export class RangeSet {
  readonly #ranges: { from: number; to: number }[] = [];

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** How many ranges there are. */
  get count(): number {
    return this.#ranges.length;
  }

  /** The lowest range. */
  get first(): { readonly from: number; readonly to: number } | undefined {
    return this.#ranges[0];
  }

  /** The highest range. */
  get last(): { readonly from: number; readonly to: number } | undefined {
    return this.#ranges.at(-1);
  }

  /** The highest ranges, highest first. */
  highest(count: number): { readonly from: number; readonly to: number }[] {
    return this.#ranges.slice(-count).reverse();
  }

  has(number: number): boolean {
    for (let at = this.#ranges.length - 1; at >= 0; at--) {
      const range = this.#ranges[at];
      if (range !== undefined && range.from <= number) return number < range.to;
    }
    return false;
  }

  add(from: number, to: number): void {
    if (from >= to) return;
    const last = this.#ranges.at(-1);
    if (last === undefined || from > last.to) {
      this.#ranges.push({ from, to });
      return;
    }
    if (from >= last.from) {
      last.to = Math.max(last.to, to);
      return;
    }
    const start = this.#ranges.findIndex((range) => range.to >= from);
    const merged = { from, to };
    let end = start;
    for (
      let range = this.#ranges[end];
      range !== undefined && range.from <= to;
      range = this.#ranges[++end]
    ) {
      merged.from = Math.min(merged.from, range.from);
      merged.to = Math.max(merged.to, range.to);
    }
    this.#ranges.splice(start, end - start, merged);
  }

  remove(from: number, to: number): void {
    if (from >= to) return;
    for (let at = this.#ranges.length - 1; at >= 0; at--) {
      const range = this.#ranges[at];
      if (range === undefined || range.to <= from) return;
      if (range.from >= to) continue;
      const kept = [
        { from: range.from, to: from },
        { from: to, to: range.to },
      ].filter((part) => part.from < part.to);
      this.#ranges.splice(at, 1, ...kept);
    }
  }

  /** The parts of a range that are not in the set. */
  missing(from: number, to: number): { from: number; to: number }[] {
    const gaps: { from: number; to: number }[] = [];
    let at = from;
    for (const range of this.#ranges) {
      if (range.to <= at) continue;
      if (range.from >= to) break;
      if (range.from > at) gaps.push({ from: at, to: range.from });
      at = range.to;
    }
    if (at < to) gaps.push({ from: at, to });
    return gaps;
  }

  clear(): void {
    this.#ranges.length = 0;
  }
}
