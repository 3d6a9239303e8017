/** Sends the form as JSON to where it says, shows what was wrong at its field, and goes on to `data-next`. */
export const FORM_SCRIPT = `
const form = document.querySelector("form");
const error = form.querySelector(".error");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  error.textContent = "";
  for (const input of form.elements) input.removeAttribute("aria-invalid");
  try {
    const fields = Object.fromEntries(new FormData(form));
    await post(form.dataset.action, fields);
    if (form.dataset.then) await post(form.dataset.then, { email: fields.email, password: fields.password });
    location.assign(form.dataset.next);
  } catch (problem) {
    error.textContent = problem.message;
    const wrong = problem.field && form.elements[problem.field];
    if (wrong) { wrong.setAttribute("aria-invalid", "true"); wrong.focus(); }
    button.disabled = false;
  }
});
async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  }).catch(() => { throw new Error("The control plane cannot be reached. Try again in a moment."); });
  if (answer.ok) return;
  const said = await answer.json().catch(() => ({ message: "The control plane answered " + answer.status + "." }));
  const [first] = said.validations || [];
  throw Object.assign(new Error(first ? first.field + ": " + first.detail : said.message), { field: first && first.field });
}
`;

/** Asks for a fresh key once the button is pressed, and copies it on demand. */
export const TOKEN_SCRIPT = `
const token = document.querySelector("#token");
const make = document.querySelector("#make");
const copy = document.querySelector("#copy");
const error = document.querySelector(".error");
make.addEventListener("click", async () => {
  make.disabled = true;
  error.textContent = "";
  const answer = await fetch("/api/v2/users/me/keys", { method: "POST" }).catch(() => undefined);
  const said = answer && await answer.json().catch(() => undefined);
  make.disabled = false;
  if (!answer || !answer.ok || !said) {
    error.textContent = (said && said.message) || "The control plane cannot be reached. Try again in a moment.";
    return;
  }
  token.textContent = said.key;
  token.hidden = false;
  copy.hidden = false;
  make.hidden = true;
  copy.focus();
});
copy.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(token.textContent);
    copy.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(token);
    copy.textContent = "Press Ctrl+C";
  }
});
make.click();
`;

/** Ends the session. */
export const HOME_SCRIPT = `
document.querySelector("#leave").addEventListener("click", async () => {
  await fetch("/api/v2/users/logout", { method: "POST" }).catch(() => undefined);
  location.assign("/");
});
`;
