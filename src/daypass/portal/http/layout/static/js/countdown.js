// <time data-until="2026-11-24T12:00:00+00:00"> counts down to that time, by the server's clock.

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

// The local clock may be wrong; data-now is the server's time when it rendered the page.
const written = Date.parse(document.documentElement.dataset.now);
// Both terms of the local time are monotonic; Date.now() would jump when the clock is set.
const ahead = Number.isNaN(written) ? 0 : performance.timeOrigin + performance.now() - written;

const now = () => performance.timeOrigin + performance.now() - ahead;

function words(left, isExact) {
  if (left <= 0) return null;
  if (left >= 2 * DAY) return `${Math.floor(left / DAY)} days left`;
  if (left >= HOUR) {
    const minutes = Math.floor((left % HOUR) / MINUTE);
    return minutes ? `${Math.floor(left / HOUR)} h ${minutes} min left` : `${Math.floor(left / HOUR)} h left`;
  }
  if (!isExact && left >= MINUTE) return `${Math.floor(left / MINUTE)} min left`;
  const seconds = Math.floor((left % MINUTE) / SECOND);
  return `${Math.floor(left / MINUTE)}:${String(seconds).padStart(2, "0")} min left`;
}

export function tick() {
  for (const time of document.querySelectorAll("time[data-until]")) {
    const left = Date.parse(time.dataset.until) - now();
    const text = words(left, "exact" in time.dataset) ?? time.dataset.after ?? "Ended";
    if (time.textContent !== text) time.textContent = text;
  }
}

tick();
setInterval(tick, SECOND);
