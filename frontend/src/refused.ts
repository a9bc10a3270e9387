// What the server refuses (4xx) or could not do (5xx): a part that was still to come shows the banner in its place; a form that
// comes back with its mistakes (422) is shown; else all keeps its place with what was typed, and the banner's words stand in the corner.
type Answer = CustomEvent<{ xhr: XMLHttpRequest; shouldSwap: boolean; requestConfig: { elt: Element; triggeringEvent?: Event } }>;

export function refused(tell: (text: string) => void): void {
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = (event as Answer).detail;
    if (xhr.status < 400) return;
    const waiting = requestConfig.elt.getAttribute("hx-trigger")?.startsWith("load");
    if (waiting || xhr.status === 422) { (event as Answer).detail.shouldSwap = true; return; }
    const said = new DOMParser().parseFromString(xhr.responseText, "text/html").querySelector("[role=alert]")?.textContent?.trim();
    if (said) tell(said);
  });
}
