// Form behaviour: data-submit submits the form when its control changes; data-when="field value" shows a part of it
// only while that field has that value, and data-keeps submits its controls even then; a form is not submitted twice.

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  for (const part of document.querySelectorAll("[data-when]")) settle(part);
});

function settle(part) {
  const [name, ...values] = part.dataset.when.split(" ");
  const field = part.closest("form").elements[name];
  const fits = values.includes(field.value) && !field.disabled;
  part.hidden = !fits;
  if ("keeps" in part.dataset) return;
  // A hidden control must neither be submitted nor block submission by its validation.
  for (const control of part.querySelectorAll("input, select, textarea")) control.disabled = !fits;
}

// In document order, so that a part may depend on an earlier one.
for (const part of document.querySelectorAll("[data-when]")) settle(part);

document.addEventListener("submit", (event) => {
  const form = event.target;
  // A form that opens a new tab or is submitted by script may be submitted again from the same page.
  if (form.target === "_blank" || form.dataset.issues || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});

// A job that takes several requests continues by itself while its page is open.
document.querySelector("form[data-goes-on]")?.requestSubmit();

// The browser may restore the page from its cache when the user goes back, with the forms marked as sent.
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
