/** Images that no registry has, built on the spot: for the rehearsal a Debian base with mmdebstrap, then the targets of a folder's Dockerfile. */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { asRoot, run } from "./child.mjs";
import { needMmdebstrap } from "./debian.mjs";
import { ask, docker } from "./docker-client.mjs";
import { hashOf, needRoom } from "./files.mjs";
import { note } from "./ledger.mjs";
import { local, root } from "./paths.mjs";
import { road, say, step } from "./terminal.mjs";

/** What every image is built from: Debian with what the real ZooKeeper and the stand-ins need. */
const base = {
  name: "mesos-marathon/rehearsal-base:bookworm",
  suite: "bookworm",
  packages: ["openjdk-17-jre-headless", "zookeeper", "python3", "python3-kazoo", "curl"],
  /** Recommended packages would make it twice the size: one of them recommends Docker itself. */
  options: ['--aptopt=APT::Install-Recommends "false"', "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*"],
};

/**
 * Every image by the folder whose Dockerfile makes it, with its target there; for the stand-ins also the version whose
 * dialect they speak.
 * @type {Record<string, { name: string, target: string, version?: string }[]>}
 */
const targets = {
  rehearsal: [
    { name: "mesos-marathon/rehearsal-zookeeper:3.8.0", target: "zookeeper" },
    { name: "mesos-marathon/stand-in-mesos-master:1.11.0", target: "mesos-master", version: "1.11.0" },
    { name: "mesos-marathon/stand-in-mesos-slave:1.11.0", target: "mesos-slave", version: "1.11.0" },
    { name: "mesos-marathon/stand-in-marathon:1.11.0", target: "marathon", version: "1.11.0" },
    { name: "mesos-marathon/stand-in-mesos-master:0.23.0", target: "mesos-master", version: "0.23.0" },
    { name: "mesos-marathon/stand-in-mesos-slave:0.23.0", target: "mesos-slave", version: "0.23.0" },
    { name: "mesos-marathon/stand-in-marathon:0.10.0", target: "marathon", version: "0.10.0" },
  ],
  modern: [
    { name: "mesos-marathon/clusterd-mesos-master:1.11.0-0.9.0", target: "mesos-master" },
    { name: "mesos-marathon/clusterd-mesos-slave:1.11.0-0.9.0", target: "mesos-slave" },
  ],
};

/**
 * The names of all images that a folder makes; tasks of the rehearsal run in its base.
 * @param {string} folder
 */
export const builtImages = (folder) => [...(folder === "rehearsal" ? [base.name] : []), ...targets[folder].map(({ name }) => name)];

/** The label by which an image tells what it was made from. */
const recipeLabel = "mesos-marathon.recipe";

const baseRecipe = hashOf(JSON.stringify(base));

/**
 * What is to be built of a folder, with the recipe of each: what an engine lacks, or has from other sources; with build
 * arguments all of it. Those are no part of a recipe: whoever runs `npm run up` later, or has only loaded the images, gives none.
 * @param {string} folder
 * @param {Record<string, string>} there what the engine has: name → recipe
 * @param {string[]} buildArgs
 */
export function toBuild(folder, there, buildArgs) {
  const recipe = hashOf(...(folder === "rehearsal" ? [baseRecipe] : []), ...sources(join(root, folder)));
  return targets[folder]
    .map((target) => ({ ...target, recipe: hashOf(recipe, target.version ?? "") }))
    .filter(({ name, recipe }) => buildArgs.length > 0 || there[name] !== recipe);
}

/**
 * Makes sure that a Docker Engine has every image that a folder makes, made from what lies in the folder now.
 * @param {string} folder
 * @param {string} dockerHost
 * @param {{ theirs?: boolean, buildArgs?: string[] }} [options] theirs: whether it is a person's engine, so that the images
 *   are noted; default: true. buildArgs: `NAME=VALUE`, for a mirror of what `modern` is made of
 */
export async function buildImages(folder, dockerHost, { theirs = true, buildArgs = [] } = {}) {
  const onBase = folder === "rehearsal";
  const there = await recipes(dockerHost);
  const noted = (/** @type {string} */ name) => theirs && note({ kind: "image", name, dockerHost });
  const missing = toBuild(folder, there, buildArgs);
  const what = `${folder[0].toUpperCase()}${folder.slice(1)} images`;
  if (missing.length === 0) {
    road(what, "there already");
    return;
  }
  if (onBase && there[base.name] !== baseRecipe) {
    const rootfs = await rootFileSystem(baseRecipe);
    await step("Base image", { doing: "docker import", usually: "10 seconds" }, () =>
      docker(dockerHost, ["import", "--change", `LABEL ${recipeLabel}=${baseRecipe}`, rootfs, base.name]),
    );
    noted(base.name);
  }
  await step(what, onBase ? { doing: "docker build", usually: "15 seconds" } : { doing: "docker build from its vendor's packages, never tried", usually: "a few minutes" }, async (progress) => {
    for (const [index, { name, target, version, recipe }] of missing.entries()) {
      progress(`${index + 1} of ${missing.length}`);
      const build = ["build", "--quiet", ...(onBase ? ["--network", "none"] : []), "--target", target, "--tag", name];
      const args = [...(version ? [`VERSION=${version}`] : []), ...buildArgs].flatMap((arg) => ["--build-arg", arg]);
      const label = ["--label", `${recipeLabel}=${recipe}`];
      await docker(dockerHost, [...build, ...args, ...label, join(root, folder)], {
        // The builder that needs nothing but the engine; the other one is a plugin of the CLI, with images of its own.
        env: { DOCKER_BUILDKIT: "0" },
        log: `build-${target}`,
        failed: onBase
          ? `The image ${name} could not be built`
          : `The image ${name} could not be built. ${folder}/Dockerfile is from sources, and nobody has been seen to build it: where its vendor has ` +
            "moved, name the new place with npm run images -- build --build-arg PACKAGES=URL, or mend it",
      });
      noted(name);
    }
  });
}

/**
 * What each of our images in an engine was made from: name → recipe.
 * @param {string} dockerHost
 * @returns {Promise<Record<string, string>>}
 */
async function recipes(dockerHost) {
  const filters = encodeURIComponent(JSON.stringify({ label: [recipeLabel] }));
  const { status, body } = await ask(dockerHost, `/images/json?filters=${filters}`);
  if (status === 200) {
    return Object.fromEntries(
      body.flatMap((/** @type {any} */ { RepoTags, Labels }) => (RepoTags ?? []).map((/** @type {string} */ name) => [name, Labels[recipeLabel]])),
    );
  }
  const listed = await docker(dockerHost, ["images", "--filter", `label=${recipeLabel}`, "--format", "{{.Repository}}:{{.Tag}}"]);
  const names = listed.split("\n").filter((name) => name && !name.includes("<none>"));
  const labels = names.length > 0 ? await docker(dockerHost, ["inspect", "--format", `{{index .Config.Labels "${recipeLabel}"}}`, ...names]) : "";
  return Object.fromEntries(labels.split("\n").map((label, index) => [names[index], label]));
}

/**
 * The base's file system, kept in `.local/cache` for the next Docker Engine that wants it.
 * @param {string} recipe
 * @returns {Promise<string>} a tar file
 */
async function rootFileSystem(recipe) {
  const folder = local("cache");
  const path = join(folder, `rootfs-${recipe}.tar`);
  mkdirSync(folder, { recursive: true });
  if (statSync(path, { throwIfNoEntry: false })) {
    return path;
  }
  needRoom(folder, 3, "Building the base image");
  await needMmdebstrap("Building the base image without a registry");
  for (const name of readdirSync(folder).filter((name) => name.startsWith("rootfs-"))) {
    rmSync(join(folder, name), { force: true });
  }
  const partial = `${path}.partial`;
  const options = ["--variant=minbase", `--include=${base.packages.join(",")}`, ...base.options];
  if (process.getuid?.() !== 0) {
    say("mmdebstrap builds the base image as root, through sudo: nothing outside the clone is changed by it");
  }
  await step("Base image", { doing: "mmdebstrap", usually: "70 seconds" }, (progress) =>
    run(asRoot(["mmdebstrap", "--mode=root", "--format=tar", ...options, base.suite, partial], "Building the base image"), {
      log: "mmdebstrap",
      failed: "mmdebstrap could not build the base image. Is the Debian archive reachable?",
      onLine: (line) => {
        const told = /^I: (running apt-get update|downloading|extracting|installing|cleaning|creating)/.exec(line);
        told && progress(line.slice(3).replace(/\.+$/, ""));
      },
    }),
  );
  renameSync(partial, path);
  return path;
}

/**
 * Everything in a folder, names and contents, in an order of its own.
 * @param {string} folder
 * @returns {(string | Buffer)[]}
 */
function sources(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .filter(({ name }) => name !== "__pycache__")
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? [entry.name, ...sources(path)] : [entry.name, readFileSync(path)];
    });
}
