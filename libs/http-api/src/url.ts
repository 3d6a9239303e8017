import type { Route } from "./route.ts";

/** The query of a URL; what is undefined is left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** The route's URL below a base, its parameters and query filled in. */
export function urlOf(
  base: string,
  route: Pick<Route, "path">,
  params: Readonly<Record<string, string>> = {},
  query: Query = {},
): URL {
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined || value === "") throw new Error(`${route.path}: parameter ${name} is missing`);
    return encodeURIComponent(value);
  });
  const url = new URL(base.replace(/\/+$/, "") + path);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value));
  return url;
}
