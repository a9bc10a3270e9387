// Inputs with `data-fill` offer what the server finds for their text, in their datalist.
export function scope(): void {
  for (const input of document.querySelectorAll<HTMLInputElement>("[data-fill]")) {
    const list = input.list;
    if (!list) continue;
    const fill = async () => {
      const text = input.value.replace(/^\w+:/, "");
      const answer = await fetch(`${input.dataset.fill}?q=${encodeURIComponent(text)}`);
      if (!answer.ok) return;
      const { found } = (await answer.json()) as { found: string[] };
      list.replaceChildren(...found.map((one) => { const option = document.createElement("option"); option.value = one; return option; }));
    };
    input.addEventListener("focus", () => void fill(), { once: true });
    input.addEventListener("input", () => void fill());
  }
}
