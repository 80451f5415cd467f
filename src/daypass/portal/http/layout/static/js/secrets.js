// Secrets of a page. Elements marked data-secret="name" show dots until the secret is revealed. The values are stored
// in this module only, never in the DOM while hidden, and dropped with their holder.

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

// Returns the text of an element with all secrets filled in, whether they are shown or not.
export function whole(element) {
  if (element.dataset.secret) return value(element) ?? "";
  return [...element.childNodes]
    .map((node) => (node.nodeType === Node.ELEMENT_NODE ? whole(node) : node.textContent))
    .join("");
}
