/** POSIX classes as they stand inside brackets. */
const CLASSES: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7f",
  blank: "\\t ",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-/:-@[-`{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

/**
 * A regular expression in Go's dialect, in which templates are written. Undefined when it is none, or uses what cannot be said
 * here (`(?U)`, negated POSIX classes).
 */
export function goPattern(source: string): RegExp | undefined {
  const [, flags = "", rest = source] = /^\(\?([ims]+)\)([^]*)$/.exec(source) ?? [];
  try {
    return new RegExp(translated(rest), `${flags}u`);
  } catch {
    return undefined; // the caller says so
  }
}

/** What Go writes in another way: quoted text, properties, escapes, classes and their brackets, named groups. */
const PIECE =
  /\\Q(?<quoted>[^]*?)(?:\\E|$)|\\p(?:(?<letter>[A-Z])|\{(?<property>\w+)\})|\\(?<escaped>[^])|\[:(?<posix>\^?\w+):\]|(?<bracket>\[\^?\]?|\])|\(\?P</g;

function translated(source: string): string {
  let isInClass = false;
  const pieces: string[] = [];
  let at = 0;
  for (const { 0: piece, index, groups = {} } of source.matchAll(PIECE)) {
    pieces.push(source.slice(at, index));
    at = index + piece.length;
    if (groups["posix"] !== undefined) {
      pieces.push((isInClass ? CLASSES[groups["posix"]] : undefined) ?? "\\8"); // and what is none leaves no expression
      continue;
    }
    const bracket = groups["bracket"];
    if (bracket === undefined) pieces.push(pieceOf(groups, isInClass));
    else if (isInClass && bracket !== "]") pieces.push(bracket.replaceAll(/[[\]]/g, "\\$&"));
    else {
      isInClass = bracket !== "]";
      pieces.push(isInClass ? bracket.replace("]", "\\]") : bracket);
    }
  }
  return pieces.join("") + source.slice(at);
}

function pieceOf(groups: Readonly<Record<string, string | undefined>>, isInClass: boolean): string {
  const { quoted, letter, property, escaped } = groups;
  if (quoted !== undefined) return literal(quoted);
  if (letter !== undefined) return `\\p{${letter}}`;
  if (property !== undefined) return `\\p{${property.length > 2 ? "Script=" : ""}${property}}`;
  if (escaped === undefined) return isInClass ? "(?P<" : "(?<";
  const renamed = { A: "(?<![^])", z: "(?![^])", a: "\\x07" }[escaped];
  if (renamed !== undefined) return renamed;
  return /[A-Za-z\d^$\\.*+?()[\]{}|/]/.test(escaped) ? `\\${escaped}` : literal(escaped);
}

/** A text that stands for itself, in a class as well. */
function literal(text: string): string {
  return text.replaceAll(/\W/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ""}}`);
}
