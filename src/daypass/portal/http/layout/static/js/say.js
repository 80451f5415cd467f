// Announces a text to screen readers through the page's live region.

const region = document.getElementById("say");

export function say(text) {
  // Emptied first: screen readers announce changes only, and the same text may be said twice.
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = text; });
}
