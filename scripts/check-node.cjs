/**
 * Ends the process with one line when Node.js is too old, before anything is read whose syntax it would not know. Written
 * for versions of long ago.
 */
var wanted = [20, 19];
var found = process.versions.node.split(".").map(Number);
if (found[0] < wanted[0] || (found[0] === wanted[0] && found[1] < wanted[1])) {
  console.error(`Tenure needs Node.js ${wanted.join(".")} or later; this is ${process.version}.`);
  process.exit(1);
}
