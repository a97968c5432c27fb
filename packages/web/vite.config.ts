/**
 * The site's build, and its development server at http://localhost:5173. A page that is served there asks for /api at its own
 * origin, as it does when deployed; the server hands that on to `TENURE_API_URL`: to the router of the stage under `sst dev`
 * (infra/web.ts), and to the local stack, `npm start`, when it is left out.
 */
import { defineConfig, type ProxyOptions } from "vite";

const LOCAL_STACK = "http://localhost:3000";
const target = process.env.TENURE_API_URL || LOCAL_STACK;

const isLoopback = (url: string) => ["localhost", "127.0.0.1", "[::1]"].includes(new URL(url).hostname);

const api: ProxyOptions = {
  target,
  // CloudFront finds a stage by the Host header. The local stack compares it with the page's origin, which it must then be.
  changeOrigin: !isLoopback(target),
  configure(proxy) {
    proxy.on("error", (error, _request, response) => {
      // Upgrades to a WebSocket fail here: the API has none.
      if (!("writeHead" in response) || response.headersSent) return;
      const { code = "no answer" } = error as NodeJS.ErrnoException;
      const mend = target === LOCAL_STACK ? "start it with npm start, or set TENURE_API_URL" : "is sst dev running?";
      response.writeHead(502, { "Content-Type": "application/problem+json" });
      response.end(
        JSON.stringify({ title: "Bad gateway", status: 502, detail: `No API at ${target} (${code}): ${mend}` }),
      );
    });
  },
};

export default defineConfig({
  root: import.meta.dirname,
  build: {
    outDir: "dist/site",
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // LangGraph's client apart, so that the size of what is the site's own shows: test/browser/size.test.ts.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "sdk", test: /node_modules\/@langchain\// },
            // Vite's own loader of chunks would else be in one of the client's.
            { name: "preload", test: /vite\/preload-helper/, priority: 1 },
          ],
        },
      },
    },
  },
  // The API takes POST requests from pages of this origin and of no other: rather no site than one at the next free port.
  server: { port: 5173, strictPort: true, proxy: { "/api": api } },
});
