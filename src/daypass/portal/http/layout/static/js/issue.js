// A form with data-issues="pane" is asked by script: the pane opens at once, and what was issued goes into it.
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
  for (const place of pane.querySelectorAll("[data-fill]")) place.textContent = "";
  for (const place of pane.querySelectorAll("[data-until-of]")) {
    delete place.dataset.until;
    place.textContent = "One moment…";
  }
}

function fill(pane, issued) {
  keep(pane, issued.secrets);
  for (const place of pane.querySelectorAll("[data-fill]")) place.textContent = issued[place.dataset.fill];
  for (const place of pane.querySelectorAll("[data-until-of]")) {
    place.dataset.until = issued.until;
    place.title = new Date(issued.until).toUTCString().replace("GMT", "UTC");
  }
  tick();
  part(pane, "given").hidden = false;
  part(pane, "when-given")?.removeAttribute("hidden");
}

function refuse(pane, sentence) {
  const place = part(pane, "refusal");
  place.textContent = sentence;
  place.hidden = false;
  for (const time of pane.querySelectorAll("[data-until-of]")) time.textContent = "Not given";
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
    // Closed meanwhile: nobody is there to see it, so it stays nowhere.
    if (!pane.open) return;
    fill(pane, issued);
    if (issued.secrets.console_url) await copy(issued.secrets.console_url, part(pane, "copied-note"));
    else say("Here they are.");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refuse(pane, error.message);
  }
});

for (const form of document.querySelectorAll("[data-issues]")) {
  const pane = document.getElementById(form.dataset.issues);
  pane.addEventListener("close", () => empty(pane));
}
