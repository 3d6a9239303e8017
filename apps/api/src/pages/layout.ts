/** Text inside of HTML. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export interface Page {
  readonly title: string;
  /** HTML whose variable parts are escaped. */
  readonly body: string;
  /** What runs in the browser. */
  readonly script?: string;
  /** Lets exactly our style and script in, and nothing else. */
  readonly nonce: string;
}

export function layout({ title, body, script, nonce }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)} · Berth</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<main>
<header><span class="mark" aria-hidden="true"></span><span>Berth</span></header>
${body}
</main>
${script === undefined ? "" : `<script nonce="${nonce}">${script}</script>`}
</body>
</html>
`;
}

/** What a page may load: itself. */
export function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "img-src data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

const STYLE = `
:root {
  --ground: #f4f6f8; --card: #ffffff; --ink: #17202a; --soft: #5b6875; --line: #d5dce3; --accent: #0b6e6e;
  --accent-ink: #ffffff; --bad: #b3261e; --code: #eef2f5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1418; --card: #171e24; --ink: #e6ecf1; --soft: #93a1ae; --line: #2b353e; --accent: #4fc3bd;
    --accent-ink: #06201f; --bad: #ff8a80; --code: #10161b;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0; min-height: 100vh; display: grid; grid-template-columns: minmax(0, 27rem); place-content: center; padding: 1.5rem 1rem;
  background: var(--ground); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif;
}
main {
  background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: clamp(1.25rem, 5vw, 2.25rem);
}
header { display: flex; align-items: center; gap: .6rem; font-weight: 650; letter-spacing: .01em; }
.mark { width: 1.5rem; height: 1.5rem; border-radius: 7px; background: var(--accent); position: relative; }
.mark::after {
  content: ""; position: absolute; inset: 28% 22% 24%; border: 2px solid var(--accent-ink); border-top: 0;
  border-radius: 0 0 6px 6px;
}
h1 { overflow-wrap: anywhere; font-size: 1.35rem; line-height: 1.25; margin: 1.5rem 0 .35rem; }
p { margin: .35rem 0 1rem; color: var(--soft); }
form { display: grid; gap: .9rem; margin-top: 1.25rem; }
label { display: grid; gap: .3rem; font-weight: 550; font-size: .92rem; }
input {
  font: 400 1rem/1.5 system-ui, sans-serif; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: 8px;
  padding: .6rem .7rem; width: 100%;
}
input[aria-invalid="true"] { border-color: var(--bad); }
button, a.button {
  font: inherit; font-weight: 600; border: 0; border-radius: 8px; padding: .65rem 1rem; cursor: pointer;
  background: var(--accent); color: var(--accent-ink); text-align: center; text-decoration: none; display: inline-block;
}
button.plain { background: none; color: var(--soft); padding: .65rem 0; font-weight: 500; text-decoration: underline; }
button[disabled] { opacity: .6; cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.error { color: var(--bad); margin: 0; min-height: 1.55em; font-size: .92rem; }
code, pre { font: .9rem/1.5 ui-monospace, monospace; background: var(--code); border-radius: 8px; }
code { padding: .1rem .35rem; }
pre { padding: .8rem .9rem; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); margin: 0 0 1rem; user-select: all; }
.row { display: flex; gap: .75rem; flex-wrap: wrap; align-items: center; }
ol { padding-left: 1.2rem; color: var(--soft); }
ol li { margin: .6rem 0; }
ol pre { margin: .35rem 0 0; color: var(--ink); }
`;
