// The island of charts: ECharts (SVG) from a plain description in the page, colours and font read from the tokens.
import { BarChart, HeatmapChart, LineChart, ScatterChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { init, use, type EChartsCoreOption, type EChartsType } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, HeatmapChart, LineChart, ScatterChart, AriaComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, VisualMapComponent, SVGRenderer]);

interface Series { name: string; values: (number | null)[]; shown?: string[]; links?: (string | null)[]; role?: Role; stack?: string; band?: Role }
// A band is two series, "low" then "high", that name the role of their line in `band`.
type Role = "own" | "compare" | "target" | "better" | "worse" | "low" | "high";
interface Chart { kind: "line" | "bar" | "bars" | "heatmap"; categories: string[]; rows?: string[]; series: Series[]; unit?: string; summary: string; marks?: { at: string; name: string }[] }

const drawn = new Map<HTMLElement, EChartsType>();

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function colour(series: Series, place: number): string {
  if (series.band) return colour({ ...series, role: series.band, band: undefined }, place);
  const roles: Record<string, string> = { own: "accent", compare: "compare", target: "ink-2", better: "better", worse: "worse" };
  return token(series.role && roles[series.role] ? roles[series.role] : place < 6 ? `cat-${place + 1}` : "cat-other");
}

function short(value: number): string {
  const size = Math.abs(value);
  for (const [step, letter] of [[1e9, "bn"], [1e6, "M"], [1e3, "k"]] as const) if (size >= step) return `${+(value / step).toPrecision(3)}${letter}`;
  return `${+value.toPrecision(3)}`;
}

function option(chart: Chart): EChartsCoreOption {
  const ink = token("ink-2"), line = token("gridline"), font = token("font");
  const label = { color: ink, fontFamily: font, fontSize: 11 };
  const unit = chart.unit === "%" ? (value: number) => `${+(value * 100).toPrecision(3)}%` : short;
  const sideways = chart.kind === "bars";
  const lines = chart.series.filter((one) => !one.band);
  const share = chart.unit === "%" && chart.series.every((one) => one.values.every((value) => value === null || value <= 1));
  const values = { type: "value", max: share ? (at: { max: number }) => (at.max > 0.8 ? 1 : null) : undefined, axisLabel: { ...label, formatter: unit }, splitLine: { lineStyle: { color: line } }, splitNumber: 4 };
  const names = { type: "category", data: chart.categories, axisLabel: { ...label, hideOverlap: true }, axisTick: { show: false }, axisLine: { lineStyle: { color: token("line-strong") } }, inverse: sideways };
  const base: EChartsCoreOption = {
    animation: false, aria: { enabled: true, label: { description: chart.summary } }, textStyle: { fontFamily: font, color: token("ink") },
    grid: { left: 8, right: 16, top: chart.series.length > 1 ? 34 : 14, bottom: 4, containLabel: true },
    tooltip: { trigger: chart.kind === "heatmap" ? "item" : "axis", confine: true, renderMode: "richText", backgroundColor: token("ink"), borderWidth: 0, textStyle: { color: token("on-ink"), fontFamily: font, fontSize: 12 }, axisPointer: { lineStyle: { color: token("control") } } },
  };
  if (chart.kind === "heatmap") {
    const cells = chart.series.flatMap((one, y) => one.values.map((value, x) => [x, y, value === null ? "-" : value]));
    const known = chart.series.flatMap((one) => one.values).filter((one): one is number => one !== null);
    return { ...base, grid: { left: 8, right: 8, top: 8, bottom: 4, containLabel: true }, xAxis: names, yAxis: { ...names, data: chart.series.map((one) => one.name), inverse: true },
      visualMap: { show: false, min: Math.min(...known, 0), max: Math.max(...known, 0), inRange: { color: [1, 2, 3, 4, 5, 6].map((n) => token(`seq-${n}`)) } },
      series: [{ type: "heatmap", data: cells, label: { show: chart.categories.length <= 14, fontSize: 11, fontFamily: font, formatter: (at: { value: [number, number, number] }) => chart.series[at.value[1]].shown?.[at.value[0]] ?? unit(at.value[2]) }, itemStyle: { borderColor: token("surface"), borderWidth: 2 } }] };
  }
  return {
    ...base, xAxis: sideways ? values : names, yAxis: sideways ? names : values,
    legend: lines.length > 1 ? { data: lines.map((one) => one.name), type: "scroll", top: 0, left: 0, icon: "roundRect", itemWidth: 14, itemHeight: 3, textStyle: label } : undefined,
    series: chart.series.map((one, place) => ({
      name: one.name, type: chart.kind === "line" ? "line" : "bar", stack: one.stack, barMaxWidth: 28, connectNulls: false, symbol: "circle", symbolSize: chart.categories.length > 24 ? 0 : 5,
      data: drawnValues(chart, one, place).map((value, n) => ({ value, link: one.links?.[n] ?? null })), color: colour(one, place), cursor: one.links ? "pointer" : "default",
      lineStyle: { width: one.band ? 0 : one.role === "compare" ? 1.25 : 2, type: one.role === "target" ? "dashed" : "solid" },
      ...(one.band ? { stack: `band-${one.band}`, symbolSize: 0, silent: true, areaStyle: { opacity: one.role === "high" ? 0.16 : 0 } } : {}),
      tooltip: { valueFormatter: (value: number | null, at?: number) => (value === null || value === undefined ? "n/a" : at !== undefined && one.shown?.[at] ? one.shown[at] : unit(value)) },
      markLine: place === 0 && chart.marks?.length ? { silent: true, symbol: "none", lineStyle: { color: token("line-strong"), type: "solid" }, label: { ...label, formatter: "{b}" }, data: chart.marks.map((mark) => ({ name: mark.name, xAxis: mark.at })) } : undefined,
    })),
  };
}

// The upper edge of a band stands on its lower one.
function drawnValues(chart: Chart, one: Series, place: number): (number | null)[] {
  if (one.role !== "high" || !one.band) return one.values;
  const low = chart.series[place - 1].values;
  return one.values.map((value, n) => (value === null || low[n] === null ? null : value - (low[n] as number)));
}

export function draw(within: ParentNode): void {
  for (const place of within.querySelectorAll<HTMLElement>("[data-chart]")) {
    const text = document.getElementById(place.dataset.chart as string)?.textContent;
    if (!text || drawn.has(place)) continue;
    const chart = JSON.parse(text) as Chart;
    const one = init(place, null, { renderer: "svg" });
    one.setOption(option(chart));
    one.on("click", (at) => { const link = (at.data as { link?: string } | undefined)?.link; if (link) location.href = link; });
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", chart.summary);
    drawn.set(place, one);
  }
}

addEventListener("resize", () => drawn.forEach((one) => one.resize()));
document.addEventListener("theme", () => drawn.forEach((one, place) => {
  const text = document.getElementById(place.dataset.chart as string)?.textContent;
  if (text) one.setOption(option(JSON.parse(text) as Chart), true);
}));
