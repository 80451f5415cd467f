// Buttons that count only once the page was looked at for a while: whoever lays something over it, or moves it away,
// starts anew. The server holds to the same.

const ARMED_AFTER = 700;

export function arm(buttons) {
  let timer = 0;
  const set = (isArmed) => {
    for (const button of buttons) button.setAttribute("aria-disabled", String(!isArmed));
  };
  const off = () => {
    clearTimeout(timer);
    set(false);
  };
  const again = () => {
    off();
    if (document.visibilityState === "visible" && document.hasFocus()) timer = setTimeout(set, ARMED_AFTER, true);
  };
  document.addEventListener("visibilitychange", again);
  addEventListener("focus", again);
  addEventListener("blur", again);
  again();
  return { off, again };
}

export function isArmed(button) {
  return button.getAttribute("aria-disabled") !== "true";
}
