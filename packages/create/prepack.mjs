/**
 * Puts the deployment of this repository into the template before it is packed: infra/ but for the two files that a project has of its
 * own, and sst.config.ts. They are no part of the sources here, so that there is one of each.
 */
import { cpSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);
const TEMPLATE = new URL("template/", import.meta.url);
const OWN = ["parts.ts", "tsconfig.json"];

for (const name of readdirSync(new URL("infra/", ROOT)).filter((one) => !OWN.includes(one)))
  cpSync(fileURLToPath(new URL(`infra/${name}`, ROOT)), fileURLToPath(new URL(`infra/${name}`, TEMPLATE)));
cpSync(fileURLToPath(new URL("sst.config.ts", ROOT)), fileURLToPath(new URL("sst.config.ts", TEMPLATE)));
