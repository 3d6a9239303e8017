import { Type, type TSchema } from "typebox";

/** A bare UUID; lower case in answers, either case in questions. */
export const id = () => Type.String({ format: "uuid" });

/** An RFC 3339 time. */
export const time = () => Type.String({ format: "date-time" });

/** A time that a question gives: the database begins with the year 1. */
export const pastTime = () => Type.String({ format: "date-time", pattern: "^(?!0000)" });

/** Any text. */
export const text = () => Type.String();
/** True or false. */
export const flag = () => Type.Boolean();
/** Any number. */
export const number = () => Type.Number();
/** A whole number. */
export const integer = () => Type.Integer();

/** May be absent. */
export const optional = <T extends TSchema>(schema: T) => Type.Optional(schema);

/** May be null. */
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** An array that is never null. */
export const list = <T extends TSchema>(schema: T) => Type.Array(schema);

/** One of a closed set of words. */
export const oneOf = <const Word extends string>(...words: Word[]) => Type.Enum<Word[]>(words);

/** A map of strings. */
export const map = () => Type.Record(Type.String(), Type.String());

/** A named object: it becomes a component of the OpenAPI document. */
export const shape = <P extends Record<string, TSchema>>(title: string, properties: P) =>
  Type.Object(properties, { title });

/** An object without a name of its own. */
export const object = <P extends Record<string, TSchema>>(properties: P) => Type.Object(properties);

/** What a build does to a workspace. */
export const transition = () => oneOf("start", "stop", "delete");

/** Who may reach an app or a port of a workspace. */
export const sharingLevel = () => oneOf("owner", "authenticated", "organization", "public");

/** Values by name, of parameters or variables. */
export const namedValues = () => list(object({ name: text(), value: text() }));

/** One frame of a watch over WebSocket; a ping has no data. */
export const watchFrame = <T extends TSchema>(schema: T) =>
  object({ type: oneOf("data", "ping", "error"), data: nullable(schema) });

/** The name of a workspace or a user: letters, digits and single hyphens, at most 32 (what editors can look up). */
export const name = () =>
  Type.String({
    minLength: 1,
    maxLength: 32,
    pattern: "^(?!(?:[nN][eE][wW]|[cC][rR][eE][aA][tT][eE])$)[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$",
    description: "Letters, digits and single hyphens between them, at most 32, and neither new nor create",
  });

/** A whole number that a question gives: within what every language and the database count exactly. */
export const exact = ({ minimum = Number.MIN_SAFE_INTEGER } = {}) =>
  Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER });

/** A documented field of a question that is not served yet: only its empty values are taken, as ignoring it would be a lie. */
export const unserved = () =>
  Type.Optional(
    Type.Union(
      [
        Type.Null(),
        Type.Literal(false),
        Type.Literal(0),
        Type.Literal(""),
        Type.Array(Type.Unknown(), { maxItems: 0 }),
      ],
      { description: "This is not served yet: leave it out" },
    ),
  );

/** What every list takes. */
export const pagination = {
  limit: optional(Type.Integer({ minimum: 0, maximum: 1000 })),
  offset: optional(exact({ minimum: 0 })),
  after_id: optional(id()),
};
