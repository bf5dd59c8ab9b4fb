/** Docker Compose to compare with: Docker's plugin where it is there, else built from its Go module into `.local/bin`. */

import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";

import { run, which } from "../setup/child.mjs";
import { hashOf, readIfThere, writeWhole } from "../setup/files.mjs";
import { local, root } from "../setup/paths.mjs";
import { Problem, say, step } from "../setup/terminal.mjs";

const folder = join(root, "bench", "compose");

/**
 * The command that runs Compose.
 * @returns {Promise<{ command: string[], version: string } | undefined>} undefined where it cannot be had; a line says why
 */
export async function compose() {
  const plugin = await run(["docker", "compose", "version", "--short"]).catch(() => undefined);
  if (plugin) {
    return { command: ["docker", "compose"], version: plugin };
  }
  try {
    const program = await built();
    return { command: [program], version: await run([program, "version", "--short"]) };
  } catch (error) {
    if (!(error instanceof Problem)) {
      throw error;
    }
    say(`Without Docker Compose: ${error.message}`);
    return undefined;
  }
}

async function built() {
  const target = local("bin", "docker-compose");
  const stamp = local("bin", ".docker-compose.recipe");
  const [module, sums] = ["go.mod", "go.sum"].map((name) => readIfThere(join(folder, name)) ?? "");
  const recipe = hashOf(module, sums);
  if (readIfThere(stamp) === recipe) {
    return target;
  }
  if (!which("go")) {
    throw new Problem("there is no plugin of that name, and no Go to build it with");
  }
  const version = /docker\/compose\/v2 (v\S+)/.exec(module)?.[1];
  mkdirSync(local("bin"), { recursive: true });
  await step("Docker Compose", { doing: `built from its Go module, ${version}`, usually: "4 to 8 minutes" }, () =>
    run(["go", "build", "-buildvcs=false", "-ldflags", `-s -w -X github.com/docker/compose/v2/internal.Version=${version}`, "-o", `${target}.partial`, "github.com/docker/compose/v2/cmd"], {
      cwd: folder,
      env: { ...process.env, GOFLAGS: "-mod=readonly", GOWORK: "off", CGO_ENABLED: "0" },
      log: "build-compose",
      failed: "it could not be built from its Go module",
    }),
  );
  renameSync(`${target}.partial`, target);
  writeWhole(stamp, recipe);
  return target;
}
