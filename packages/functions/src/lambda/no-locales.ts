/** In place of Zod's forty languages in a function's bundle (infra/esbuild-plugins.mjs): problems are said in English. */
export {};
