// Announces a text to screen readers through the page's live region.

const region = document.getElementById("say");

export function say(text) {
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = text; });
}
