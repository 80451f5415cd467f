// Tells those who listen to the page what those who look at it see.

const place = document.getElementById("say");

export function say(text) {
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}
