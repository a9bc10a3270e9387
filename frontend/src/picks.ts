// Rows chosen with tick boxes (all of a page at once, Shift for a stretch), and "take theirs" beside a field in conflict.
export function picks(within: ParentNode): void {
  for (const form of within.querySelectorAll<HTMLFormElement>("form[data-picks]")) {
    const boxes = [...form.querySelectorAll<HTMLInputElement>("input[name=pick]")];
    const all = form.querySelector<HTMLInputElement>("[data-pick-all]");
    const told = form.querySelector<HTMLElement>("[data-picked]");
    const first = told?.textContent ?? "";
    let last = -1;
    const show = () => {
      const chosen = boxes.filter((box) => box.checked).length;
      for (const box of boxes) box.closest("tr")?.classList.toggle("is-selected", box.checked);
      if (all) { all.checked = chosen === boxes.length; all.indeterminate = chosen > 0 && chosen < boxes.length; }
      if (told) told.textContent = chosen ? `${chosen} / ${boxes.length}` : first;
    };
    all?.addEventListener("change", () => { for (const box of boxes) box.checked = all.checked; show(); });
    boxes.forEach((box, place) => box.addEventListener("click", (event) => {
      if (event.shiftKey && last >= 0) for (const one of boxes.slice(Math.min(last, place), Math.max(last, place) + 1)) one.checked = box.checked;
      last = place;
      show();
    }));
    show();
  }
  for (const button of within.querySelectorAll<HTMLElement>("[data-take]")) {
    button.addEventListener("click", () => {
      const input = document.getElementById(button.dataset.take as string) as HTMLInputElement | null;
      if (input) { input.value = button.dataset.value ?? ""; input.removeAttribute("aria-invalid"); input.focus(); }
      button.closest(".conflict")?.remove();
    });
  }
}
