/** The Worker function of this repository: see worker-handler.ts. */
import { workerHandler } from "./worker-handler.ts";

export const handler = await workerHandler();
