/** Ends the process with one line when Node.js is too old, or may open too few files: as the packed program does. */
require("../packages/local/check-node.cjs");
