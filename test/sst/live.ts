/**
 * The functions as `sst dev` runs them: with the environment and the links of the program that was evaluated for it, on the
 * bundles of a deployment, since `sst dev` builds them by the same options on the developer's machine. Source:
 * https://sst.dev/docs/live, and `_live` in SST's function.ts.
 */
import { createCipheriv } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Program, Resource } from "./program.ts";

const FUNCTIONS = ["Auth", "Api", "Worker"];

/** The bundles of `built` become those of `dev`: they are not to be used for anything else then. */
export function live(dev: Program, built: Program): Program {
  const find = ({ resources }: Program, type: string, name: string) =>
    resources.find((one) => one.type === type && one.name === name) as Resource;
  const linkOf = (name: string): unknown => find(dev, "sst:sst:LinkRef", `${name}LinkRef`).outputs.properties;

  for (const name of FUNCTIONS) {
    const { links } = find(dev, "sst:aws:Function", name).outputs._live as { links: string[] };
    const { SST_KEY, SST_KEY_FILE } = functionOf(dev, name).inputs.environment.variables;
    const values = Object.fromEntries(links.map((link) => [link, linkOf(link)]));
    writeFileSync(join(built.bundleOf(name), SST_KEY_FILE), sealed(JSON.stringify(values), SST_KEY));
  }
  const resources = dev.resources.map((one) => {
    const name = FUNCTIONS.find((each) => one === functionOf(dev, each));
    if (!name) return one;
    const { environment, ...inputs } = one.inputs;
    const variables = { ...environment.variables, SST_DEV: "true" };
    return {
      ...one,
      inputs: { ...inputs, environment: { variables }, handler: functionOf(built, name).inputs.handler },
    };
  });
  return { ...dev, resources, bundleOf: built.bundleOf };
}

const functionOf = ({ resources }: Program, name: string): Resource =>
  resources.find((one) => one.name === `${name}Function`) as Resource;

/** As the `sst` command line seals links: AES-256-GCM, a nonce of zeros, the tag behind. */
function sealed(text: string, key: string): Buffer {
  const cipher = createCipheriv("aes-256-gcm", Buffer.from(key, "base64"), Buffer.alloc(12));
  return Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
}
