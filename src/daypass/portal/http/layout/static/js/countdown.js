// <time data-until="2026-11-24T12:00:00+00:00"> says how long it is until then, by the server's clock.

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

// The person's own clock may be wrong; the page says when the server wrote it.
const written = Date.parse(document.documentElement.dataset.now);
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
  for (const place of document.querySelectorAll("time[data-until]")) {
    const left = Date.parse(place.dataset.until) - now();
    const text = words(left, "exact" in place.dataset) ?? place.dataset.after ?? "Ended";
    if (place.textContent !== text) place.textContent = text;
  }
}

tick();
setInterval(tick, SECOND);
