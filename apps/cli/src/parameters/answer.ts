import type { TemplateVersionParameter } from "@berth/http-api";
import { CodedError } from "@berth/std";
import type { Pair } from "../repeatable.ts";
import type { Terminal } from "../terminal.ts";

/** Where the values of a new workspace come from. */
export interface Answers {
  readonly given: readonly Pair[];
  /** Of another workspace: taken where the template still asks for them and nothing is given. */
  readonly copied: readonly Pair[];
  /** Instead of the template's own defaults. */
  readonly defaults: readonly Pair[];
  /** Take every default without a question. */
  readonly takesDefaults: boolean;
}

/**
 * What a template asks: given values, then copied ones, then questions, then defaults.
 * @throws CodedError naming what is unknown or missing.
 */
export async function answerParameters(
  terminal: Terminal,
  template: string,
  declared: readonly TemplateVersionParameter[],
  { given, copied, defaults, takesDefaults }: Answers,
): Promise<Pair[]> {
  demandKnown(template, declared, given);
  const answers: Pair[] = [];
  for (const each of declared) {
    const known = valueOf(given, each.name) ?? (each.ephemeral ? undefined : valueOf(copied, each.name));
    const fallback = valueOf(defaults, each.name) ?? each.default_value;
    const needed = each.required && fallback === "";
    if (known !== undefined) answers.push({ name: each.name, value: known });
    else if (terminal.asksPeople && (needed || !takesDefaults))
      answers.push({ name: each.name, value: await askParameter(terminal, each, fallback) });
    else if (needed)
      throw new CodedError(
        "invalid_argument",
        `parameter "${each.name}" is required: give --parameter ${each.name}=<value>`,
      );
    else if (fallback !== each.default_value) answers.push({ name: each.name, value: fallback });
  }
  return answers;
}

const valueOf = (pairs: readonly Pair[], wanted: string) =>
  pairs.findLast(({ name }) => name === wanted)?.value;

function demandKnown(
  template: string,
  declared: readonly TemplateVersionParameter[],
  given: readonly Pair[],
): void {
  const unknown = given.filter(({ name }) => !declared.some((each) => each.name === name));
  if (unknown.length === 0) return;
  const strangers = unknown.map(({ name }) => `"${name}"`).join(", ");
  const names = declared.map(({ name }) => name).join(", ") || "none";
  throw new CodedError("invalid_argument", `${template} has no parameter ${strangers}: it has ${names}`);
}

async function askParameter(
  terminal: Terminal,
  { name, display_name, description_plaintext, options }: TemplateVersionParameter,
  fallback: string,
): Promise<string> {
  const question = [
    display_name === undefined || display_name === "" ? name : display_name,
    description_plaintext,
  ]
    .filter((part) => part !== "")
    .join(": ");
  if (options.length === 0) return terminal.ask(question, fallback === "" ? undefined : fallback);
  return terminal.choose(
    question,
    options.map((option) => ({ name: option.name, value: option.value, description: option.description })),
    fallback,
  );
}
