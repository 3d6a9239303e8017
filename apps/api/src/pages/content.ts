import { escaped } from "./layout.ts";
import { FORM_SCRIPT, HOME_SCRIPT, TOKEN_SCRIPT } from "./scripts.ts";

/** A page without its frame. */
export interface Content {
  readonly title: string;
  readonly body: string;
  readonly script?: string;
}

const field = (name: string, label: string, type: string, autocomplete: string, more = "") =>
  `<label>${label}<input name="${name}" type="${type}" autocomplete="${autocomplete}" required ${more}></label>`;

/** For a deployment that nobody owns yet. */
export function firstUserPage(next: string): Content {
  return {
    title: "Create the first user",
    body: `<h1>Create the first user</h1>
<p>Whoever is first owns this deployment and can invite the others.</p>
<form data-action="/api/v2/users/first" data-then="/api/v2/users/login" data-next="${escaped(next)}">
${field("username", "Username", "text", "username", 'maxlength="32" autofocus')}
${field("email", "E-mail", "email", "email")}
${field("password", "Password", "password", "new-password", 'minlength="8"')}
<p class="error" role="alert"></p>
<button>Create</button>
</form>`,
    script: FORM_SCRIPT,
  };
}

export function logInPage(next: string): Content {
  return {
    title: "Log in",
    body: `<h1>Log in</h1>
<p>To the workspaces of this deployment.</p>
<form data-action="/api/v2/users/login" data-next="${escaped(next)}">
${field("email", "E-mail", "email", "username", "autofocus")}
${field("password", "Password", "password", "current-password")}
<p class="error" role="alert"></p>
<button>Log in</button>
</form>`,
    script: FORM_SCRIPT,
  };
}

/** What somebody who is logged in can do next. */
export function homePage(username: string, url: string): Content {
  return {
    title: "Welcome",
    body: `<h1>Welcome, ${escaped(username)}</h1>
<p>Workspaces are made and reached from a terminal or an editor.</p>
<ol>
<li>Log in from the terminal<pre>berth login ${escaped(url)}</pre></li>
<li>Make a workspace of a template<pre>berth create dev --template local</pre></li>
<li>Work in it<pre>berth ssh dev</pre></li>
</ol>
<div class="row"><a class="button" href="/cli-auth">Show a token</a><button class="plain" id="leave">Log out</button></div>`,
    script: HOME_SCRIPT,
  };
}

/** Where editors and the terminal send people for a token. */
export function tokenPage(username: string): Content {
  return {
    title: "Your token",
    body: `<h1>Your token</h1>
<p>Paste it where you were asked for it. Whoever has it acts as ${escaped(username)}.</p>
<pre id="token" hidden aria-live="polite"></pre>
<div class="row"><button id="make">Make a token</button><button id="copy" hidden>Copy</button></div>
<p class="error" role="alert"></p>`,
    script: TOKEN_SCRIPT,
  };
}

export function notFoundPage(): Content {
  return {
    title: "Nothing here",
    body: `<h1>There is nothing here</h1>
<p>The address is wrong, or what it named is gone.</p>
<a class="button" href="/">To the start</a>`,
  };
}

export function awayPage(): Content {
  return {
    title: "One moment",
    body: `<h1>One moment</h1>
<p>The control plane cannot reach its database just now. Workspaces go on; try again in a few seconds.</p>
<a class="button" href="">Try again</a>`,
  };
}
