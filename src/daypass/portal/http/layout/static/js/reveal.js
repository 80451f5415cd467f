// data-reveal shows and hides the secrets of the enclosing holder. A holder without secrets fetches them first with
// the form that its data-secrets names.
import { ask, Refused } from "./ask.js";
import { copy } from "./copy.js";
import { say } from "./say.js";
import { has, keep, show, whole } from "./secrets.js";

const holderOf = (element) => element.closest("[data-secrets]") ?? element.closest("dialog");

async function obtain(holder) {
  const form = document.getElementById(holder.dataset.secrets);
  if (has(holder) || !form) return true;
  try {
    keep(holder, (await ask(form)).secrets);
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const refusal = holder.querySelector("[data-refusal]");
    if (refusal) { refusal.textContent = error.message; refusal.hidden = false; }
    say(error.message);
    return false;
  }
}

document.addEventListener("click", async (event) => {
  const eye = event.target.closest("[data-reveal]");
  if (eye) {
    const holder = holderOf(eye);
    const isShown = eye.getAttribute("aria-pressed") !== "true";
    if (isShown && !(await obtain(holder))) return;
    eye.setAttribute("aria-pressed", String(isShown));
    show(holder, isShown);
    return;
  }
  const button = event.target.closest("[data-copy-secret]");
  if (button && (await obtain(holderOf(button)))) copy(whole(document.getElementById(button.dataset.copySecret)), button);
});

for (const pane of document.querySelectorAll("dialog")) {
  pane.addEventListener("close", () => {
    for (const eye of pane.querySelectorAll("[data-reveal]")) eye.setAttribute("aria-pressed", "false");
  });
}
