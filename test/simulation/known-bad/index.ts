/**
 * Faults that the protocol once had, or could have, each put back into the real code. The simulator is a guard, and a guard has to see
 * the fault that it is there for.
 */
import { runFaults } from "./runs.ts";
import { storeFaults } from "./stores.ts";
import type { KnownBad } from "./wrap.ts";

export const knownBad: KnownBad[] = [...runFaults, ...storeFaults];
