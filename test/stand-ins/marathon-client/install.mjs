/**
 * Installs the public Marathon client, at the versions in requirements.txt, into the clone's `.local`; prints the folder.
 * Does nothing if it is there. Needs PyPI and pip, so it is run before the tests enter a network of their own.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url));
const version = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
const folder = fileURLToPath(new URL(`../../../.local/test-packages/${version}`, import.meta.url));

if (!existsSync(folder)) {
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    const options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--root-user-action=ignore", "--target", unfinished, "--requirement", requirements];
    execFileSync("python3", ["-m", "pip", "install", ...options], { stdio: ["ignore", "ignore", "inherit"], timeout: 300_000 });
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
console.log(folder);
