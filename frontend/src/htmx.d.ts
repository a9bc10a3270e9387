declare module "htmx.org" { const htmx: { config: Record<string, unknown>; process(node: Element): void }; export default htmx; }
