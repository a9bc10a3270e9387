// Tables whose rows stand in a tree: a twist folds what is below its row. `data-depth` is the level of a row; `data-fold` of the
// table the level from which rows start folded. Nothing is remembered.
const depth = (row: HTMLTableRowElement): number => Number(row.dataset.depth ?? 0);
const twist = (row: HTMLTableRowElement): HTMLElement | null => row.querySelector<HTMLElement>("button.twist");

function fold(body: HTMLTableSectionElement): void {
  let folded = Infinity; // the level of the nearest folded row above
  for (const row of body.rows) {
    if (depth(row) <= folded) folded = Infinity;
    row.hidden = depth(row) > folded;
    if (!row.hidden && twist(row)?.getAttribute("aria-expanded") === "false") folded = depth(row);
  }
}

export function trees(within: ParentNode): void {
  for (const table of within.querySelectorAll<HTMLTableElement>("table[data-tree]")) {
    const body = table.tBodies[0];
    if (!body) continue;
    if (table.dataset.fold) {
      for (const row of body.rows) if (depth(row) + 1 >= Number(table.dataset.fold)) twist(row)?.setAttribute("aria-expanded", "false");
      fold(body);
    }
    table.addEventListener("click", (event) => {
      const button = (event.target as Element).closest<HTMLElement>("button.twist");
      if (!button) return;
      button.setAttribute("aria-expanded", String(button.getAttribute("aria-expanded") === "false"));
      fold(body);
    });
  }
}
