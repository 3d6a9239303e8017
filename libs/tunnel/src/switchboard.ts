import { PacketKind, SESSION_ID_BYTES, WIRE_VERSION } from "./wire.ts";

/** Hears the packets of one session, or hellos; `from` is the key that the relay says it came from. */
export type PacketListener = (packet: Buffer, from: Buffer) => void;

const ID_AT = 2;

/** Hands each packet of a relay connection to the session that it names, and hellos to whoever accepts. */
export class Switchboard {
  readonly #sessions = new Map<string, PacketListener>();
  #stranger: PacketListener | undefined;

  /** Hears every packet of a session. */
  register(sessionId: Buffer, hear: PacketListener): Disposable {
    const key = sessionId.toString("latin1");
    this.#sessions.set(key, hear);
    return {
      [Symbol.dispose]: () => {
        if (this.#sessions.get(key) === hear) this.#sessions.delete(key);
      },
    };
  }

  /** Hears hellos, and packets of sessions that nobody knows. */
  onStranger(hear: PacketListener): Disposable {
    this.#stranger = hear;
    return {
      [Symbol.dispose]: () => {
        if (this.#stranger === hear) this.#stranger = undefined;
      },
    };
  }

  receive(packet: Buffer, from: Buffer): void {
    if (packet.length < ID_AT + SESSION_ID_BYTES || packet[0] !== WIRE_VERSION) return;
    const hear = this.#sessions.get(packet.toString("latin1", ID_AT, ID_AT + SESSION_ID_BYTES));
    if (hear !== undefined && packet[1] !== PacketKind.hello) hear(packet, from);
    else this.#stranger?.(packet, from);
  }
}
