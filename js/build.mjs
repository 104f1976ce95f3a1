// node build.mjs [--watch | --check]   One self-contained bundle per widget class; --check fails above a size budget.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "nblandscape", "widgets", "static");

/** Budgets in kB (1000 bytes), minified and gzipped. */
const bundles = {
  explorer: { format: "esm", minified: 350, gzipped: 110 },
  surface: { format: "esm", minified: 150, gzipped: 60 },
  volume: { format: "esm", minified: 158, gzipped: 60 },
  merge_tree: { format: "esm", minified: 90, gzipped: 35 },
  spectrum: { format: "esm", minified: 90, gzipped: 35 },
  comparison: { format: "esm", minified: 350, gzipped: 110 },
  comparison_standalone: { format: "iife", minified: 350, gzipped: 110 },
  volume_explorer: { format: "esm", minified: 350, gzipped: 110 },
  volume_standalone: { format: "iife", minified: 350, gzipped: 110 },
  // The explorer and the host of its page.
  standalone: { format: "iife", minified: 350, gzipped: 112 },
};

/** Two bundles of one page share an engine only if they were built from the same engine. */
function engineHash() {
  const folder = join(here, "src", "gl");
  const files = readdirSync(folder, { recursive: true })
    .filter((name) => !/\.test\.|\.d\.ts$/.test(name) && /\.[a-z]+$/.test(name))
    .sort();
  const hash = createHash("sha256");
  // What the engine takes from elsewhere belongs to it.
  files.push(join("..", "model", "symlog.ts"));
  for (const name of files) hash.update(name.replaceAll("\\", "/")).update(readFileSync(join(folder, name)));
  return hash.digest("hex").slice(0, 12);
}

const GLOBAL = "nblandscape";
const banner = (name) => `/* nblandscape: ${name} */\n`;

/**
 * Hosts evaluate the text of every widget as a new module, which a page never frees. So that only its text is kept,
 * the first one publishes what it exports; in later ones the code is not even compiled.
 */
const oncePerPage = (name) => ({
  name: "once-per-page",
  setup(build) {
    build.onEnd((result) => {
      if (result.errors.length > 0 || build.initialOptions.write === false) return;
      const path = join(out, `${name}.js`);
      const code = readFileSync(path, "utf8").slice(banner(name).length);
      const hash = createHash("sha256").update(code).digest("hex").slice(0, 12);
      writeFileSync(
        path,
        `${banner(name)}function make(){${code.trim()}\nreturn ${GLOBAL}.default}\n` +
          `export default globalThis[Symbol.for("nblandscape.${name}.${hash}")]??=make();\n`,
      );
    });
  },
});

function options(name, format) {
  return {
    entryPoints: [join(here, "src", "entries", `${name}.ts`)],
    outfile: join(out, `${name}.js`),
    bundle: true,
    // What hosts import is wrapped below.
    format: "iife",
    globalName: format === "esm" ? GLOBAL : undefined,
    target: "es2022",
    minify: true,
    legalComments: "linked",
    // One character beyond Latin-1 and the engine would keep every copy of the text with two bytes each.
    charset: "ascii",
    loader: { ".css": "text", ".glsl": "text", ".vert": "text", ".frag": "text" },
    jsx: "automatic",
    jsxImportSource: "preact",
    // A one-line module text that ends like a file name is taken for a path by anywidget.
    banner: { js: banner(name) },
    define: { ENGINE_HASH: JSON.stringify(engineHash()), "process.env.NODE_ENV": '"production"' },
    plugins: [minifyCss, minifyShaders, ...(format === "esm" ? [oncePerPage(name)] : [])],
    metafile: true,
    absWorkingDir: here,
    logLevel: "warning",
  };
}

/** Style sheets travel as minified text. */
const minifyCss = {
  name: "minify-css",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(readFileSync(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text", watchFiles: [path] };
    });
  },
};

/** What a shader's text does not need: comments, indentation, blanks around signs that cannot run together, idle zeros. */
const minifyShaders = {
  name: "minify-shaders",
  setup(build) {
    build.onLoad({ filter: /shaders\.ts$/ }, ({ path }) => {
      const contents = readFileSync(path, "utf8")
        .replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "")
        .replace(/^[ \t]+|[ \t]+$|\n(?=\n)/gm, "")
        .replace(/ ?([=*/<>,;(){}?:]|[+-](?! ?[+-])) ?/g, "$1")
        .replace(/\b(\d+)\.0\b/g, "$1.")
        .replace(/\b0\.(?=\d)/g, ".")
        .replace(/([;{},])\n(?!#)/g, "$1");
      return { contents, loader: "ts", watchFiles: [path] };
    });
  },
};

/** Compression looks 32 kB back: what resembles each other stands together, the rest in the order of its imports. */
const TOGETHER = [
  /\.css$|shaders\.ts$/,
  /^src\/gl\//,
  /^src\/model\//,
  /^src\/host\//,
  /^src\/views\/parts\//,
  /^src\/views\/(topology|spectrum|merge-tree)\//,
];

/** Lets the entry import the given files of its bundle first; nothing in them runs on import that minds the order. */
const alikeTogether = (entry, inputs) => ({
  name: "alike-together",
  setup(build) {
    build.onLoad({ filter: /entries/ }, ({ path }) => {
      if (path !== entry) return undefined;
      const files = TOGETHER.flatMap((kind) => inputs.filter((input) => kind.test(input)));
      const imports = files.map((file) => `import ${JSON.stringify(join(here, file))};\n`).join("");
      return { contents: imports + readFileSync(path, "utf8"), loader: "ts", resolveDir: dirname(path) };
    });
  },
});

/** Twice: the first time says what belongs to the bundle. */
async function bundle(settings) {
  const { metafile } = await esbuild.build({ ...settings, write: false, minify: false });
  const plugins = [alikeTogether(settings.entryPoints[0], Object.keys(metafile.inputs)), ...settings.plugins];
  return esbuild.build({ ...settings, plugins });
}

function report(name, budget, metafile) {
  const text = readFileSync(join(out, `${name}.js`));
  const minified = text.length / 1000;
  const gzipped = gzipSync(text, { level: 9 }).length / 1000;
  const over = minified > budget.minified || gzipped > budget.gzipped;
  const size = `${minified.toFixed(1).padStart(6)} kB, ${gzipped.toFixed(1).padStart(5)} kB gzipped`;
  console.log(
    `${name.padEnd(11)} ${size} (budget ${budget.minified} / ${budget.gzipped})${over ? "  TOO LARGE" : ""}`,
  );
  const foreign = Object.keys(metafile.inputs).filter((path) => path.includes("src/gl/"));
  const wide = text.some((byte) => byte > 127);
  if (wide)
    console.log("  holds a character beyond ASCII: write it as an escape (regular expressions need it)");
  const leaks = ["merge_tree", "spectrum"].includes(name) && foreign.length > 0;
  if (leaks)
    console.log(`  must not contain the drawing engine: ${foreign.map((p) => relative(here, p)).join(", ")}`);
  return over || leaks || wide;
}

const watch = process.argv.includes("--watch");
const check = process.argv.includes("--check");
mkdirSync(out, { recursive: true });
for (const name of readdirSync(out)) {
  const known = Object.keys(bundles).includes(basename(name).split(".")[0]);
  if (!known && /\.js(\.LEGAL\.txt)?$/.test(name)) rmSync(join(out, name));
}
let failed = false;
for (const [name, budget] of Object.entries(bundles)) {
  const settings = options(name, budget.format);
  if (!existsSync(settings.entryPoints[0])) throw new Error(`missing entry ${settings.entryPoints[0]}`);
  if (watch) {
    await (await esbuild.context(settings)).watch();
  } else {
    const { metafile } = await bundle(settings);
    failed = report(name, budget, metafile) || failed;
  }
}
if (check && failed) process.exit(1);
