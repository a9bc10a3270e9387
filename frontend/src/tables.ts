// A table in a page of its own rows sorts in place (lists that the server pages sort by their links).
export function tables(within: ParentNode): void {
  for (const head of within.querySelectorAll<HTMLElement>("table[data-sortable] thead th")) {
    const button = head.querySelector<HTMLElement>("button.sort");
    button?.addEventListener("click", () => sort(head));
  }
}

function sort(head: HTMLElement): void {
  const row = head.parentElement as HTMLTableRowElement;
  const body = row.closest("table")?.tBodies[0];
  if (!body) return;
  const place = [...row.cells].indexOf(head as HTMLTableCellElement);
  const up = head.getAttribute("aria-sort") === "descending";
  for (const one of row.cells) one.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const value = (line: HTMLTableRowElement) => line.cells[place]?.dataset.value ?? line.cells[place]?.textContent?.trim() ?? "";
  const lines = [...body.rows].sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    const [x, y] = [Number(a), Number(b)];
    const order = a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y) ? x - y : a === "" ? -1 : b === "" ? 1 : a.localeCompare(b);
    return up ? order : -order;
  });
  body.append(...lines);
}
