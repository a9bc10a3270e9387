// The form of a week: + and - beside each number of hours, and the sum as it stands.
const hours = (text: string): number => {
  const [whole, minutes] = text.trim().split(":");
  const found = minutes === undefined ? Number((whole ?? "").replace(",", ".")) : Number(whole) + Number(minutes) / 60;
  return Number.isFinite(found) ? found : 0;
};
const shown = (value: number): string => String(Math.round(value * 100) / 100);

export function weeks(within: ParentNode): void {
  for (const form of within.querySelectorAll<HTMLFormElement>("[data-hours]")) {
    const inputs = [...form.querySelectorAll<HTMLInputElement>("input[inputmode=decimal]")];
    const sum = form.querySelector<HTMLOutputElement>("[data-sum]");
    const add = () => { if (sum) sum.value = shown(inputs.reduce((all, one) => all + hours(one.value), 0)); };
    form.addEventListener("input", add);
    form.addEventListener("click", (event) => {
      const button = (event.target as Element).closest<HTMLElement>("[data-step]");
      const input = button?.parentElement?.querySelector("input");
      if (!button || !input) return;
      const value = Math.max(0, hours(input.value) + Number(button.dataset.step));
      input.value = value ? shown(value) : "";
      add();
    });
    add();
  }
}
