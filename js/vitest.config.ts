import { readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // The same as in build.mjs: style sheets are text.
  plugins: [
    {
      name: "css-as-text",
      enforce: "pre",
      load(id) {
        if (!id.endsWith(".css")) return null;
        return `export default ${JSON.stringify(readFileSync(id, "utf8"))}`;
      },
    },
  ],
  define: { ENGINE_HASH: JSON.stringify("test") },
  test: {
    environment: "happy-dom",
    // A DOM for each of the files cost three times the tests; they pass in any order in one.
    isolate: false,
    include: ["src/**/*.test.{ts,tsx}"],
    testTimeout: 30_000,
  },
});
