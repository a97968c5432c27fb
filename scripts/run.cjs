/** `node scripts/run.cjs <command>`: builds the packages and runs a command of the local stack. Written for versions of long ago. */
require("./check-node.cjs");
var childProcess = require("node:child_process");
var path = require("node:path");

var root = path.join(__dirname, "..");
var tsc = path.join(path.dirname(require.resolve("typescript/package.json")), "bin/tsc");
var built = childProcess.spawnSync(process.execPath, [tsc, "--build"], { cwd: root, stdio: "inherit" });
if (built.status !== 0) process.exit(1);
import(require("node:url").pathToFileURL(path.join(root, "packages/local/dist/main.js")).href).catch((error) => {
  console.error(error);
  process.exit(1);
});
