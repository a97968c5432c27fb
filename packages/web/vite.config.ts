import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  build: { outDir: "dist/site", emptyOutDir: true, modulePreload: { polyfill: false } },
});
