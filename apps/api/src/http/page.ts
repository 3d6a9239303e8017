/** A part of a list, as statements take it. */
export interface Page {
  /** Null is all. */
  readonly limit: number | null;
  readonly offset: number;
  readonly afterId: string | null;
}

interface PageQuery {
  readonly limit?: number;
  readonly offset?: number;
  readonly after_id?: string;
}

/** What a client asks for; a limit of 0 is none. */
export function pageOf({ limit = 0, offset = 0, after_id: afterId = "" }: PageQuery): Page {
  return { limit: limit === 0 ? null : limit, offset, afterId: afterId === "" ? null : afterId };
}
