// Recovery links: the secret is in the fragment of the address, which is neither sent nor logged. It is taken from there
// into the form, and out of the address bar and the history.

const form = document.querySelector("form[data-recovery]");

if (form) {
  const secret = location.hash.slice(1);
  form.elements.secret.value = secret;
  if (secret) history.replaceState(null, "", location.pathname);
  form.addEventListener("submit", (event) => {
    if (form.elements.secret.value) return;
    event.preventDefault();
    form.querySelector("[data-recovery-refusal]").hidden = false;
  });
}
