// The command palette: what the server finds for the text, grouped; arrows and Enter.
interface Found { group: string; title: string; url: string; icon: string }

export function palette(): void {
  const dialog = document.getElementById("palette") as HTMLDialogElement | null;
  if (!dialog) return;
  const input = dialog.querySelector("input") as HTMLInputElement;
  const list = dialog.querySelector("[role=listbox]") as HTMLElement;
  let asked = 0;

  const open = () => { dialog.showModal(); input.value = ""; input.focus(); void ask(); };
  document.querySelectorAll("[data-palette]").forEach((one) => one.addEventListener("click", open));
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); open(); }
  });
  input.addEventListener("input", () => void ask());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  input.addEventListener("keydown", (event) => {
    const items = [...list.querySelectorAll<HTMLAnchorElement>(".menu-item")];
    const now = items.findIndex((one) => one.classList.contains("is-active"));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = Math.min(Math.max(now + (event.key === "ArrowDown" ? 1 : -1), 0), items.length - 1);
      items.forEach((one, n) => { one.classList.toggle("is-active", n === next); one.setAttribute("aria-selected", String(n === next)); });
      items[next]?.scrollIntoView({ block: "nearest" });
    }
    if (event.key === "Enter" && items[Math.max(now, 0)]) { event.preventDefault(); items[Math.max(now, 0)].click(); }
  });

  async function ask(): Promise<void> {
    const mine = ++asked;
    const answer = await fetch(`${dialog!.dataset.url}?q=${encodeURIComponent(input.value)}`, { headers: { Accept: "application/json" } });
    if (!answer.ok || mine !== asked) return;
    const { found } = (await answer.json()) as { found: Found[] };
    list.replaceChildren(...found.flatMap((one, n) => {
      const parts: HTMLElement[] = [];
      if (n === 0 || found[n - 1].group !== one.group) {
        const head = document.createElement("p");
        head.className = "group";
        head.textContent = one.group;
        head.setAttribute("role", "presentation");
        parts.push(head);
      }
      const link = document.createElement("a");
      link.className = n === 0 ? "menu-item is-active" : "menu-item";
      link.href = one.url;
      link.setAttribute("role", "option");
      link.setAttribute("aria-selected", String(n === 0));
      const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      icon.setAttribute("class", "i");
      const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
      use.setAttribute("href", `#i-${one.icon}`);
      icon.append(use);
      link.append(icon, one.title);
      parts.push(link);
      return parts;
    }));
  }
}
