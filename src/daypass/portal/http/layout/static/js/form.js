// Small help for forms: data-submit sends one when its choice changes; data-when="field value" shows a part of it
// only while that field has that value; a form that was sent is not sent twice.

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  for (const part of document.querySelectorAll("[data-when]")) settle(part);
});

function settle(part) {
  const [name, ...values] = part.dataset.when.split(" ");
  const field = part.closest("form").elements[name];
  const fits = values.includes(field.value) && !field.disabled;
  part.hidden = !fits;
  // What is not shown is not sent either, and must not keep the form from being sent.
  for (const control of part.querySelectorAll("input, select, textarea")) control.disabled = !fits;
}

// In the order of the page, so that a part may depend on another part.
for (const part of document.querySelectorAll("[data-when]")) settle(part);

document.addEventListener("submit", (event) => {
  const form = event.target;
  // What opens a tab, or is asked by script, may be sent again from the same page.
  if (form.target === "_blank" || form.dataset.issues || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});

// What takes longer than one request goes on by itself, as long as its page is open.
document.querySelector("form[data-goes-on]")?.requestSubmit();

addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
