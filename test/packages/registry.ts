/**
 * An npm registry on loopback, so that what the documents have a newcomer type runs as it stands and without a network: it has the
 * packed packages of this repository, and each package that package-lock.json names, from npm's cache or from node_modules.
 */
import { execFile, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../docs/markdown.ts";

interface Manifest {
  name: string;
  version: string;
  files?: string[];
  [field: string]: unknown;
}

/** A version of a package: what npm is told of it, and where its tarball is or what it is made from. */
interface Version {
  manifest: Manifest;
  integrity: string | undefined;
  tarball: { file: string } | { folder: string };
}

export interface Registry {
  url: string;
  close(): void;
}

/** Packs the packages of this repository that others install, as `npm run release` does, and serves them and their dependencies. */
export async function startRegistry(): Promise<Registry> {
  const folder = mkdtempSync(join(tmpdir(), "registry-"));
  const versions = new Map<string, Version[]>();
  const add = (version: Version) => {
    const { name } = version.manifest;
    versions.set(name, [...(versions.get(name) ?? []), version]);
  };
  for (const version of await packOwn(folder)) add(version);
  for (const version of locked()) add(version);

  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? "").slice(1));
    const [name = "", file] = path.split("/-/");
    const of = versions.get(name);
    const host = `http://${request.headers.host}`;
    if (of && file === undefined) return sendJson(response, 200, packument(name, of, host));
    const version = of?.find(({ manifest }) => `${manifest.version}.tgz` === file);
    if (version) return sendTarball(response, version);
    sendJson(response, 404, { error: `${path} is not in this registry` });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function packOwn(into: string): Promise<Version[]> {
  const folders = readdirSync(join(ROOT, "packages")).map((name) => join(ROOT, "packages", name));
  const read = (folder: string) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  const packed = folders.filter((folder) => existsSync(join(folder, "package.json")) && read(folder).files);
  return Promise.all(
    packed.map(async (folder) => {
      const args = ["pack", "--json", "--pack-destination", into];
      const { stdout } = await promisify(execFile)("npm", args, { cwd: folder });
      const [{ filename, integrity }] = JSON.parse(stdout) as [{ filename: string; integrity: string }];
      return { manifest: read(folder), integrity, tarball: { file: join(into, filename) } };
    }),
  );
}

/** The packages of package-lock.json: each place of node_modules is a version of a package. */
function locked(): Version[] {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Record<string, Manifest & { integrity?: string; link?: boolean }>;
  };
  const cache = execFileSync("npm", ["config", "get", "cache"], { encoding: "utf8" }).trim();
  const seen = new Set<string>();
  return Object.entries(packages).flatMap(([place, { integrity, link, ...entry }]): Version[] => {
    const name = place.split("node_modules/").at(-1) ?? "";
    const id = `${name}@${entry.version}`;
    if (!place.includes("node_modules/") || link || seen.has(id)) return [];
    seen.add(id);
    const manifest = { ...entry, name };
    const file = integrity && join(cache, "_cacache/content-v2", contentPath(integrity));
    if (file && existsSync(file)) return [{ manifest, integrity, tarball: { file } }];
    // npm takes what comes without a hash of it.
    return [{ manifest, integrity: undefined, tarball: { folder: join(ROOT, place) } }];
  });
}

/** The path at which npm's cache keeps bytes of this hash. */
function contentPath(integrity: string): string {
  const [algorithm = "", digest = ""] = integrity.split("-");
  const hex = Buffer.from(digest, "base64").toString("hex");
  return join(algorithm, hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
}

const packument = (name: string, versions: Version[], host: string) => ({
  name,
  "dist-tags": { latest: versions.at(-1)?.manifest.version },
  versions: Object.fromEntries(
    versions.map(({ manifest, integrity }) => [
      manifest.version,
      {
        ...manifest,
        dist: { tarball: `${host}/${name}/-/${manifest.version}.tgz`, ...(integrity && { integrity }) },
      },
    ]),
  ),
});

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  const etag = createHash("sha256").update(text).digest("hex");
  response.writeHead(status, { "Content-Type": "application/json", ETag: `"${etag}"` }).end(text);
}

function sendTarball(response: ServerResponse, { tarball }: Version): void {
  response.setHeader("Content-Type", "application/octet-stream");
  if ("file" in tarball) return void response.end(readFileSync(tarball.file));
  const tar = spawn("tar", [
    "-cz",
    "--exclude=./node_modules",
    "--transform=s,^\\.,package,",
    "-C",
    tarball.folder,
    ".",
  ]);
  tar.stdout.pipe(response);
}
