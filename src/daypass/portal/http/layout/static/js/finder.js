// A combobox for lists too long to show: its options come from the server, at data-finder="address?q=".

async function offersFor(field) {
  const answer = await fetch(`${field.dataset.finder}?q=${encodeURIComponent(field.value)}`, {
    headers: { Accept: "application/json" },
  });
  return answer.ok ? (await answer.json()).offers : [];
}

function offer(list, value, label, number) {
  const item = document.createElement("li");
  item.setAttribute("role", "option");
  item.id = `${list.id}-${number}`;
  item.dataset.value = value;
  item.textContent = label;
  list.append(item);
}

function attach(field) {
  const list = document.getElementById(field.getAttribute("aria-controls"));
  const options = () => [...list.querySelectorAll('[role="option"]')];
  let asked = 0;

  const mark = (chosen) => {
    for (const option of options()) option.setAttribute("aria-selected", String(option === chosen));
    if (chosen) { field.setAttribute("aria-activedescendant", chosen.id); chosen.scrollIntoView({ block: "nearest" }); }
    else field.removeAttribute("aria-activedescendant");
  };
  const close = () => { list.hidden = true; field.setAttribute("aria-expanded", "false"); mark(null); };
  const take = (option) => {
    field.form.elements[field.dataset.into].value = option.dataset.value;
    field.value = option.textContent;
    close();
    field.form.requestSubmit();
  };
  const look = async () => {
    const mine = ++asked;
    const found = await offersFor(field);
    // A later request makes this answer stale.
    if (mine !== asked) return;
    list.replaceChildren();
    found.forEach(({ value, label }, number) => offer(list, value, label, number));
    if (!found.length) {
      const nothing = document.createElement("li");
      nothing.className = "nothing";
      nothing.textContent = "No matches";
      list.append(nothing);
    }
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
  };

  field.addEventListener("input", look);
  field.addEventListener("focus", () => { field.select(); look(); });
  field.addEventListener("blur", () => setTimeout(close, 150));
  // Not on click: by then the field has lost its focus, and the list may be closed.
  list.addEventListener("pointerdown", (event) => {
    const option = event.target.closest('[role="option"]');
    if (option) { event.preventDefault(); take(option); }
  });
  field.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) { event.preventDefault(); mark(all[(at + step + all.length) % all.length]); }
    if (event.key === "Escape") close();
    if (event.key === "Enter") { event.preventDefault(); if (all.length) take(all[Math.max(at, 0)]); }
  });
}

for (const field of document.querySelectorAll("[data-finder]")) attach(field);
