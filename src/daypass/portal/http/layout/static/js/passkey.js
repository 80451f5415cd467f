// Passkeys: a form with data-passkey="create" or "get" is submitted with the answer of the browser's authenticator. The
// options are in data-passkey-options, or are fetched from data-passkey-from.
import { ask, Refused } from "./ask.js";

const NO_PASSKEYS =
  "This browser has no passkeys here. Use a current browser, and the https address of the portal with its host name.";

const REASONS = {
  NotAllowedError: "No passkey was used: the prompt was cancelled or timed out, or this device has none of yours. Try again.",
  InvalidStateError: "This device has one of your passkeys already. Use another device.",
  SecurityError: "The browser does not allow passkeys at this address. Use the portal's own address.",
  ConstraintError: "This device cannot verify that it is you. Set up a screen lock or PIN, or use another device.",
  NotSupportedError: "This device cannot make such a passkey. Use another device.",
};

function bytes(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
}

function text(buffer) {
  const signs = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(signs).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

const descriptors = (list) => list.map((one) => ({ ...one, id: bytes(one.id) }));

async function create(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: descriptors(options.excludeCredentials),
  };
  return answer(await navigator.credentials.create({ publicKey }), ["clientDataJSON", "attestationObject"]);
}

async function get(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: descriptors(options.allowCredentials),
  };
  const members = ["clientDataJSON", "authenticatorData", "signature", "userHandle"];
  return answer(await navigator.credentials.get({ publicKey }), members);
}

function answer(credential, members) {
  const response = {};
  for (const member of members) {
    const value = credential.response[member];
    if (value) response[member] = text(value);
  }
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
}

async function submit(form) {
  if (!window.PublicKeyCredential || !navigator.credentials) throw new Refused(NO_PASSKEYS);
  const { passkey, passkeyOptions, passkeyFrom } = form.dataset;
  const begun = passkeyOptions ? { handle: "", options: JSON.parse(passkeyOptions) } : await ask(form, {}, passkeyFrom);
  form.elements.answer.value = await (passkey === "create" ? create : get)(begun.options);
  form.elements.handle.value = begun.handle;
  // Not requestSubmit(), which would come back here.
  form.submit();
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const refusal = form.querySelector("[data-passkey-refusal]");
  let isBusy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    refusal.hidden = true;
    try {
      await submit(form);
    } catch (error) {
      const reason = error instanceof Refused ? error.message : REASONS[error.name];
      if (!reason) throw error;
      refusal.textContent = reason;
      refusal.hidden = false;
    } finally {
      isBusy = false;
    }
  });
}
