import type { Environment } from "./environment.ts";
import { KNOWN_PREFIXES, KNOWN_VARIABLES } from "./known.ts";
import { nearest } from "./nearest.ts";
import type { Field } from "./section.ts";

// Kubernetes sets these in every pod beside a service named `coder`: CODER_SERVICE_HOST, CODER_PORT_80_TCP_ADDR …
const KUBERNETES_LINK =
  /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?)$/;

/** One sentence for each CODER_ variable that nothing reads, with the name that was probably meant. */
export function unknownVariables(
  env: Environment,
  fields: readonly Field<unknown>[],
  alsoKnown: readonly string[],
): readonly string[] {
  const here = fields.flatMap((field) =>
    [field.variable, ...field.aliases].flatMap((name) =>
      field.kind === "secret" ? [name, `${name}_FILE`] : [name],
    ),
  );
  const known = new Set([...here, ...alsoKnown, ...KNOWN_VARIABLES]);
  return Object.keys(env)
    .filter((name) => name.startsWith("CODER_") && env[name] !== "" && !isKnown(name, known))
    .map((name) => {
      const near = nearest(name, known);
      return `${name} is set, but nothing reads it${near === undefined ? "" : `; did you mean ${near}?`}`;
    });
}

function isKnown(name: string, known: ReadonlySet<string>): boolean {
  return (
    known.has(name) || KUBERNETES_LINK.test(name) || KNOWN_PREFIXES.some((prefix) => name.startsWith(prefix))
  );
}
