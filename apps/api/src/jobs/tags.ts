/** Tags of a job or a daemon, as stored: without the pair that every organization-wide one carries in public shapes. */
export type Tags = Readonly<Record<string, string>>;

/** Tags as they are stored and matched: `scope=organization` and an empty `owner` say nothing. */
export function storedTags(given: Tags): Tags {
  return Object.fromEntries(
    Object.entries(given).filter(
      ([key, value]) => !(key === "scope" && value === "organization") && !(key === "owner" && value === ""),
    ),
  );
}

/** Tags as public clients read them. */
export function publicTags(stored: Tags): Tags {
  return { scope: "organization", owner: "", ...stored };
}

/** One text per tag set, for metrics and for grouping: `gpu=yes,zone=b`, empty for untagged. */
export function tagSetName(stored: Tags): string {
  return Object.entries(stored)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

/** Whether a daemon with these tags may run a job with those: an untagged job runs only on untagged daemons. */
export function tagsFit(job: Tags, daemon: Tags): boolean {
  const wanted = Object.entries(job);
  if (wanted.length === 0) return Object.keys(daemon).length === 0;
  return wanted.every(([key, value]) => daemon[key] === value);
}
