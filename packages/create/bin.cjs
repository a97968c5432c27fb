#!/usr/bin/env node
/** Ends with one line where Node.js is too old for the rest. Written for versions of long ago. */
var wanted = [20, 19];
var found = process.versions.node.split(".").map(Number);
if (found[0] < wanted[0] || (found[0] === wanted[0] && found[1] < wanted[1])) {
  console.error(`create: Tenure needs Node.js ${wanted.join(".")} or later; this is v${process.versions.node}.`);
  process.exit(1);
}
import("./dist/main.js").catch((error) => {
  console.error(error);
  process.exit(1);
});
