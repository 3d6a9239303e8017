import type { BigIntStats } from "node:fs";
import { writeAttributes } from "./attributes.ts";
import { longName } from "./long-name.ts";
import { PacketWriter } from "./packet.ts";
import { Packet, Status, type StatusCode } from "./protocol.ts";

export function statusReply(id: number, status: StatusCode, message = ""): Buffer {
  return new PacketWriter(Packet.status).uint32(id).uint32(status).string(message).string("").build();
}

export const doneReply = (id: number): Buffer => statusReply(id, Status.ok);

export function handleReply(id: number, handle: Buffer): Buffer {
  return new PacketWriter(Packet.handle).uint32(id).string(handle).build();
}

export function attributesReply(id: number, stats: BigIntStats): Buffer {
  return writeAttributes(new PacketWriter(Packet.attributes).uint32(id), stats).build();
}

export interface FolderEntry {
  readonly name: Buffer;
  readonly stats: BigIntStats;
}

export function entriesReply(id: number, entries: readonly FolderEntry[]): Buffer {
  const writer = new PacketWriter(Packet.name).uint32(id).uint32(entries.length);
  for (const { name, stats } of entries)
    writeAttributes(writer.string(name).string(longName(name, stats)), stats);
  return writer.build();
}

/** A bare path, as realpath and readlink answer it: no attributes. */
export function pathReply(id: number, path: Buffer): Buffer {
  return new PacketWriter(Packet.name).uint32(id).uint32(1).string(path).string(path).uint32(0).build();
}
