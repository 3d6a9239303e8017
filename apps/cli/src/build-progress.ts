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
  write(text: string): void;
}

const DIM = "\u001b[2m";
const RED = "\u001b[31m";
const GREEN = "\u001b[32m";
const PLAIN = "\u001b[0m";
const CLEAR_LINE = "\r\u001b[K";
const REDRAW_MS = 200;

/**
 * Shows a running build: each stage with its elapsed time when it is over, its log below it, and on a terminal the running
 * stage with a clock that ticks. Close it whatever happens, or its clock goes on.
 */
export class BuildProgress implements Disposable {
  readonly #screen: Screen;
  readonly #now: () => number;
  readonly #startedAt: number;
  #stage: { readonly name: string; readonly startedAt: number } | undefined;
  #clock: NodeJS.Timeout | undefined;
  #waiting = "Waiting for a provisioner";

  constructor(screen: Screen, now: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#now = now;
    this.#startedAt = now();
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
    if (line.stage !== this.#stage?.name) {
      this.#endStage(true);
      this.#stage = { name: line.stage, startedAt: this.#now() };
      if (!this.#screen.isTerminal) this.#print(`==> ${line.stage}`);
    }
    if (line.output !== "") this.#print(this.#colour(line.log_level, `    ${line.output}`));
  }

  /** The build is over. */
  end(succeeded: boolean): void {
    this.#endStage(succeeded);
    this[Symbol.dispose]();
  }

  /** Since the view was opened, as people write it. */
  get elapsed(): string {
    return formatDuration(this.#now() - this.#startedAt);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#clock);
    this.#clock = undefined;
    if (this.#screen.isTerminal) this.#screen.write(CLEAR_LINE);
  }

  #endStage(succeeded: boolean): void {
    if (this.#stage === undefined) return;
    const { name, startedAt } = this.#stage;
    const mark = succeeded ? this.#paint(GREEN, "✔") : this.#paint(RED, "✘");
    this.#print(`${mark} ${name} ${this.#paint(DIM, `[${formatDuration(this.#now() - startedAt)}]`)}`);
    this.#stage = undefined;
  }

  #draw(): void {
    const running = this.#stage;
    const text =
      running === undefined
        ? `⧗ ${this.#waiting} [${this.elapsed}]`
        : `⧗ ${running.name} [${formatDuration(this.#now() - running.startedAt)}]`;
    this.#screen.write(`${CLEAR_LINE}${text}`);
  }

  #print(line: string): void {
    this.#screen.write(this.#screen.isTerminal ? `${CLEAR_LINE}${line}\n` : `${line}\n`);
  }

  #colour(level: string, text: string): string {
    if (level === "error") return this.#paint(RED, text);
    return level === "warn" ? text : this.#paint(DIM, text);
  }

  #paint(colour: string, text: string): string {
    return this.#screen.isTerminal ? `${colour}${text}${PLAIN}` : text;
  }
}
