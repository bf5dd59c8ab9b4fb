/**
 * `npm run images -- save FILE | load FILE | build [--stack NAME]`: carries a stack's images to a machine without a network,
 * in one file, as `docker save` writes it; builds those that no registry has.
 */
import "./node-version.mjs";

import { existsSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { dependencies } from "./dependencies.mjs";
import { ask, docker } from "./docker-client.mjs";
import { dockerEngine } from "./docker-engine.mjs";
import { alone } from "./files.mjs";
import { buildImages, builtImages } from "./images.mjs";
import { note } from "./ledger.mjs";
import { root } from "./paths.mjs";
import { automaticImageSet, checkStack, rememberedStack, setting, takeStack } from "./stack.mjs";
import { main, Problem, say, step } from "./terminal.mjs";

const usage =
  "npm run images -- save FILE writes the images of a stack into a file, npm run images -- load FILE takes them out of it, " +
  "npm run images -- build builds those that no registry has (--build-arg NAME=VALUE as docker build takes it); --stack NAME says which stack.";

/**
 * The names of a stack's images, as its file configures them, and the folders that some are built from: then also of the
 * others that are, so that nothing has to be built where they are loaded.
 * @param {string} stack
 * @param {string} dockerHost where images are chosen, if they are
 * @returns {Promise<{ name: string, images: string[], folders: string[] }>} name: of the image set
 * @throws Problem where the file configures no image set that there is
 */
export async function stackImages(stack, dockerHost) {
  const { tsImport } = await import("tsx/esm/api");
  const { foldersOf, fromRegistry, imageSets, imagesOf } = /** @type {typeof import("../components/images.js")} */ (await tsImport("../components/images.ts", import.meta.url));
  const configured = setting(stack, "imageSet") || "tutorial";
  const name = configured === "auto" ? await automaticImageSet(stack, dockerHost) : configured;
  const file = setting(stack, "customImageSet");
  let imageSet = imageSets[name];
  if (name === "custom") {
    const { customImageSet } = await tsImport("../components/custom-images.ts", import.meta.url);
    if (!file || !existsSync(join(root, file))) {
      throw new Problem(`The stack ${stack} describes its images in ${file || "no file"} (customImageSet), which is not there.`);
    }
    const { imageSet: described, problems } = customImageSet(readFileSync(join(root, file), "utf8"));
    if (problems.length > 0) {
      throw new Problem(`${file} describes no image set:\n${problems.map((/** @type {string} */ problem) => `  - ${problem}`).join("\n")}`);
    }
    imageSet = described;
  }
  if (!imageSet) {
    throw new Problem(`The stack ${stack} is configured with the image set ${name}, and there is none of that name.`);
  }
  const registry = setting(stack, "imageRegistry");
  const set = registry ? fromRegistry(imageSet, registry) : imageSet;
  const folders = foldersOf(set);
  return { name, images: [...new Set([...imagesOf(set), ...folders.flatMap(builtImages)])], folders };
}

/**
 * Which of these images a Docker Engine has, with their sizes in bytes; undefined: it has not.
 * @param {string} dockerHost
 * @param {string[]} images
 * @returns {Promise<(number | undefined)[]>}
 */
async function sizes(dockerHost, images) {
  const found = await Promise.all(images.map((image) => ask(dockerHost, `/images/${image}/json`)));
  if (found.every(({ status }) => status === 200 || status === 404)) {
    return found.map(({ status, body }) => (status === 200 ? body.Size : undefined));
  }
  // An engine that is only reached through the docker CLI.
  return Promise.all(images.map((image) => docker(dockerHost, ["image", "inspect", "--format", "{{.Size}}", image]).then(Number, () => undefined)));
}

/** @param {number} bytes */
const megabytes = (bytes) => (bytes < 1e6 ? "less than 1 MB" : `${Math.round(bytes / 1e6)} MB`);

/**
 * Writes images into a file; those that are not there are pulled first.
 * @param {string} dockerHost
 * @param {string[]} images
 * @param {string} file
 * @param {{ theirs?: boolean }} [options] theirs: whether it is a person's engine, so that pulled images are noted; default: true
 * @throws Problem where the file exists, or an image can neither be found nor pulled: then nothing is written
 */
export async function save(dockerHost, images, file, { theirs = true } = {}) {
  if (existsSync(file)) {
    throw new Problem(`${file} exists already: write another name, or remove it.`);
  }
  const there = await sizes(dockerHost, images);
  for (const image of images.filter((_, index) => there[index] === undefined)) {
    await step(image, { doing: "docker pull", usually: "1 minute" }, () =>
      docker(dockerHost, ["pull", "--quiet", image], {
        failed: `${image} is not here and could not be pulled. Where its registry asks for a password, docker login first`,
      }),
    );
    theirs && note({ kind: "image", name: image, dockerHost });
  }
  const partial = `${file}.partial`;
  try {
    await step("Images", { doing: "docker save", usually: "30 seconds" }, () =>
      docker(dockerHost, ["save", "--output", partial, ...images], { failed: `The images could not be written to ${file}` }),
    );
    renameSync(partial, file);
  } finally {
    rmSync(partial, { force: true });
  }
  (await sizes(dockerHost, images)).forEach((size, index) => say(`  ${images[index]}  ${megabytes(size ?? 0)}`));
  say(`${images.length} images in ${file}, ${megabytes(statSync(file).size)}: what they share is in it once.`);
}

/**
 * Takes images out of a file into a Docker Engine.
 * @param {string} dockerHost
 * @param {string[]} wanted the images that should be there afterwards
 * @param {string} file
 * @param {{ theirs?: boolean }} [options] theirs: whether it is a person's engine, so that new images are noted; default: true
 * @throws Problem where the file cannot be read, or one of them is still not there
 */
export async function load(dockerHost, wanted, file, { theirs = true } = {}) {
  if (!existsSync(file)) {
    throw new Problem(`There is no file ${file}.`);
  }
  const before = await sizes(dockerHost, wanted);
  const told = await step("Images", { doing: `docker load, ${megabytes(statSync(file).size)}`, usually: "30 seconds" }, () =>
    docker(dockerHost, ["load", "--input", file], { failed: `${file} could not be read. Was it written by npm run images -- save, and copied whole?` }),
  );
  const loaded = [...told.matchAll(/^Loaded image: (.+)$/gm)].map(([, name]) => name);
  const after = await sizes(dockerHost, wanted);
  if (theirs) {
    note(...wanted.filter((_, index) => before[index] === undefined && after[index] !== undefined).map((name) => ({ kind: /** @type {const} */ ("image"), name, dockerHost })));
  }
  loaded.forEach((name) => say(`  ${name}`));
  const missing = wanted.filter((_, index) => after[index] === undefined);
  if (missing.length > 0) {
    throw new Problem(`Still not here: ${missing.join(", ")}. The file was saved for another stack, it seems: name that one with --stack NAME.`);
  }
}

/**
 * What the command line asks for.
 * @param {string[]} args
 * @returns {{ verb: "save" | "load" | "build", file: string, buildArgs: string[], asked: string | undefined }}
 * @throws Problem with how it is used
 */
export function request(args) {
  const { asked, rest } = takeStack(args);
  const [verb, ...more] = rest;
  if (verb === "build") {
    const buildArgs = more.flatMap((arg, index) => (arg === "--build-arg" && more[index + 1]?.includes("=") ? [more[index + 1]] : []));
    if (more.length === 2 * buildArgs.length) {
      return { verb, file: "", buildArgs, asked };
    }
  } else if ((verb === "save" || verb === "load") && more.length === 1 && !more[0].startsWith("-")) {
    return { verb, file: more[0], buildArgs: [], asked };
  }
  throw new Problem(usage);
}

if (process.argv[1]?.endsWith("bundle.mjs")) {
  await main(() =>
    alone("setup", "is setting things up", async () => {
      const { verb, file, buildArgs, asked } = request(process.argv.slice(2));
      const stack = asked ?? rememberedStack() ?? "dev";
      checkStack(stack);
      await dependencies();
      const dockerHost = await dockerEngine(setting(stack, "dockerHost"));
      const { name, images, folders } = await stackImages(stack, dockerHost);
      say(`Stack ${stack}, image set ${name} (--stack NAME chooses another)`);
      if (verb === "load") {
        await load(dockerHost, images, file);
        say(`All images of the stack are here. To run it: npm run up -- --stack ${stack}`);
        return;
      }
      for (const folder of folders) {
        await buildImages(folder, dockerHost, { buildArgs });
      }
      if (verb === "save") {
        await save(dockerHost, images, file);
        say(`On the other machine, in a clone of this project: npm run images -- load FILE --stack ${stack}`);
      } else if (folders.length === 0) {
        say("All of its images come from a registry: there is nothing to build.");
      }
    }),
  );
}
