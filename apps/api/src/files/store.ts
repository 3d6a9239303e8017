import { createHash, randomUUID } from "node:crypto";
import type { Queryable } from "@berth/database";

export interface FileRow {
  readonly id: string;
  readonly mimetype: string;
  readonly content: Buffer;
}

/** Keeps a file; the same bytes of the same user are kept once. */
export async function insertFile(
  sql: Queryable,
  file: { readonly content: Uint8Array; readonly mimetype: string; readonly createdBy: string },
): Promise<string> {
  const hash = createHash("sha256").update(file.content).digest();
  const [row] = await sql<{ id: string }[]>`
    insert into api.file (id, hash, mimetype, content, created_by)
    values (${randomUUID()}, ${hash}, ${file.mimetype}, ${Buffer.from(file.content)}, ${file.createdBy})
    on conflict (hash, created_by) do update set hash = excluded.hash returning id`;
  if (row === undefined) throw new Error("keeping a file: no row came back");
  return row.id;
}

export async function findFile(sql: Queryable, id: string): Promise<FileRow | undefined> {
  const [row] = await sql<FileRow[]>`select id, mimetype, content from api.file where id = ${id}`;
  return row;
}
