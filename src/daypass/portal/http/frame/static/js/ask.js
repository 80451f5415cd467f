// Asks the portal on behalf of a form, and gets JSON.

export class Refused extends Error {}

export async function ask(form, more = {}) {
  const answer = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams([...new FormData(form), ...Object.entries(more)]),
    headers: { Accept: "application/json" },
  });
  if (answer.ok) return answer.json();
  if (answer.status === 401) {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    return new Promise(() => {});
  }
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(problem.detail ?? "The portal did not answer. Try again in a moment.");
}
