import type { BigIntStats } from "node:fs";

const KINDS: readonly (readonly [(stats: BigIntStats) => boolean, string])[] = [
  [(stats) => stats.isDirectory(), "d"],
  [(stats) => stats.isSymbolicLink(), "l"],
  [(stats) => stats.isFIFO(), "p"],
  [(stats) => stats.isSocket(), "s"],
  [(stats) => stats.isCharacterDevice(), "c"],
  [(stats) => stats.isBlockDevice(), "b"],
];

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const HALF_A_YEAR_MS = 182 * 86_400_000;

/** The line of `ls -l` that sftp's own `ls -l` prints as it is. Owners are numbers: names are the host's to look up. */
export function longName(name: Buffer, stats: BigIntStats, now = Date.now()): Buffer {
  const links = String(stats.nlink).padStart(3);
  const owner = `${String(stats.uid).padEnd(8)} ${String(stats.gid).padEnd(8)}`;
  const size = String(stats.size).padStart(8);
  return Buffer.concat([
    Buffer.from(`${modeText(stats)} ${links} ${owner} ${size} ${when(stats.mtime, now)} `),
    name,
  ]);
}

function modeText(stats: BigIntStats): string {
  const mode = Number(stats.mode);
  const kind = KINDS.find(([is]) => is(stats))?.[1] ?? "-";
  const triple = (shift: number, special: number, letter: string) => {
    const bits = (mode >> shift) & 7;
    const set = (mode & special) !== 0;
    const execute = (bits & 1) !== 0;
    const last = set ? (execute ? letter : letter.toUpperCase()) : execute ? "x" : "-";
    return `${(bits & 4) !== 0 ? "r" : "-"}${(bits & 2) !== 0 ? "w" : "-"}${last}`;
  };
  return `${kind}${triple(6, 0o4000, "s")}${triple(3, 0o2000, "s")}${triple(0, 0o1000, "t")}`;
}

function when(time: Date, now: number): string {
  const day = `${MONTHS[time.getMonth()] ?? ""} ${String(time.getDate()).padStart(2)}`;
  if (Math.abs(now - time.getTime()) > HALF_A_YEAR_MS) return `${day}  ${time.getFullYear()}`;
  return `${day} ${String(time.getHours()).padStart(2, "0")}:${String(time.getMinutes()).padStart(2, "0")}`;
}
