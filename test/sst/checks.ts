/** Checks of what SST would create, by name, so that a change that breaks one can be told to have been seen. */
import { dataChecks } from "./checks/data.ts";
import { frontChecks } from "./checks/front.ts";
import { functionChecks } from "./checks/functions.ts";
import { mailChecks } from "./checks/mail.ts";
import type { Checks } from "./checks/stage.ts";
import { watchChecks } from "./checks/watch.ts";

export type { Stage } from "./checks/stage.ts";

export const checks: Checks = { ...dataChecks, ...mailChecks, ...functionChecks, ...frontChecks, ...watchChecks };
