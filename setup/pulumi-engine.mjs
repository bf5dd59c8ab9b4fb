/** The Pulumi CLI and its Node language host: those on PATH, else built from their Go modules into `.local/bin`. */

import { mkdirSync, renameSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

import { run, which } from "./child.mjs";
import { hashOf, needRoom, readIfThere, writeWhole } from "./files.mjs";
import { local, root } from "./paths.mjs";
import { Problem, road, say, step } from "./terminal.mjs";

/**
 * What is built. Each has a small Go module of its own, whose go.mod names the version and whose go.sum the checksums.
 * They cannot share one: the language host is from the last release in which its module can be had.
 */
const builds = [
  {
    program: "pulumi",
    module: "cli",
    package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    from: "github.com/pulumi/pulumi/pkg/v3",
    versionVariable: "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
    usually: "4 to 8 minutes",
  },
  {
    program: "pulumi-language-nodejs",
    module: "language-host",
    package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
    from: "github.com/pulumi/pulumi/sdk/v3",
    versionVariable: "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
    usually: "45 seconds",
  },
];

/** Go's first release that fetches a newer one by itself where a module asks for it. */
const oldestGo = "1.21";

/**
 * Whether a version is at least another one; text behind the third number does not count.
 * @param {string} version such as v3.259.0
 * @param {string} least such as 3.150.0
 */
export function isAtLeast(version, least) {
  const [a, b] = [version, least].map((text) => (/(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? []).slice(1).map((part) => Number(part ?? 0)));
  const difference = [0, 1, 2].map((index) => (a[index] ?? -1) - (b[index] ?? 0)).find((number) => number !== 0);
  return difference === undefined || difference > 0;
}

/** Oldest CLI that this project runs on, as Pulumi.yaml says. */
const oldestCli = () => /^requiredPulumiVersion:.*?(\d+\.\d+\.\d+)/m.exec(readIfThere(join(root, "Pulumi.yaml")) ?? "")?.[1] ?? "3.150.0";

/**
 * Makes sure that there is an engine.
 * @returns {Promise<string | undefined>} the folder to put in front of PATH, or undefined where PATH has it
 * @throws Problem where it can be had neither way
 */
export async function pulumiEngine() {
  const found = await onPath();
  if (found && isAtLeast(found.version, oldestCli())) {
    road("Pulumi CLI", `${found.version} on PATH`);
    return undefined;
  }
  const toBuild = builds.filter((build) => readIfThere(stampOf(build)) !== recipeOf(build) || !statSync(local("bin", build.program), { throwIfNoEntry: false }));
  if (toBuild.length === 0) {
    road("Pulumi CLI", "built earlier");
    return local("bin");
  }
  if (found) {
    say(`The Pulumi CLI on PATH is ${found.version}, and this project needs ${oldestCli()} or newer.`);
  }
  await checkGo(found !== undefined);
  mkdirSync(local("bin"), { recursive: true });
  needRoom(local(), 4, "Building the Pulumi CLI");
  for (const build of toBuild) {
    await buildFromModules(build);
  }
  return local("bin");
}

/**
 * The CLI on PATH and its version, where the Node language host is there too. Its version is asked once for each file:
 * that takes 0.4 seconds.
 */
async function onPath() {
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== local("bin")).join(delimiter);
  const pulumi = which("pulumi", path);
  if (!pulumi || !which("pulumi-language-nodejs", path)) {
    return undefined;
  }
  const { mtimeMs, size } = statSync(pulumi);
  const file = hashOf(pulumi, String(mtimeMs), String(size));
  const noted = local("pulumi-on-path.json");
  const known = JSON.parse(readIfThere(noted) ?? "{}");
  if (known.file === file) {
    return { version: /** @type {string} */ (known.version) };
  }
  const version = await run([pulumi, "version"], { env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" } }).catch(() => "0.0.0");
  writeWhole(noted, JSON.stringify({ file, version }));
  return { version };
}

/** @param {boolean} tooOld whether there is a CLI, but an old one */
async function checkGo(tooOld) {
  const others =
    `${tooOld ? "Update" : "Install"} Pulumi, ${oldestCli()} or newer (https://www.pulumi.com/docs/install/), or install Go ${oldestGo} or newer ` +
    "(https://go.dev/doc/install): then this builds Pulumi from source.";
  if (!which("go")) {
    throw new Problem(`There is ${tooOld ? "no Pulumi CLI that is new enough" : "no Pulumi CLI"} on PATH, and no Go to build one with. ${others}`);
  }
  const version = await run(["go", "env", "GOVERSION"], { cwd: local(), env: { ...process.env, GOTOOLCHAIN: "local" } });
  if (!isAtLeast(version, oldestGo)) {
    throw new Problem(`The Go on PATH, ${version}, is too old to build the Pulumi CLI. ${others}`);
  }
}

/** @typedef {typeof builds[number]} Build */

/** @param {Build} build */
const folderOf = ({ module }) => join(root, "setup", "pulumi-engine", module);

/** @param {Build} build */
const stampOf = ({ program }) => local("bin", `.${program}.recipe`);

/** @param {Build} build */
const recipeOf = (build) => hashOf(JSON.stringify(build), ...["go.mod", "go.sum"].map((name) => readIfThere(join(folderOf(build), name)) ?? ""));

/**
 * Builds one program. What was downloaded and compiled stays in Go's own caches, so a run that is cut off is resumed.
 * @param {Build} build
 */
async function buildFromModules(build) {
  const version = new RegExp(`^\\s*${build.from} (v\\S+)`, "m").exec(readIfThere(join(folderOf(build), "go.mod")) ?? "")?.[1];
  const target = local("bin", build.program);
  const options = {
    cwd: folderOf(build),
    log: `build-${build.program}`,
    // Nothing of the person's own Go settings may change what is built; where modules come from is theirs.
    env: { ...process.env, GOFLAGS: "-mod=readonly", GOWORK: "off", CGO_ENABLED: "0" },
  };
  await step(build.program === "pulumi" ? "Pulumi CLI" : "Node language host", { doing: `built from Go modules, ${version}`, usually: build.usually }, async (progress) => {
    let count = 0;
    const packages = await run(["go", "list", "-deps", build.package], {
      ...options,
      failed: "Go could not download the modules. Is the Go module proxy reachable (go env GOPROXY)?",
      onLine: (line) => line.startsWith("go: downloading") && progress(`downloading module ${++count}`),
    });
    const all = packages.split("\n").length;
    count = 0;
    await run(
      ["go", "build", "-v", "-buildvcs=false", "-ldflags", `-s -w -X ${build.versionVariable}=${version}`, "-o", `${target}.partial`, build.package],
      { ...options, failed: "Go could not build it", onLine: (line) => /^[\w.]+(\/\S+)?$/.test(line) && progress(`compiled ${++count} of at most ${all} packages`) },
    );
    renameSync(`${target}.partial`, target);
    writeWhole(stampOf(build), recipeOf(build));
  });
}
