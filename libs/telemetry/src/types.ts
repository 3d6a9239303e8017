/** One line per business event; fields are merged, the message comes last. */
export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  /** `error` is logged whole, cause and stack. */
  error(message: string, fields?: Fields & { error?: unknown }): void;
  child(fields: Fields): Logger;
}

export type Fields = Readonly<Record<string, unknown>>;

/** Prometheus metrics of this process. Asking twice for a name answers the same metric. */
export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  gauge(name: string, help: string, labels?: readonly string[]): Gauge;
  histogram(name: string, help: string, buckets: readonly number[], labels?: readonly string[]): Histogram;
  /** Called before each exposition, to bring gauges up to date; one that fails leaves its last values. */
  onExpose(refresh: () => void | Promise<void>): Disposable;
  /** The exposition text. */
  expose(): Promise<string>;
}

type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(amount?: number, labels?: Labels): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
  add(amount: number, labels?: Labels): void;
  remove(labels: Labels): void;
}

export interface Histogram {
  /** In the unit that the name says. */
  observe(value: number, labels?: Labels): void;
}
