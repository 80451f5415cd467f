// Display preferences: navigation collapsed or not, light or dark. Stored in cookies, so that the server renders them.

const YEAR = 365 * 24 * 60 * 60;

function remember(name, value) {
  document.cookie = `${name}=${value}; Path=/; Max-Age=${value ? YEAR : 0}; SameSite=Lax; Secure`;
}

const root = document.documentElement;
const fold = document.getElementById("fold");

fold?.addEventListener("click", () => {
  const isFolded = root.dataset.nav !== "folded";
  root.dataset.nav = isFolded ? "folded" : "open";
  fold.setAttribute("aria-expanded", String(!isFolded));
  fold.title = isFolded ? "Expand" : "Collapse";
  remember("daypass_nav", isFolded ? "folded" : "");
});

for (const choice of document.querySelectorAll("[data-theme-choice]")) {
  choice.addEventListener("click", () => {
    const theme = choice.dataset.themeChoice;
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    remember("daypass_theme", theme);
    for (const other of document.querySelectorAll("[data-theme-choice]")) {
      other.setAttribute("aria-checked", String(other === choice));
    }
  });
}
