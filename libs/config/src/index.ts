export { type Field, type KindName, type Section, merge, section } from "./section.ts";
export {
  type Address,
  address,
  choice,
  count,
  duration,
  flag,
  list,
  path,
  secret,
  tags,
  text,
  url,
  type DeclareField,
  type FieldOptions,
} from "./kinds.ts";
export { type Parsed, type Sources, type ValuesOf, parse } from "./parse.ts";
export { ConfigError, type Mistake } from "./mistake.ts";
export { type Environment, environment, programArguments } from "./environment.ts";
export { type Row, describe, helpText, readmeTable } from "./describe.ts";
