/** Rows under their headings, in columns two spaces apart, as `psql` and `kubectl` users expect. No rows: headings alone. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings.map((heading) => heading.toUpperCase()), ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const STEPS: readonly (readonly [number, string])[] = [
  [60, "s"],
  [60, "m"],
  [24, "h"],
  [Number.POSITIVE_INFINITY, "d"],
];

/** How long ago a time was: "now", "12s ago", "5m ago", "3d ago". */
export function ago(time: string, now = Date.now()): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(time)) / 1000));
  if (seconds < 2) return "now";
  const step = { amount: seconds };
  for (const [size, unit] of STEPS) {
    if (step.amount < size) return `${step.amount}${unit} ago`;
    step.amount = Math.floor(step.amount / size);
  }
  return time;
}
