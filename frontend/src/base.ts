// On every page: htmx, theme, density, keyboard, palette, popovers beside their numbers, drawings that need the island of charts.
import htmx from "htmx.org";
import { weeks } from "./hours";
import { keyboard } from "./keyboard";
import { palette } from "./palette";
import { picks } from "./picks";
import { popovers } from "./popovers";
import { refused } from "./refused";
import { scope } from "./scope";
import { tables } from "./tables";
import { trees } from "./trees";

htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;

const root = document.documentElement;
const year = 60 * 60 * 24 * 365;

export function remember(name: string, value: string): void {
  document.cookie = `${name}=${value}; path=/; max-age=${year}; samesite=lax`;
}

function theme(): void {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  remember("theme", root.dataset.theme);
  document.dispatchEvent(new CustomEvent("theme"));
}

export function density(): void {
  const compact = root.dataset.density === "compact";
  if (compact) delete root.dataset.density; else root.dataset.density = "compact";
  remember("density", compact ? "" : "compact");
}

export function rail(): void {
  const app = document.getElementById("app");
  if (app) remember("rail", app.classList.toggle("is-rail") ? "1" : "");
}

export function toast(text: string): void {
  const place = document.getElementById("toasts");
  if (!place) return;
  const one = document.createElement("div");
  one.className = "toast";
  one.textContent = text;
  place.append(one);
  setTimeout(() => one.remove(), 10_000);
}

async function charts(within: ParentNode): Promise<void> {
  if (!within.querySelector("[data-chart]")) return;
  const island = (await import(/* the address comes from the page */ document.body.dataset.charts as string)) as { draw(within: ParentNode): void };
  island.draw(within);
}

document.addEventListener("click", (event) => {
  const at = (event.target as Element).closest<HTMLElement>("[data-theme-toggle],[data-density-toggle],[data-copy],[data-close],[data-keys],[data-more],[data-dialog]");
  if (!at) return;
  if ("themeToggle" in at.dataset) theme();
  if ("densityToggle" in at.dataset) density();
  if ("keys" in at.dataset) (document.getElementById("keys") as HTMLDialogElement).showModal();
  if (at.dataset.dialog) (document.getElementById(at.dataset.dialog) as HTMLDialogElement).showModal();
  if ("close" in at.dataset) at.closest("dialog")?.close();
  if ("more" in at.dataset) document.querySelector<HTMLElement>("[data-palette]")?.click();
  if (at.dataset.copy) navigator.clipboard.writeText(new URL(at.dataset.copy, location.href).href).then(() => toast(at.dataset.said ?? "Copied"));
});
document.addEventListener("htmx:afterSwap", (event) => { const within = event.target as Element; void charts(within); tables(within); });

for (const form of document.querySelectorAll<HTMLFormElement>("[data-drop]")) {
  const input = form.querySelector<HTMLInputElement>("input[type=file]") as HTMLInputElement;
  form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("is-over"); });
  form.addEventListener("dragleave", () => form.classList.remove("is-over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("is-over");
    if (event.dataTransfer?.files.length) { input.files = event.dataTransfer.files; form.requestSubmit(); }
  });
}
keyboard({ density, rail });
palette();
popovers();
refused(toast);
scope();
tables(document);
trees(document);
weeks(document);
picks(document);
void charts(document).then(() => { document.body.dataset.ready = "1"; });
