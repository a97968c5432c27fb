/** A folder outside the repository into which packages are installed: tens of thousands of small files, that are soon removed again. */
import { mkdtempSync, realpathSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const IN_MEMORY = "/dev/shm";
/** More than all that the tests install at a time. A container has 64 MB there, unless somebody asks for more. */
const NEEDED_BYTES = 4 * 1024 ** 3;

/** A new folder, in memory where there is room, since on a busy disk to remove it takes as long as to fill it. The caller removes it. */
export function installFolder(prefix: string): string {
  return realpathSync(mkdtempSync(join(isRoomInMemory() ? IN_MEMORY : tmpdir(), prefix)));
}

function isRoomInMemory(): boolean {
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    return bavail * bsize > NEEDED_BYTES;
  } catch {
    return false;
  }
}
