// node dev/build.mjs [--serve]   Bundles the development pages into build/dev, which git ignores.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const context = await esbuild.context({
  entryPoints: [join(here, "surface.tsx")],
  outdir: join(here, "..", "..", "build", "dev"),
  bundle: true,
  format: "iife",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  define: { ENGINE_HASH: '"dev"' },
  loader: { ".css": "text" },
  sourcemap: "inline",
  logLevel: "info",
});
await context.rebuild();
if (process.argv.includes("--serve")) {
  await context.watch();
  await context.serve({ servedir: join(here, "..", ".."), host: "127.0.0.1", port: 8000 });
} else await context.dispose();
