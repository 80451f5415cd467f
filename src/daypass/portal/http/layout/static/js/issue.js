// A form with data-issues="pane" is submitted by script: the pane opens at once and is filled with the answer.
import { ask, Refused } from "./ask.js";
import { copy } from "./copy.js";
import { tick } from "./countdown.js";
import { open } from "./pane.js";
import { keep } from "./secrets.js";
import { say } from "./say.js";

const part = (pane, name) => pane.querySelector(`[data-${name}]`);

function empty(pane) {
  part(pane, "given").hidden = true;
  part(pane, "when-given")?.setAttribute("hidden", "");
  part(pane, "refusal").hidden = true;
  for (const element of pane.querySelectorAll("[data-fill]")) element.textContent = "";
  for (const element of pane.querySelectorAll("[data-until-of]")) {
    delete element.dataset.until;
    element.textContent = "Loading…";
  }
}

function fill(pane, issued) {
  keep(pane, issued.secrets);
  for (const element of pane.querySelectorAll("[data-fill]")) element.textContent = issued[element.dataset.fill];
  for (const element of pane.querySelectorAll("[data-until-of]")) {
    element.dataset.until = issued.until;
    element.title = new Date(issued.until).toUTCString().replace("GMT", "UTC");
  }
  tick();
  part(pane, "given").hidden = false;
  part(pane, "when-given")?.removeAttribute("hidden");
}

function refuse(pane, sentence) {
  const notice = part(pane, "refusal");
  notice.textContent = sentence;
  notice.hidden = false;
  for (const time of pane.querySelectorAll("[data-until-of]")) time.textContent = "Not issued";
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.issues) return;
  event.preventDefault();
  const pane = document.getElementById(form.dataset.issues);
  form.closest("[popover]")?.hidePopover();
  empty(pane);
  open(pane);
  try {
    const issued = await ask(form);
    // If the pane was closed meanwhile, the secrets are dropped.
    if (!pane.open) return;
    fill(pane, issued);
    if (issued.secrets.console_url) await copy(issued.secrets.console_url, part(pane, "copied-note"));
    else say("Credentials are ready.");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refuse(pane, error.message);
  }
});

for (const form of document.querySelectorAll("[data-issues]")) {
  const pane = document.getElementById(form.dataset.issues);
  pane.addEventListener("close", () => empty(pane));
}
