// Local Access Requested: Authorize works only after the page was visible for a while, and the answer is sent to a
// port on this computer, never to another host.
import { arm, isArmed } from "./arm.js";
import { ask, Refused } from "./ask.js";

const form = document.querySelector("[data-handoff]");
const cancel = document.querySelector("[data-handoff-cancel]");
const refusal = document.querySelector("[data-handoff-refusal]");

function listener(port) {
  if (!Number.isInteger(port) || port < 1024 || port > 65535) throw new Refused("The port of the application is invalid.");
  return `http://127.0.0.1:${port}/`;
}

// Some clients treat a callback without a token as a denial; only those are called.
cancel.addEventListener("click", async (event) => {
  if (!cancel.dataset.handoffCancel) return;
  event.preventDefault();
  try {
    await ask(cancel.form);
  } catch {
    // A denial must reach the client even if the portal refused to record it or is unavailable.
  }
  location.replace(listener(Number(cancel.dataset.handoffCancel)));
});

if (form) {
  const authorize = form.querySelector("[data-handoff-authorize]");
  const arming = arm([authorize]);

  const deliver = async ({ port, token }) => {
    if (!/^[A-Za-z0-9_]+$/.test(token)) throw new Refused("The portal's answer is invalid. Try again.");
    if (form.dataset.handoff === "visit") {
      // Not replace(): if the command has ended, the browser shows an error, and Back returns to this page.
      location.assign(`${listener(port)}?t=${token}`);
      return;
    }
    try {
      await fetch(listener(port), {
        method: "POST",
        mode: "cors",
        // A content type that needs no CORS preflight request.
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
    if (!isArmed(authorize)) return;
    arming.off();
    refusal.hidden = true;
    try {
      await deliver(await ask(form));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refusal.textContent = error.message;
      refusal.hidden = false;
      arming.again();
    }
  });
}
