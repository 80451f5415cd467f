// The consent for the CLI: the answer is sent to a port on this computer, never to another host. Without script the
// same form leads to a page that shows the code.
import { arm, isArmed } from "./arm.js";
import { ask, Refused } from "./ask.js";

const form = document.querySelector("[data-consent]");
const refusal = document.querySelector("[data-consent-refusal]");
const arming = arm(form.querySelectorAll("[data-armed]"));

function listener(redirect) {
  const url = new URL(redirect);
  const port = Number(url.port);
  const fits = url.protocol === "http:" && url.hostname === "127.0.0.1" && url.pathname.startsWith("/cb/");
  if (!fits || url.username || url.password || !Number.isInteger(port) || port < 1024 || port > 65535) {
    throw new Refused("The portal's answer points to another computer, so it was ignored.");
  }
  // Built anew from checked parts; the answer's own text is never an address to go to.
  return `http://127.0.0.1:${port}${url.pathname}${url.search}`;
}

async function answer(button) {
  arming.off();
  refusal.hidden = true;
  try {
    const { redirect } = await ask(form, { answer: button.value, by: "script" });
    // Not replace(): if the command has ended, the browser shows an error, and Back returns to the instructions.
    location.assign(listener(redirect));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refusal.textContent = error.message;
    refusal.hidden = false;
    arming.again();
  }
}

// In the capture phase, before the listener in form.js, which would mark the form as sent.
addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.target !== form || !button) return;
  if (!isArmed(button)) {
    event.preventDefault();
    return;
  }
  // The code to paste is shown on a page of its own.
  if (form.dataset.consent !== "loopback" || button.value === "paste") return;
  event.preventDefault();
  answer(button);
}, { capture: true });
