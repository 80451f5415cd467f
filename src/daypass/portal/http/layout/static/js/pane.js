// Panes are native dialogs: data-pane="id" opens one, data-close closes the enclosing one, data-open opens on load.
import { forget } from "./secrets.js";

const FIELDS = "input:not([type=hidden], :disabled), select:not(:disabled), textarea:not(:disabled)";

export function open(pane) {
  pane.showModal();
  // A read-only pane has focus on its heading; a form pane on its first field, or on the first with an error.
  const fields = `:scope > form .body :is(${FIELDS})`;
  (pane.querySelector(`${fields}[aria-invalid]`) ?? pane.querySelector(fields))?.focus();
  pane.dispatchEvent(new Event("opened"));
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-pane]");
  if (opener) {
    // The menu is hidden first: it returns focus to its button, to which the pane returns it on close.
    opener.closest("[popover]")?.hidePopover();
    const pane = document.getElementById(opener.dataset.pane);
    fill(pane, opener);
    open(pane);
  }
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
});

// data-fill-NAME on the opener fills the fields and texts called NAME in the pane.
function fill(pane, opener) {
  for (const [key, value] of Object.entries(opener.dataset)) {
    if (!key.startsWith("fill")) continue;
    const name = key.slice(4).replace(/^[A-Z]/, (letter) => letter.toLowerCase());
    for (const element of pane.querySelectorAll(`[data-name="${name}"]`)) element.textContent = value;
    const field = pane.querySelector(`[name="${name}"]`);
    if (field) { field.value = value; field.dispatchEvent(new Event("change", { bubbles: true })); }
  }
}

for (const pane of document.querySelectorAll("dialog")) {
  pane.addEventListener("close", () => forget(pane));
  if (pane.hasAttribute("data-open")) {
    pane.close();
    pane.removeAttribute("data-open");
    open(pane);
  }
}
