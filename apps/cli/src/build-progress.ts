import { formatDuration } from "@berth/std";

/** One line of a build's log, as the api sends it. */
export interface BuildLogLine {
  readonly created_at: string;
  readonly log_level: string;
  readonly stage: string;
  readonly output: string;
}

/** Where progress is shown: stderr, so that stdout stays for results. */
export interface Screen {
  readonly isTerminal: boolean;
  readonly hasColour: boolean;
  readonly columns: number;
  /** A question stands there: nothing is written until it is answered. */
  readonly isAsking: boolean;
  write(text: string): void;
}

const DIM = "\u001b[2m";
const RED = "\u001b[31m";
const GREEN = "\u001b[32m";
const PLAIN = "\u001b[0m";
const CLEAR_LINE = "\r\u001b[K";
const REDRAW_MS = 200;

/** A moment of the log, by the clock that wrote it and by our own when it came. */
interface Moment {
  readonly writtenAt: number;
  readonly seenAt: number;
}

/**
 * Shows a running build: each stage with its elapsed time when it is over, its log below it, and on a terminal the running
 * stage with a clock that ticks. Times are those of the log, so that who comes late sees them right. Close it whatever
 * happens, or its clock goes on.
 */
export class BuildProgress implements Disposable {
  readonly #screen: Screen;
  readonly #now: () => number;
  readonly #openedAt: number;
  #stage: { readonly name: string; readonly begin: Moment; hasFailed: boolean } | undefined;
  #hasFailed = false;
  #latest: Moment = { writtenAt: 0, seenAt: 0 };
  #clock: NodeJS.Timeout | undefined;
  #held = "";
  #waiting = "Waiting for a provisioner";

  constructor(screen: Screen, now: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#now = now;
    this.#openedAt = now();
    if (screen.isTerminal) this.#clock = setInterval(() => this.#draw(), REDRAW_MS);
  }

  /** Says why the build has not begun, e.g. its place in the queue. */
  wait(reason: string): void {
    if (reason === this.#waiting) return;
    this.#waiting = reason;
    if (!this.#screen.isTerminal) this.#print(`    ${reason}`);
  }

  /** Takes one line of the log. */
  add(line: BuildLogLine): void {
    this.#latest = { writtenAt: Date.parse(line.created_at), seenAt: this.#now() };
    if (line.stage !== this.#stage?.name) {
      this.#endStage();
      this.#stage = { name: line.stage, begin: this.#latest, hasFailed: false };
      if (!this.#screen.isTerminal) this.#print(`==> ${line.stage}`);
    }
    if (line.log_level === "error") this.#stage.hasFailed = this.#hasFailed = true;
    if (line.output !== "")
      for (const row of line.output.split("\n")) this.#print(this.#colour(line.log_level, `    ${row}`));
  }

  /** The build is over. One that failed without a word failed in its last stage. */
  end(succeeded: boolean): void {
    if (this.#stage !== undefined && !succeeded && !this.#hasFailed) this.#stage.hasFailed = true;
    this.#endStage();
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#clock);
    this.#clock = undefined;
    this.#write("");
  }

  #endStage(): void {
    if (this.#stage === undefined) return;
    const mark = this.#stage.hasFailed ? this.#paint(RED, "✘") : this.#paint(GREEN, "✔");
    this.#print(`${mark} ${this.#stage.name} ${this.#paint(DIM, `[${this.#elapsed()}]`)}`);
    this.#stage = undefined;
  }

  /** Of the stage, or of the waiting: what the log says, and on top of it what has passed since its latest line. */
  #elapsed(): string {
    if (this.#stage === undefined) return formatDuration(this.#now() - this.#openedAt);
    const written = this.#latest.writtenAt - this.#stage.begin.writtenAt;
    return formatDuration(Math.max(0, written + this.#now() - this.#latest.seenAt));
  }

  /** The running line is as wide as the terminal at most: a second row could not be cleared. */
  #draw(): void {
    if (this.#screen.isAsking) return;
    const clock = ` [${this.#elapsed()}]`;
    const what = `⧗ ${this.#stage?.name ?? this.#waiting}`;
    this.#write(`${what.slice(0, Math.max(0, this.#screen.columns - 1 - clock.length))}${clock}`);
  }

  #print(line: string): void {
    this.#held += `${line}\n`;
    if (!this.#screen.isAsking) this.#write("");
  }

  #write(running: string): void {
    this.#screen.write(`${this.#screen.isTerminal ? CLEAR_LINE : ""}${this.#held}${running}`);
    this.#held = "";
  }

  #colour(level: string, text: string): string {
    if (level === "error") return this.#paint(RED, text);
    return level === "warn" ? text : this.#paint(DIM, text);
  }

  #paint(colour: string, text: string): string {
    return this.#screen.hasColour ? `${colour}${text}${PLAIN}` : text;
  }
}
