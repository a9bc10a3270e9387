// Builds the islands into the package. Node is needed here only; the built files are committed.
import { build } from "esbuild";
import { rmSync } from "node:fs";

const outdir = "../src/salesops/web/static/app";
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: ["src/base.ts", "src/charts.ts"],
  bundle: true, minify: true, format: "esm", target: "es2022", outdir, legalComments: "linked", logLevel: "info",
});
