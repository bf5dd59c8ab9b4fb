/** The docker client that the Mesos slave is to be given, as this machine has it. */

import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { promisify } from "node:util";

export interface SeenClient {
  readonly problem?: "missing" | "no program" | "needs libraries";
  /** Absent where it does not say, and of a script, which is not run. */
  readonly version?: string;
}

/** @param path on this machine */
export async function lookAtClient(path: string): Promise<SeenClient> {
  const file = await open(path).catch(() => undefined);
  if (!file) {
    return { problem: "missing" };
  }
  const head = Buffer.alloc(4096);
  const isProgram = await file
    .stat()
    .then(async (stat) => stat.isFile() && (stat.mode & 0o111) !== 0 && (await file.read(head)).bytesRead > 4)
    .finally(() => file.close());
  const isScript = head.toString("latin1", 0, 2) === "#!";
  if (!isProgram || (!isScript && head.toString("latin1", 0, 4) !== "\x7fELF")) {
    return { problem: "no program" };
  }
  if (isScript) {
    return {};
  }
  if (needsLoader(head)) {
    return { problem: "needs libraries" };
  }
  const { stdout } = await promisify(execFile)(path, ["--version"], { timeout: 2_000 }).catch(() => ({ stdout: "" }));
  return { version: /version (\d+\.\d+(\.\d+)?)/.exec(stdout)?.[1] };
}

/** Whether a program is loaded by another one, which finds its libraries: elf(5), PT_INTERP, of 64 bits and low bytes first. */
function needsLoader(head: Buffer): boolean {
  const [table, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
  return Array.from({ length: count }, (_, index) => table + index * size).some((at) => at + 4 <= head.length && head.readUInt32LE(at) === 3);
}
