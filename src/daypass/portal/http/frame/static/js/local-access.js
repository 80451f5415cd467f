// Local Access Requested: Authorize counts once the page was looked at for a while, and the answer goes to a port of
// this computer and to no other host.
import { ask, Refused } from "./ask.js";

const ARMED_AFTER = 700;
const form = document.querySelector("[data-handoff]");
const cancel = document.querySelector("[data-handoff-cancel]");
const refusal = document.querySelector("[data-handoff-refusal]");

function listener(port) {
  if (!Number.isInteger(port) || port < 1024 || port > 65535) throw new Refused("That is no port of this computer.");
  return `http://127.0.0.1:${port}/`;
}

// Some clients take a visit without a token for a no; the others are left alone.
cancel.addEventListener("click", (event) => {
  if (!cancel.dataset.handoffCancel) return;
  event.preventDefault();
  location.replace(listener(Number(cancel.dataset.handoffCancel)));
});

if (form) {
  const authorize = form.querySelector("[data-handoff-authorize]");
  let timer = 0;

  const arm = (isArmed) => authorize.setAttribute("aria-disabled", String(!isArmed));

  // Only while it is seen: whoever lays something over the page, or moves it away, starts anew.
  const watch = () => {
    clearTimeout(timer);
    arm(false);
    if (document.visibilityState !== "visible" || !document.hasFocus()) return;
    timer = setTimeout(arm, ARMED_AFTER, true);
  };

  const deliver = async ({ port, token }) => {
    if (!/^[A-Za-z0-9_]+$/.test(token)) throw new Refused("The portal's answer makes no sense. Try again.");
    if (form.dataset.handoff === "visit") {
      location.replace(`${listener(port)}?t=${token}`);
      return;
    }
    try {
      await fetch(listener(port), {
        method: "POST",
        mode: "cors",
        headers: { "Content-Type": "text/plain" },
        body: token,
        targetAddressSpace: "loopback",
      });
    } catch {
      throw new Refused(
        "Your browser did not say whether the application got the answer. If the command still waits, allow this " +
          "page to reach apps on this device, or install a newer version of the command: it needs no permission.",
      );
    }
    location.replace("/app/user/verify-token/done");
  };

  authorize.addEventListener("click", async () => {
    if (authorize.getAttribute("aria-disabled") === "true") return;
    clearTimeout(timer);
    arm(false);
    refusal.hidden = true;
    try {
      await deliver(await ask(form));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refusal.textContent = error.message;
      refusal.hidden = false;
      watch();
    }
  });

  document.addEventListener("visibilitychange", watch);
  addEventListener("focus", watch);
  addEventListener("blur", watch);
  watch();
}
