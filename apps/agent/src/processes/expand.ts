import { isAbsolute, join } from "node:path";

type Variables = Readonly<Record<string, string | undefined>>;

/** Replaces `$NAME` and `${NAME}`; a variable that is not set is nothing, as in a shell. */
export function expandVariables(text: string, variables: Variables): string {
  return text.replaceAll(
    /\$(?:(\w+)|\{(\w+)\})/g,
    (_whole, bare: string | undefined, braced: string | undefined) => variables[bare ?? braced ?? ""] ?? "",
  );
}

/** An absolute path from one with `~`, variables, or relative to a folder. */
export function expandPath(
  path: string,
  { home, base, variables }: { readonly home: string; readonly base: string; readonly variables: Variables },
): string {
  const expanded = expandVariables(path, variables).replace(/^~(?=\/|$)/, home);
  return isAbsolute(expanded) ? expanded : join(base, expanded);
}
