/** Variables as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process. Nothing else reads it. */
export function environment(): Environment {
  return process.env;
}

/** The arguments of this process, after the program's own name. */
export function programArguments(): readonly string[] {
  return process.argv.slice(2);
}
