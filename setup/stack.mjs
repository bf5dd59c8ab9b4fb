/** Which stack `npm run up` and `npm run down` are about: chosen once, then kept. */

import { readdirSync } from "node:fs";
import { join } from "node:path";

import { ask } from "./docker-client.mjs";
import { readIfThere, writeWhole } from "./files.mjs";
import { local, root } from "./paths.mjs";
import { Problem } from "./terminal.mjs";

/** Milliseconds that the image registry is given to answer. */
const patience = 3_000;

const noted = local("stack");

/** The stack that was chosen in an earlier run, or undefined; one whose file is gone, as after `pulumi stack rm`, is nobody's choice. */
export const rememberedStack = () => {
  const stack = readIfThere(noted)?.trim();
  return stack && stackNames().includes(shortName(stack)) ? stack : undefined;
};

/** @param {string} stack */
export const rememberStack = (stack) => writeWhole(noted, `${stack}\n`);

/**
 * Takes `--stack NAME` (`--stack=NAME`, `-s NAME`) out of arguments for Pulumi.
 * @param {string[]} args
 * @returns {{ asked: string | undefined, rest: string[] }}
 */
export function takeStack(args) {
  const rest = [...args];
  let asked;
  for (let index = rest.length - 1; index >= 0; index--) {
    const [, together] = /^(?:--stack|-s)=(.+)$/.exec(rest[index]) ?? [];
    if (together !== undefined) {
      asked = together;
      rest.splice(index, 1);
    } else if (rest[index] === "--stack" || rest[index] === "-s") {
      if (rest[index + 1] === undefined) {
        throw new Problem(`${rest[index]} must be followed by the name of a stack: ${stackNames().join(" or ")}.`);
      }
      asked = rest[index + 1];
      rest.splice(index, 2);
    }
  }
  return { asked, rest };
}

/** Every stack that has a file. */
const stackNames = () => readdirSync(root).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);

/**
 * @param {string} stack with or without organization and project in front
 * @throws Problem where there is no file for it
 */
export function checkStack(stack) {
  if (!stackNames().includes(shortName(stack))) {
    throw new Problem(
      `There is no stack ${stack}: there are ${stackNames().join(", ")}. ` +
        `For one of your own, copy one of their files to Pulumi.${shortName(stack)}.yaml and change the copy.`,
    );
  }
}

/** @param {string} stack with or without organization and project in front */
export const shortName = (stack) => stack.slice(stack.lastIndexOf("/") + 1);

/**
 * A plain setting of this project in a stack's file; "" where it is not set.
 * @param {string} stack
 * @param {string} key without the project's name
 */
export function setting(stack, key) {
  const text = readIfThere(join(root, `Pulumi.${shortName(stack)}.yaml`)) ?? "";
  return new RegExp(`^\\s+mesos-marathon:${key}:\\s*(["']?)(.*?)\\1\\s*(?:#.*)?$`, "m").exec(text)?.[2] ?? "";
}

/**
 * Those of a stack's outputs that a person has use for, each in a line; what has parts is for programs.
 * @param {Record<string, unknown>} outputs
 */
export function outputLines(outputs) {
  const plain = Object.entries(outputs).filter(([, value]) => typeof value === "string");
  const width = Math.max(...plain.map(([name]) => name.length));
  return plain.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

/** @typedef {import("../components/choose-image-set.js").Sight} Sight */

const load = async () => {
  const { tsImport } = await import("tsx/esm/api");
  return {
    .../** @type {typeof import("../components/choose-image-set.js")} */ (await tsImport("../components/choose-image-set.ts", import.meta.url)),
    .../** @type {typeof import("../components/platforms.js")} */ (await tsImport("../components/platforms.ts", import.meta.url)),
    .../** @type {typeof import("../preflight/pullable.js")} */ (await tsImport("../preflight/pullable.ts", import.meta.url)),
  };
};

/** The stack of an image set that nobody asked for; the tutorial's is called dev. */
const stackOf = (/** @type {string} */ imageSet) => (imageSet === "tutorial" ? "dev" : imageSet);

/**
 * Which stack to run where nobody said, and why.
 * @param {Sight} sight
 * @returns {Promise<{ stack: string, why: string } | { problem: string }>}
 */
export async function chooseStack(sight) {
  const { chooseImageSet } = await load();
  const choice = chooseImageSet(sight);
  if ("imageSet" in choice) {
    return { stack: stackOf(choice.imageSet), why: choice.why };
  }
  return {
    problem: [
      "This host can run none of the image sets as it is:",
      ...choice.reasons.map((reason) => `  - ${reason}`),
      "Ways out:",
      ...choice.cures.map((cure) => `  - ${cure}`),
      "  - another Docker Engine: name it in DOCKER_HOST",
      "  - npm run up -- --stack rehearsal: images built on the spot, with real ZooKeeper and stand-ins for Mesos and Marathon",
      "  - npm run up -- --stack dev: try the tutorial's images all the same",
    ].join("\n"),
  };
}

/**
 * The image set that `auto` stands for in a stack: the one whose containers are there, else as the program chooses it.
 * @param {string} stack
 * @param {string} dockerHost
 * @throws Problem where there is none
 */
export async function automaticImageSet(stack, dockerHost) {
  const { choosableImageSets, chooseImageSet, setOfImages } = await load();
  const sets = choosableImageSets(setting(stack, "imageRegistry"));
  const filters = encodeURIComponent(JSON.stringify({ label: ["mesos-marathon.project=mesos-marathon", `mesos-marathon.stack=${shortName(stack)}`] }));
  const { status, body } = await ask(dockerHost, `/containers/json?all=true&filters=${filters}`);
  const there = setOfImages(status === 200 ? body.map((/** @type {any} */ { Image }) => Image) : [], sets);
  if (there) {
    return there;
  }
  const choice = chooseImageSet(await look(dockerHost, { sets, hasPassword: setting(stack, "imageRegistryUsername") !== "" }), sets);
  if ("imageSet" in choice) {
    return choice.imageSet;
  }
  throw new Problem(`The image set of stack ${stack} is auto, and this host can run none as it is:\n${choice.reasons.map((reason) => `  - ${reason}`).join("\n")}`);
}

/**
 * Looks at what the choice depends on. Whether an image registry can be reached is asked of the Docker Engine: only it
 * knows its mirrors, proxies and certificates.
 * @param {string} dockerHost
 * @param {{ sets?: import("../components/index.js").ImageSet[], hasPassword?: boolean }} [options] sets: default: every one, as
 *   nobody renames its images. hasPassword: whether the stack has one for the registry, which only Pulumi can read
 * @returns {Promise<Sight>}
 */
export async function look(dockerHost, { sets, hasPassword = false } = {}) {
  const { platformOf, pullAnswer, reach, telltales } = await load();
  const [version, info, listed] = await Promise.all([ask(dockerHost, "/version"), ask(dockerHost, "/info"), ask(dockerHost, "/images/json")]);
  /** @type {string[]} */
  const images = listed.status === 200 ? listed.body.flatMap((/** @type {any} */ { RepoTags }) => RepoTags ?? []) : [];
  const answers = await Promise.all(
    telltales(images, sets).map(async (image) => {
      const { status, body } = await ask(dockerHost, `/distribution/${image}/json`, patience).catch(() => ({ status: undefined, body: undefined }));
      const { answer } = pullAnswer({ statusCode: status, json: body });
      // 501: an engine that is only reached through the docker CLI, which cannot ask; it is a distant one.
      const hasIt = status === 200 || status === 501 || (hasPassword && answer === "credentials");
      return /** @type {const} */ ([image, hasIt ? "has it" : reach(answer)]);
    }),
  );
  return { platform: platformOf(version.body, info.body), images, registries: Object.fromEntries(answers) };
}
