import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

import { project } from "./pulumi-yaml";

/**
 * Runs a script of `checks/` by the very command that is in every stack's state, in a shell as the command provider
 * does, told nothing but this environment.
 */
export function runCheck(check: "ready" | "teardown" | "renewal", environment: Record<string, string>, folder = project) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const shell = spawn("/bin/sh", ["-c", `node -e 'import("mesos-marathon/checks/${check}.mjs")'`], {
      cwd: folder,
      env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    shell.stdout.on("data", (data) => (stdout += data));
    shell.stderr.on("data", (data) => (stderr += data));
    shell.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** The folder of another package that has this one installed, as a link. It ends with the test. */
export function otherPackage(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "package-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(project, join(folder, "node_modules", "mesos-marathon"));
  return folder;
}
