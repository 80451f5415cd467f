// Panes are native dialogs: data-pane="id" opens one, data-close closes the one around it, data-open opens at once.
import { forget } from "./secrets.js";

const FIELDS = "input:not([type=hidden], :disabled), select:not(:disabled), textarea:not(:disabled)";

export function open(pane) {
  pane.showModal();
  // A pane to read has its heading in focus; one to fill in, its first field.
  pane.querySelector(`:scope > form .body :is(${FIELDS})`)?.focus();
  pane.dispatchEvent(new Event("opened"));
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-pane]");
  if (opener) {
    // The menu first: it gives focus back to its button, which is where the pane returns it when it closes.
    opener.closest("[popover]")?.hidePopover();
    const pane = document.getElementById(opener.dataset.pane);
    fill(pane, opener);
    open(pane);
  }
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
});

// data-fill-NAME on the opener goes into the fields and texts of the pane that are called NAME.
function fill(pane, opener) {
  for (const [key, value] of Object.entries(opener.dataset)) {
    if (!key.startsWith("fill")) continue;
    const name = key.slice(4).replace(/^[A-Z]/, (sign) => sign.toLowerCase());
    for (const place of pane.querySelectorAll(`[data-name="${name}"]`)) place.textContent = value;
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
