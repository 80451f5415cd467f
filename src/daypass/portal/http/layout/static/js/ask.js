// Submits a form by fetch and returns the JSON answer; throws Refused with the portal's reason, or without an answer.

const STEP_UP_CODES = ["fresh_sign_in_needed", "insufficient_user_authentication"];
const NO_ANSWER = "The portal did not answer. Try again in a moment.";

export class Refused extends Error {}

// Goes to a page that redirects back to this one; the promise never resolves, because the page is left.
function leaveFor(address) {
  location.assign(`${address}?next=${encodeURIComponent(location.pathname + location.search)}`);
  return new Promise(() => {});
}

export async function ask(form, more = {}, address = form.action) {
  const answer = await fetch(address, {
    method: "POST",
    body: new URLSearchParams([...new FormData(form), ...Object.entries(more)]),
    headers: { Accept: "application/json" },
  }).catch(() => {
    // fetch fails only if there is no response at all; its own message is for developers.
    throw new Refused(NO_ANSWER);
  });
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401) return leaveFor("/sign-in");
  if (STEP_UP_CODES.includes(problem.code)) return leaveFor("/confirm");
  throw new Refused(problem.detail ?? NO_ANSWER);
}
