/**
 * Writes the program as AWS would be asked for it, for other checkers: `calls.json`, `template.json` and `policies.json` of the program in
 * the folder `good`, and of each copy with a mistake in it in a folder with the mistake's number.
 *
 *     node --import tsx --conditions=@tenure/source test/sst/models/export.ts <folder> [stage]
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { evaluate, type Resource } from "../program.ts";
import { mistakes, withMistake } from "./mistakes.ts";
import { template } from "./schemas.ts";
import { translate } from "./translate.ts";

function write(folder: string, resources: Resource[]): void {
  const { resources: translated } = translate(resources);
  mkdirSync(folder, { recursive: true });
  const save = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value, null, 1));
  save(
    "calls.json",
    translated.flatMap(({ meaning }) => meaning.calls),
  );
  save("template.json", template(translated));
  save(
    "policies.json",
    translated.flatMap(({ meaning: { policies = [] } }) => policies),
  );
}

const [, , out, stage = "production"] = process.argv;
if (!out) throw new Error("Say which folder to write to.");
const program = await evaluate({ stage });
try {
  write(join(out, "good"), program.resources);
  if (stage === "production")
    mistakes.forEach((mistake, i) => {
      const folder = join(out, String(i + 1).padStart(2, "0"));
      write(folder, withMistake(program.resources, mistake));
      writeFileSync(join(folder, "mistake.txt"), mistake.what);
    });
} finally {
  program.close();
}
