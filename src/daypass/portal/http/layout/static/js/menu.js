// Keyboard navigation of menus. Opening and closing is native: each is a popover.

const items = (menu) => [...menu.querySelectorAll('[role^="menuitem"]')];

function step(list, key) {
  const at = list.indexOf(document.activeElement);
  switch (key) {
    case "ArrowDown": return (at + 1) % list.length;
    case "ArrowUp": return (at - 1 + list.length) % list.length;
    case "Home": return 0;
    case "End": return list.length - 1;
    default: return letter(list, key, at);
  }
}

// A letter moves focus to the next entry that begins with it.
function letter(list, key, at) {
  if (key.length !== 1 || key === " ") return -1;
  const begins = (index) => list[index].textContent.trim().toLowerCase().startsWith(key.toLowerCase());
  for (let away = 1; away <= list.length; away += 1) {
    const index = (at + away) % list.length;
    if (begins(index)) return index;
  }
  return -1;
}

for (const menu of document.querySelectorAll('[role="menu"]')) {
  const opener = document.querySelector(`[popovertarget="${menu.id}"]`);
  let closing;
  // A pending close of an earlier click must not close a menu that was reopened meanwhile.
  menu.addEventListener("beforetoggle", (event) => {
    if (event.newState === "open") clearTimeout(closing);
  });
  menu.addEventListener("toggle", (event) => {
    const isOpen = event.newState === "open";
    opener?.setAttribute("aria-expanded", String(isOpen));
    // The event may be late: by then the user may have chosen an entry, and a pane may be open.
    if (isOpen && menu.matches(":popover-open") && !menu.contains(document.activeElement)) items(menu)[0]?.focus();
  });
  menu.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Tab") { menu.hidePopover(); return; }
    const list = items(menu);
    const next = step(list, event.key);
    if (next >= 0) { event.preventDefault(); list[next].focus(); }
  });
  // Deferred, because a form inside the menu must be submitted before the menu closes.
  menu.addEventListener("click", (event) => {
    if (event.target.closest('[role="menuitem"]')) closing = setTimeout(() => menu.hidePopover());
  });
}

document.addEventListener("keydown", (event) => {
  const opener = event.target.closest?.('[aria-haspopup="menu"]');
  if (opener && event.key === "ArrowDown") { event.preventDefault(); opener.popoverTargetElement?.showPopover(); }
});
