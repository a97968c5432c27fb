/**
 * `npm run release -- --dry-run [--into <folder>]`: packs each package that others install, checks the packed files as npm and
 * TypeScript would read them, and says what would be published. Without `--dry-run` it publishes them, as soon as their
 * `private` is gone. The packages are those of packages/ that say which `files` they have, or the folders that `--package` names.
 * A package without `exports` is a program or files: nobody imports it, so that it has no types.
 * Exit code 1 for a fault of any.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);
const DEADLINE_MS = 300_000;

const { values } = parseArgs({
  options: { "dry-run": { type: "boolean" }, into: { type: "string" }, package: { type: "string", multiple: true } },
});

const read = (path) => readFileSync(path, "utf8");
const run = (program, args, cwd) =>
  execFileSync(program, args, { cwd, encoding: "utf8", timeout: DEADLINE_MS, stdio: ["ignore", "pipe", "pipe"] });

/** The packages that others install, each after those that it needs. */
function publishable() {
  const folders = values.package ?? readdirSync(join(ROOT, "packages")).map((name) => join(ROOT, "packages", name));
  const all = folders
    .filter((folder) => existsSync(join(folder, "package.json")))
    .map((folder) => ({ folder, manifest: JSON.parse(read(join(folder, "package.json"))) }))
    .filter(({ manifest }) => manifest.files);
  return inOrder(all);
}

/** Sorts packages so that each comes after those that it needs. */
function inOrder(all) {
  const sorted = [];
  const place = (one) => {
    if (sorted.includes(one)) return;
    const needed = { ...one.manifest.dependencies, ...one.manifest.peerDependencies };
    for (const other of all) if (Object.hasOwn(needed, other.manifest.name)) place(other);
    sorted.push(one);
  };
  all.forEach(place);
  return sorted;
}

/** Faults of a manifest and of what is beside it, which npm would not mind. */
function manifestFaults({ folder, manifest }) {
  const faults = [];
  for (const field of ["name", "version", "description", "license", "type", "engines", "keywords"])
    if (!manifest[field]) faults.push(`package.json has no ${field}`);
  if (manifest.exports && manifest.sideEffects === undefined) faults.push("package.json does not say sideEffects");
  for (const [path, entry] of Object.entries(manifest.exports ?? {}))
    if (!entry.types || !entry.default) faults.push(`exports["${path}"] has no types, or no default`);
  for (const peer of Object.keys(manifest.peerDependenciesMeta ?? {}))
    if (!manifest.peerDependencies?.[peer]) faults.push(`peerDependenciesMeta names ${peer}, which is no peer`);
  if (!existsSync(join(folder, "LICENSE")) || read(join(folder, "LICENSE")) !== read(join(ROOT, "LICENSE")))
    faults.push("LICENSE is not the project's: copy it");
  for (const [name, version] of Object.entries(manifest.dependencies ?? {}))
    if (name.startsWith("@tenure/") && version !== manifest.version)
      faults.push(`package.json wants ${name} ${version}, and is of version ${manifest.version} itself`);
  const [, example] = /^```(?:ts|sh)\n(.*?)^```/ms.exec(read(join(folder, "README.md"))) ?? [];
  if (!example || example.trimEnd().split("\n").length > 10)
    faults.push("README.md has no first example in at most ten lines");
  return faults;
}

/** Built files whose source is gone: the compiler leaves them there. A bundler empties its folder by itself. */
function staleFiles(folder, files) {
  if (!existsSync(join(folder, "dist/.tsbuildinfo"))) return [];
  return files
    .filter(({ path }) => path.startsWith("dist/") && /\.(?:js|d\.ts)$/.test(path))
    .filter(({ path }) => !existsSync(join(folder, path.replace(/^dist/, "src").replace(/(?:\.js|\.d\.ts)$/, ".ts"))))
    .map(({ path }) => `${path} has no source any more: remove dist and build again`);
}

async function publintFaults(tarball, manifest) {
  const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer } });
  return messages.map((message) => `publint: ${formatMessage(message, pkg ?? manifest, { color: false })}`);
}

/** Are the types wrong? The packages are ESM alone, which Node.js 20.19 and later take from `require` too. */
function attwFaults(tarball) {
  const manifest = require.resolve("@arethetypeswrong/cli/package.json");
  const cli = join(dirname(manifest), JSON.parse(read(manifest)).bin.attw);
  try {
    run(process.execPath, [cli, tarball, "--profile", "esm-only", "--format", "ascii", "--no-color"], ROOT);
    return [];
  } catch (error) {
    return [`attw: ${error.stdout || error.stderr || error.message}`];
  }
}

async function release() {
  const into = values.into ?? mkdtempSync(join(tmpdir(), "tenure-release-"));
  const faults = [];
  const packed = [];
  try {
    for (const found of publishable()) {
      const { folder, manifest } = found;
      const [{ filename, files, size, unpackedSize }] = JSON.parse(
        run("npm", ["pack", "--json", "--pack-destination", into], folder),
      );
      const tarball = join(into, filename);
      const all = [
        ...manifestFaults(found),
        ...staleFiles(folder, files),
        ...(await publintFaults(tarball, manifest)),
        ...(manifest.exports ? attwFaults(tarball) : []),
      ];
      faults.push(...all.map((fault) => `${manifest.name}: ${fault}`));
      packed.push({ manifest, tarball });
      const kb = (bytes) => `${Math.ceil(bytes / 1024)} kB`;
      console.log(
        `${manifest.name} ${manifest.version}: ${files.length} files, ${kb(size)}, unpacked ${kb(unpackedSize)}`,
      );
      const entries = Object.keys(manifest.exports ?? {});
      if (entries.length > 0) console.log(`  entries  ${entries.length}: ${entries.join(" ")}`);
      for (const [name, file] of Object.entries(manifest.bin ?? {})) console.log(`  program  ${name}: ${file}`);
      for (const [peer, range] of Object.entries(manifest.peerDependencies ?? {}))
        console.log(
          `  peer     ${peer} ${range}${manifest.peerDependenciesMeta?.[peer]?.optional ? " (optional)" : ""}`,
        );
      if (manifest.private) console.log("  private: remove that from its package.json to publish it");
    }
    for (const fault of faults) console.error(fault);
    if (faults.length > 0) return 1;
    if (values["dry-run"]) {
      console.log(`checked and not published: ${packed.map(({ tarball }) => tarball).join(" ")}`);
      return 0;
    }
    const held = packed.filter(({ manifest }) => manifest.private).map(({ manifest }) => manifest.name);
    if (held.length > 0) {
      console.error(`not published, since these are private: ${held.join(", ")}. Use --dry-run to check them only.`);
      return 1;
    }
    for (const { tarball } of packed) console.log(run("npm", ["publish", tarball, "--access", "public"], ROOT));
    return 0;
  } finally {
    if (!values.into) rmSync(into, { recursive: true, force: true });
  }
}

process.exitCode = await release();
