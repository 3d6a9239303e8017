import fc from "fast-check";
import { expect, test } from "vitest";
import { Client, Directory, type Station } from "./directory.ts";

interface TestStation extends Station {
  readonly name: string;
  spokeAt: number;
}
type TestClient = Client<TestStation, string>;

const keyOf = (owner: number) => Buffer.alloc(32, owner + 1);

function world() {
  const said: string[] = [];
  const name = ({ key }: TestClient) => String((key[0] ?? 0) - 1);
  const directory = new Directory<TestStation, string>({
    present: (client) => said.push(`present ${name(client)}`),
    left: (client) => said.push(`left ${name(client)}`),
    gone: (client) => said.push(`gone ${name(client)}`),
    outlived: (station) => said.push(`outlived ${station.name}`),
  });
  let now = 0;
  let stations = 0;
  return {
    directory,
    said,
    tick: () => (now += 1000),
    arrive: (owner: number): { station: TestStation; client: TestClient } => {
      const station = { key: keyOf(owner), name: `${owner}.${(stations += 1)}`, spokeAt: (now += 1000) };
      return { station, client: directory.arrive(station) };
    },
    speak: ({ station, client }: { station: TestStation; client: TestClient }) => {
      station.spokeAt = now += 1000;
      directory.spoke(client, station);
    },
    route: (owner: number): string | undefined => {
      const client = directory.find(keyOf(owner), 0);
      return client?.via ?? client?.active?.name;
    },
  };
}

test("a new connection of a key is active, and the others stay (R4)", () => {
  const { arrive, route, directory } = world();
  const first = arrive(0);
  const second = arrive(0);
  expect(route(0)).toBe("0.2");
  expect(first.client).toBe(second.client);
  expect(directory.count()).toEqual({ clients: 1, stations: 2, remote: 0 });
});

test("the last to speak becomes active, and the one before it takes over when it leaves (R4)", () => {
  const { arrive, speak, route, directory } = world();
  const first = arrive(0);
  arrive(0);
  speak(first);
  expect(route(0)).toBe("0.1");
  directory.leave(first.client, first.station);
  expect(route(0)).toBe("0.2");
});

test("a key heard more recently at a sibling is routed there, and the one here has to prove that it lives", () => {
  const { arrive, tick, route, said, directory } = world();
  arrive(0);
  directory.learn("sibling", keyOf(0), tick());
  expect(route(0)).toBe("sibling");
  expect(said).toContain("outlived 0.1");
});

test("a key heard longer ago at a sibling stays here", () => {
  const { arrive, route, said, directory } = world();
  arrive(0);
  directory.learn("sibling", keyOf(0), 1);
  expect(route(0)).toBe("0.1");
  expect(said).not.toContain("outlived 0.1");
});

test("who speaks here after a sibling heard it claims its key back, and siblings hear of it", () => {
  const { arrive, speak, tick, route, said, directory } = world();
  const here = arrive(0);
  directory.learn("sibling", keyOf(0), tick());
  said.length = 0;
  speak(here);
  expect(route(0)).toBe("0.1");
  expect(said).toEqual(["present 0"]);
});

test("of two siblings the one that heard the key last gets its packets", () => {
  const { tick, route, directory } = world();
  directory.learn("a", keyOf(0), tick());
  directory.learn("b", keyOf(0), tick());
  expect(route(0)).toBe("b");
  directory.learn("a", keyOf(0), tick());
  expect(route(0)).toBe("a");
});

test("a link's end takes exactly the keys it brought (R3)", () => {
  const { arrive, tick, route, said, directory } = world();
  arrive(0);
  directory.learn("a", keyOf(0), tick());
  directory.learn("a", keyOf(1), tick());
  directory.learn("a", keyOf(2), tick());
  directory.learn("b", keyOf(2), tick());
  said.length = 0;
  directory.unlearnAll("a");
  expect([route(0), route(1), route(2)]).toEqual(["0.1", undefined, "b"]);
  expect(said).toEqual(["gone 1"]);
});

test("a client that came back is another one than the one that is gone", () => {
  const { arrive, directory } = world();
  const first = arrive(0);
  directory.leave(first.client, first.station);
  const second = arrive(0);
  expect(first.client.isGone).toBe(true);
  expect(directory.find(keyOf(0), 0)).toBe(second.client);
});

/** What the directory promises, said as slowly as possible. */
class Model {
  stations: { owner: number; name: string; spokeAt: number }[] = [];
  brought: { link: string; owner: number; heardAt: number }[] = [];

  route(owner: number): string | undefined {
    const here = this.stations.filter((station) => station.owner === owner).at(-1);
    const elsewhere = this.brought.filter((known) => known.owner === owner);
    const best = elsewhere.toSorted((a, b) => b.heardAt - a.heardAt)[0];
    if (best === undefined || (here !== undefined && here.spokeAt >= best.heardAt)) return here?.name;
    return best.link;
  }
}

const step = fc.record({
  what: fc.constantFrom("arrive", "leave", "speak", "learn", "unlearn", "end link"),
  owner: fc.nat(3),
  link: fc.constantFrom("a", "b", "c"),
  which: fc.nat(5),
});

test("whatever happens in whatever order, packets go where the freshest place is", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { directory, arrive, speak, tick, route } = world();
      const model = new Model();
      const open: ReturnType<typeof arrive>[] = [];
      for (const { what, owner, link, which } of steps) {
        const chosen = open[which % Math.max(1, open.length)];
        const entry = model.stations.find(({ name }) => name === chosen?.station.name);
        if (what === "arrive") {
          const made = arrive(owner);
          open.push(made);
          model.stations.push({ owner, name: made.station.name, spokeAt: made.station.spokeAt });
        } else if (what === "learn") {
          const heardAt = tick();
          directory.learn(link, keyOf(owner), heardAt);
          model.brought = model.brought.filter((known) => known.link !== link || known.owner !== owner);
          model.brought.push({ link, owner, heardAt });
        } else if (what === "unlearn") {
          directory.unlearn(link, keyOf(owner));
          model.brought = model.brought.filter((known) => known.link !== link || known.owner !== owner);
        } else if (what === "end link") {
          directory.unlearnAll(link);
          model.brought = model.brought.filter((known) => known.link !== link);
        } else if (chosen !== undefined && entry !== undefined) {
          model.stations.splice(model.stations.indexOf(entry), 1);
          if (what === "leave") {
            directory.leave(chosen.client, chosen.station);
            open.splice(open.indexOf(chosen), 1);
          } else {
            speak(chosen);
            model.stations.push({ ...entry, spokeAt: chosen.station.spokeAt });
          }
        }
        for (const each of [0, 1, 2, 3]) expect(route(each)).toBe(model.route(each));
      }
      const known = new Set([...model.stations, ...model.brought].map((place) => place.owner));
      expect(directory.count().clients).toBe(known.size);
    }),
  );
});
