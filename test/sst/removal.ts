/** `sst remove` after `sst deploy`, on the simulated engine. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openProject } from "./program.ts";

interface Removal {
  code: number;
  /** The output of `sst`. */
  output: string;
  /** True when `sst` went as far as to have everything destroyed that is not retained. */
  destroyed: boolean;
}

export async function remove(stage: string): Promise<Removal> {
  const project = await openProject({});
  const manifest = join(project.folder, "manifest.json");
  project.env.TENURE_SST_MANIFEST = manifest;
  try {
    const sst = (...args: string[]) => project.sst(...args, "--stage", stage);
    await project.setSecrets(stage);
    const deployed = await sst("deploy");
    if (deployed.code !== 0) throw new Error(deployed.output);
    return { ...(await sst("remove")), destroyed: existsSync(`${manifest}.destroyed`) };
  } finally {
    await project.close();
  }
}
