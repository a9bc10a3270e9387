// Single keys never fire in a field; g and a letter go to a page; j and k move over rows.
export function inField(event: Event): boolean {
  const at = event.target as HTMLElement;
  return at.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(at.tagName);
}

function rows(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-rows] tbody tr, .inbox .inbox-row")].filter((one) => one.offsetParent !== null);
}

function step(by: number): void {
  const all = rows();
  if (!all.length) return;
  const now = all.findIndex((one) => one.classList.contains("is-selected"));
  const next = all[Math.min(Math.max(now + by, 0), all.length - 1)];
  all.forEach((one) => one.classList.remove("is-selected"));
  next.classList.add("is-selected");
  const link = next.querySelector<HTMLElement>("a") ?? next.querySelector<HTMLElement>("button");
  (link ?? next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

export function keyboard(does: { density(): void; rail(): void }): void {
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || inField(event) || document.querySelector("dialog[open]")) return;
    if (going && Date.now() - going < 1200) {
      going = 0;
      const link = document.querySelector<HTMLAnchorElement>(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    const acts: Record<string, () => void> = {
      g: () => { going = Date.now(); },
      "?": () => (document.getElementById("keys") as HTMLDialogElement | null)?.showModal(),
      "[": does.rail,
      D: does.density,
      j: () => step(1),
      k: () => step(-1),
      e: () => document.querySelector<HTMLElement>(".is-selected [data-why], :focus[data-why]")?.click(),
      "/": () => document.querySelector<HTMLElement>("[data-filter]")?.focus(),
    };
    const act = acts[event.key];
    if (act) { event.preventDefault(); act(); }
  });
}
