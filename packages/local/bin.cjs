#!/usr/bin/env node
/** The program `tenure`, which says in one line where Node.js is too old for it or may open too few files. Written for versions of long ago. */
require("./check-node.cjs");
import("./dist/main.js").catch((error) => {
  console.error(error);
  process.exit(1);
});
