/** Paths, exact or ending in `/*`, to what stands there; the longest match wins. */
export class Routes<T> {
  readonly #exact = new Map<string, T>();
  readonly #below = new Map<string, T>();

  /** @throws when something stands there already */
  add(path: string, value: T): void {
    const [routes, key] = path.endsWith("/*") ? [this.#below, path.slice(0, -1)] : [this.#exact, path];
    if (!path.startsWith("/")) throw new Error(`mounting ${path}: a path begins with /`);
    if (routes.has(key)) throw new Error(`mounting ${path}: it is taken`);
    routes.set(key, value);
  }

  /** What stands at the path, and how much of it was named. */
  find(path: string): { readonly value: T; readonly length: number } | undefined {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return { value: exact, length: path.length + 1 };
    for (let at = path.lastIndexOf("/"); at >= 0; at = at === 0 ? -1 : path.lastIndexOf("/", at - 1)) {
      const value = this.#below.get(path.slice(0, at + 1));
      if (value !== undefined) return { value, length: at + 1 };
    }
    return undefined;
  }
}

/** The path of a request's target, without its query; proxies may send the whole URL. */
export function pathOf(target: string | undefined): string {
  const path = (target ?? "/").replace(/^https?:\/\/[^/]*/i, "").replace(/[?#].*$/s, "");
  return path === "" ? "/" : path;
}
