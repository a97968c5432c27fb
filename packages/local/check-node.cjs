/**
 * Ends the process with one line when Node.js is too old, before anything is read whose syntax it would not know, or when it may
 * open too few files. Written for versions of long ago.
 */
var wanted = [20, 19];
var found = process.versions.node.split(".").map(Number);
if (found[0] < wanted[0] || (found[0] === wanted[0] && found[1] < wanted[1])) {
  console.error(`Tenure needs Node.js ${wanted.join(".")} or later; this is ${process.version}.`);
  process.exit(1);
}

// A compiler, a server and its stores: about so many at once.
var files = 256;
var fs = require("node:fs");
var opened = [];
try {
  while (opened.length < files) opened.push(fs.openSync(__filename, "r"));
} catch (_error) {
  console.error(
    `Tenure opens up to ${files} files at once, and may open ${opened.length}: raise the limit, as with "ulimit -n 1024".`,
  );
  process.exit(1);
}
opened.forEach((file) => {
  fs.closeSync(file);
});
