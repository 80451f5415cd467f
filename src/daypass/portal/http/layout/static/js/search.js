// "/" focuses the search field of the page. data-search="id" filters the rows of that table as the user types.

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, dialog, [popover]")) return;
  const field = document.querySelector(".search .input");
  if (field) { event.preventDefault(); field.focus(); }
});

for (const field of document.querySelectorAll("[data-search]")) {
  const table = document.getElementById(field.dataset.search);
  const rows = [...table.tBodies[0].rows];
  const nothing = document.getElementById(`${field.dataset.search}-nothing`);
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) found += 1;
    }
    if (nothing) nothing.hidden = found > 0;
  });
}
