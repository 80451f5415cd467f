// Secrets that a page was given: each stands in elements marked data-secret="name", as dots until it is shown.
// They are kept here and nowhere in the page, and forgotten with what held them.

const DOTS = "•".repeat(10);
const kept = new WeakMap();

const slots = (holder) => holder.querySelectorAll("[data-secret]");

function value(slot) {
  for (let holder = slot; holder; holder = holder.parentElement) {
    const known = kept.get(holder)?.[slot.dataset.secret];
    if (known !== undefined) return known;
  }
  return null;
}

export function keep(holder, values) {
  kept.set(holder, values);
}

export function has(holder) {
  return kept.has(holder);
}

export function show(holder, isShown) {
  for (const slot of slots(holder)) slot.textContent = (isShown && value(slot)) || DOTS;
}

export function forget(holder) {
  kept.delete(holder);
  show(holder, false);
}

// The text of an element with every secret in its place, whether shown or not.
export function whole(element) {
  if (element.dataset.secret) return value(element) ?? "";
  return [...element.childNodes]
    .map((node) => (node.nodeType === Node.ELEMENT_NODE ? whole(node) : node.textContent))
    .join("");
}
