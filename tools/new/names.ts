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

/** Reads `usage-report` or `UsageReport`. @throws when it is neither. */
export function namesOf(what: string, text: string | undefined): Names {
  const words = (text ?? "")
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .split("-");
  if (!words.every((word) => /^[a-z][a-z0-9]*$/.test(word)))
    throw new Error(`${what} "${text ?? ""}" is no name: write it as usage-report or UsageReport`);
  const capital = (word: string) => word.slice(0, 1).toUpperCase() + word.slice(1);
  const pascal = words.map(capital).join("");
  return {
    kebab: words.join("-"),
    camel: pascal.slice(0, 1).toLowerCase() + pascal.slice(1),
    pascal,
    snake: words.join("_"),
  };
}
