// A popover stands beside what opened it; that of a number is asked of the server when it is opened.
function beside(pop: HTMLElement, opener: Element): void {
  const at = opener.getBoundingClientRect();
  const below = at.bottom + 6 + pop.offsetHeight < innerHeight;
  pop.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - 6 - pop.offsetHeight)}px`;
  pop.style.left = `${Math.max(8, Math.min(at.left - 12, innerWidth - pop.offsetWidth - 8))}px`;
}

export function popovers(): void {
  document.addEventListener("toggle", (event) => {
    const pop = event.target as HTMLElement;
    if (!pop.hasAttribute?.("popover") || pop.id === "why") return;
    const opener = document.querySelector(`[popovertarget="${CSS.escape(pop.id)}"]`);
    if (!opener) return;
    const open = (event as ToggleEvent).newState === "open";
    opener.setAttribute("aria-expanded", String(open));
    if (open) beside(pop, opener);
  }, true);

  const why = document.getElementById("why");
  if (!why) return;
  document.addEventListener("click", async (event) => {
    const opener = (event.target as Element).closest<HTMLElement>("[data-why]");
    if (!opener) return;
    event.preventDefault();
    opener.setAttribute("aria-expanded", "true");
    const answer = await fetch(opener.dataset.why as string, { headers: { "HX-Request": "true" } });
    why.innerHTML = await answer.text();
    why.showPopover();
    beside(why, opener);
    why.querySelector<HTMLElement>("a, button")?.focus();
    why.addEventListener("toggle", (closing) => {
      if ((closing as ToggleEvent).newState !== "closed") return;
      opener.setAttribute("aria-expanded", "false");
      opener.focus();
    }, { once: true });
  });
}
