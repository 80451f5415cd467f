// Buttons that count only once the page was looked at for a while: whoever lays something over it, or moves it away,
// starts anew. The server holds to the same.

const ARMED_AFTER = 700;

export function armed(buttons) {
  let timer = 0;
  const set = (isArmed) => {
    for (const button of buttons) button.setAttribute("aria-disabled", String(!isArmed));
  };
  const watch = () => {
    clearTimeout(timer);
    set(false);
    if (document.visibilityState !== "visible" || !document.hasFocus()) return;
    timer = setTimeout(set, ARMED_AFTER, true);
  };
  document.addEventListener("visibilitychange", watch);
  addEventListener("focus", watch);
  addEventListener("blur", watch);
  watch();
  return watch;
}

export function isArmed(button) {
  return button.getAttribute("aria-disabled") !== "true";
}
