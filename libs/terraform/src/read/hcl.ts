/**
 * As much of HCL as it takes to find a template's variables before Terraform runs: the top level of a file is blocks, and the
 * top level of a block is attributes. What does not read as HCL is skipped here, because Terraform says it better.
 */
interface Token {
  readonly kind: "word" | "string" | "heredoc" | "newline" | "mark";
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A block at the top of a file. */
export interface HclBlock {
  readonly type: string;
  readonly labels: readonly string[];
  /** Attributes at the top of the block: the source text of each expression. */
  readonly attributes: ReadonlyMap<string, string>;
}

const OPENING = new Set(["{", "[", "("]);
const CLOSING = new Set(["}", "]", ")"]);

/** The blocks at the top of a file. */
export function readBlocks(source: string): HclBlock[] {
  const tokens = [...lex(source)];
  const blocks: HclBlock[] = [];
  let at = 0;
  while (at < tokens.length) {
    const header: Token[] = [];
    for (
      let token = tokens[at];
      token !== undefined && (token.kind === "word" || token.kind === "string");
      token = tokens[at]
    ) {
      header.push(token);
      at += 1;
    }
    const [type, ...labels] = header;
    if (type?.kind !== "word" || tokens[at]?.text !== "{") {
      at += 1;
      continue;
    }
    const end = closingOf(tokens, at);
    const attributes = readAttributes(source, tokens.slice(at + 1, end));
    blocks.push({ type: type.text, labels: labels.map(({ text }) => readLiteral(text) ?? text), attributes });
    at = end + 1;
  }
  return blocks;
}

/** The text of a string literal or a heredoc without interpolation; undefined for any other expression. */
export function readLiteral(expression: string): string | undefined {
  const heredoc = /^<<(-?)([\w-]+)\r?\n([\s\S]*?)(?:\n)?[ \t]*\2$/.exec(expression);
  if (heredoc?.[3] !== undefined) return heredoc[1] === "-" ? outdent(heredoc[3]) : heredoc[3];
  if (!/^"(?:[^"\\]|\\.)*"$/.test(expression)) return undefined;
  const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
  return expression
    .slice(1, -1)
    .replaceAll(
      /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/g,
      (_, short?: string, long?: string, plain?: string) =>
        plain === undefined
          ? String.fromCodePoint(parseInt(short ?? long ?? "0", 16))
          : (escapes[plain] ?? plain),
    )
    .replaceAll(/([$%])\1\{/g, "$1{");
}

/** A text as a string literal. */
export function writeLiteral(text: string): string {
  const quoted = JSON.stringify(text).replaceAll("\\b", "\\u0008").replaceAll("\\f", "\\u000c");
  return quoted.replaceAll(/([$%])\{/g, "$1$1{");
}

function readAttributes(source: string, tokens: readonly Token[]): Map<string, string> {
  const attributes = new Map<string, string>();
  let at = 0;
  while (at < tokens.length) {
    const [name, equals] = [tokens[at], tokens[at + 1]];
    if (name?.kind === "word" && equals?.text === "=") {
      const end = endOfExpression(tokens, at + 2);
      const [first, last] = [tokens[at + 2], tokens[end - 1]];
      if (first !== undefined && last !== undefined)
        attributes.set(name.text, source.slice(first.start, last.end));
      at = end + 1;
      continue;
    }
    at = OPENING.has(name?.text ?? "") ? closingOf(tokens, at) + 1 : at + 1;
  }
  return attributes;
}

/** Index of the newline that ends the expression: newlines inside brackets do not. */
function endOfExpression(tokens: readonly Token[], from: number): number {
  let at = from;
  while (at < tokens.length && tokens[at]?.kind !== "newline")
    at = OPENING.has(tokens[at]?.text ?? "") ? closingOf(tokens, at) + 1 : at + 1;
  return Math.min(at, tokens.length);
}

/** Index of the bracket that closes the one at `open`, or the end. */
function closingOf(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token?.kind !== "mark") continue;
    if (OPENING.has(token.text)) depth += 1;
    if (CLOSING.has(token.text)) depth -= 1;
    if (depth === 0) return at;
  }
  return tokens.length;
}

const SPACE = /[ \t\r]+/y;
const COMMENT = /#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const WORD = /[\p{L}\p{N}_][\p{L}\p{N}_.-]*/uy;
const HEREDOC = /<<-?([\w-]+)\r?\n/y;

function* lex(source: string): Generator<Token> {
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  while (at < source.length) {
    const skipped = match(SPACE) ?? match(COMMENT);
    if (skipped !== undefined) {
      at += skipped.length;
      continue;
    }
    const token = tokenAt(source, at, match);
    at = token.end;
    yield token;
  }
}

function tokenAt(source: string, start: number, match: (pattern: RegExp) => string | undefined): Token {
  const make = (kind: Token["kind"], end: number): Token => ({
    kind,
    text: source.slice(start, end),
    start,
    end,
  });
  if (source[start] === "\n") return make("newline", start + 1);
  if (source[start] === '"') return make("string", endOfString(source, start));
  const heredoc = match(HEREDOC);
  if (heredoc !== undefined) return make("heredoc", endOfHeredoc(source, start, heredoc));
  const word = match(WORD);
  return word === undefined ? make("mark", start + 1) : make("word", start + word.length);
}

function endOfHeredoc(source: string, start: number, opening: string): number {
  const word = opening.replace(/^<<-?/, "").trim();
  const closing = new RegExp(`^[ \\t]*${word}[ \\t]*\\r?$`, "gm");
  closing.lastIndex = start + opening.length;
  const found = closing.exec(source);
  return found === null ? source.length : found.index + found[0].trimEnd().length;
}

/** Behind the closing quote; an interpolation may hold quotes of its own. */
function endOfString(source: string, start: number): number {
  let at = start + 1;
  while (at < source.length) {
    if (source[at] === "\\") at += 2;
    else if (source[at] === '"') return at + 1;
    else if (/^(?:\$\$|%%)\{/.test(source.slice(at, at + 3))) at += 3;
    else if (/^[$%]\{/.test(source.slice(at, at + 2))) at = endOfInterpolation(source, at + 2);
    else at += 1;
  }
  return source.length;
}

function endOfInterpolation(source: string, start: number): number {
  let depth = 1;
  let at = start;
  while (at < source.length && depth > 0) {
    if (source[at] === '"') {
      at = endOfString(source, at);
      continue;
    }
    if (source[at] === "{") depth += 1;
    if (source[at] === "}") depth -= 1;
    at += 1;
  }
  return at;
}

function outdent(text: string): string {
  const indents = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.length - line.trimStart().length);
  const indent = Math.min(...indents, Infinity);
  return text
    .split("\n")
    .map((line) => line.slice(Number.isFinite(indent) ? indent : 0))
    .join("\n");
}
