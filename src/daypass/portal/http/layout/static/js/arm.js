// Clickjacking protection: buttons work only after the page has been visible and focused for a while; covering or
// leaving the page restarts the delay. The server enforces the same minimum.

// In milliseconds. The server's minimum is in identity/oauth/model.py (MIN_VIEW_TIME) and
// http/legacy/local_access.py.
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
