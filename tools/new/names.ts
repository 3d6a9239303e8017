/** One name in the forms that files, types and SQL want. */
export interface Names {
  /** `usage-report` */
  readonly kebab: string;
  /** `usageReport` */
  readonly camel: string;
  /** `UsageReport` */
  readonly pascal: string;
  /** `usage_report` */
  readonly snake: string;
}

/** Words that TypeScript or Postgres keeps for itself: neither a constant nor a schema can bear them. */
const RESERVED: ReadonlySet<string> = new Set(
  `all analyse analyze and any array as asc await both break case cast catch check class collate column const constraint
  continue create debugger default delete desc distinct do else end enum except export extends false fetch finally for
  foreign from function grant group having if import in initially instanceof intersect into lateral leading let limit new not
  null offset on only or order placing primary references return returning select some static super switch symmetric table
  then this throw to trailing true try typeof union unique user using var variadic void when where while window with yield`.split(
    /\s+/,
  ),
);

/** Reads `usage-report` or `UsageReport`. @throws when it is neither. */
export function namesOf(what: string, text: string | undefined): Names {
  const words = (text ?? "")
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .split("-");
  if (!words.every((word) => /^[a-z][a-z0-9]*$/.test(word)))
    throw new Error(`${what} "${text ?? ""}" is no name: write it as usage-report or UsageReport`);
  if (words.length === 1 && RESERVED.has(words[0] ?? ""))
    throw new Error(
      `${what} "${text ?? ""}" is a word of TypeScript or SQL: add another, such as ${words[0] ?? ""}-log`,
    );
  const capital = (word: string) => word.slice(0, 1).toUpperCase() + word.slice(1);
  const pascal = words.map(capital).join("");
  return {
    kebab: words.join("-"),
    camel: pascal.slice(0, 1).toLowerCase() + pascal.slice(1),
    pascal,
    snake: words.join("_"),
  };
}
