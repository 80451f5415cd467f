// data-copy="text" copies that text; data-copy-from="id" copies the text of that element, secrets included.
import { say } from "./say.js";
import { whole } from "./secrets.js";

const SHOWN_FOR = 2000;

export function shown(button) {
  button.classList.add("copied");
  say("Copied");
  setTimeout(() => button.classList.remove("copied"), SHOWN_FOR);
}

export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    shown(button);
  } catch {
    say("The browser blocked copying. Select the text and copy it manually.");
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const from = button.dataset.copyFrom;
  copy(from ? whole(document.getElementById(from)) : button.dataset.copy, button);
});
