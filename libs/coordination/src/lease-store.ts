import type { Id } from "@berth/std";
import type { Queryable, Sql } from "@berth/database";
import type { SeenLease } from "./lease-watch.ts";
import type { LeaseName } from "./types.ts";

/** What a holder proves itself by. */
export interface Held {
  readonly name: LeaseName;
  readonly epoch: bigint;
  readonly nonce: Id<"lease">;
}

type Row = SeenLease & Record<string, unknown>;

/** The lease as it stands; its first row is made as one that was given back. */
export async function readLease(sql: Sql, name: LeaseName): Promise<SeenLease> {
  await sql`
    insert into coordination.lease (name, owner, epoch, nonce, expires_at)
    values (${name}, null, 0, gen_random_uuid(), now()) on conflict do nothing`;
  const [row] = await sql<Row[]>`
    select owner, epoch, nonce, renewals from coordination.lease where name = ${name}`;
  if (row === undefined) throw new Error(`reading lease: ${name} has no row`);
  return row;
}

/** Takes the lease if it is still exactly what was seen; answers the new epoch. */
export async function takeLease(
  sql: Sql,
  name: LeaseName,
  seen: SeenLease,
  by: { readonly owner: string; readonly nonce: string; readonly periodMs: number },
): Promise<bigint | undefined> {
  const [row] = await sql<{ epoch: bigint }[]>`
    update coordination.lease
    set owner = ${by.owner}, nonce = ${by.nonce}, epoch = epoch + 1, renewals = 0,
        expires_at = now() + ${by.periodMs} * interval '1 ms'
    where name = ${name} and epoch = ${seen.epoch} and nonce = ${seen.nonce} and renewals = ${seen.renewals}
      and owner is not distinct from ${seen.owner}
    returning epoch`;
  return row?.epoch;
}

/** Renews; false when another holds it. */
export async function renewLease(sql: Sql, { name, epoch, nonce }: Held, periodMs: number): Promise<boolean> {
  const { count } = await sql`
    update coordination.lease
    set renewals = renewals + 1, expires_at = now() + ${periodMs} * interval '1 ms'
    where name = ${name} and epoch = ${epoch} and nonce = ${nonce} and owner is not null`;
  return count > 0;
}

/** Gives it back, so that the next need not wait. */
export async function releaseLease(sql: Sql, { name, epoch, nonce }: Held): Promise<void> {
  await sql`
    update coordination.lease set owner = null, expires_at = now()
    where name = ${name} and epoch = ${epoch} and nonce = ${nonce}`;
}

/** Whether it is held still, keeping it so until the transaction ends: nobody takes over in between. */
export async function holdLease(sql: Queryable, { name, epoch, nonce }: Held): Promise<boolean> {
  const rows = await sql`
    select 1 from coordination.lease
    where name = ${name} and epoch = ${epoch} and nonce = ${nonce} and owner is not null
    for share`;
  return rows.length > 0;
}
