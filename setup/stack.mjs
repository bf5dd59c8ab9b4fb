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

/** The stack that was chosen in an earlier run, or undefined. */
export const rememberedStack = () => readIfThere(noted)?.trim() || undefined;

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
      `There is no stack ${stack}: there are ${stackNames().join(" and ")}. ` +
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
 * @typedef {object} Seen
 * @property {string} image one of the tutorial's
 * @property {boolean} imageIsThere whether the Docker Engine has it already
 * @property {"has it" | "lacks it" | "out of reach"} registry
 * @property {{ cgroupVersion?: string, newestPullingEngine?: number, dockerClientApi?: string }} needs of the tutorial's images
 * @property {{ version: string, minApiVersion: string, cgroupVersion: string }} engine
 */

/**
 * Which stack to run where nobody said, and why.
 * @param {Seen} seen
 * @returns {{ stack: string, why: string } | { problem: string }}
 */
export function chooseStack({ image, imageIsThere, registry, needs, engine }) {
  if (registry === "out of reach" && !imageIsThere) {
    return { stack: "rehearsal", why: "no image registry can be reached, so images are built on the spot: real ZooKeeper, stand-ins for Mesos and Marathon" };
  }
  const older = (/** @type {string} */ a, /** @type {string} */ b) => {
    const [left, right] = [a, b].map((version) => version.split(".").map(Number));
    return left[0] - right[0] || left[1] - right[1];
  };
  const reasons = [
    needs.cgroupVersion && engine.cgroupVersion !== needs.cgroupVersion && `Mesos 0.23 needs cgroup v${needs.cgroupVersion}, and the host has v${engine.cgroupVersion}`,
    needs.newestPullingEngine && !imageIsThere && Number.parseInt(engine.version) > needs.newestPullingEngine &&
      `Docker Engine ${engine.version} does not pull images of that age any more; ${needs.newestPullingEngine} is the last that does`,
    needs.dockerClientApi && older(needs.dockerClientApi, engine.minApiVersion) < 0 &&
      `the docker client in them speaks API ${needs.dockerClientApi}, and Docker Engine ${engine.version} answers from ${engine.minApiVersion} on`,
    !imageIsThere && registry === "lacks it" && `the image registry does not give out ${image}`,
  ].filter((reason) => typeof reason === "string");
  if (reasons.length === 0) {
    return { stack: "dev", why: imageIsThere ? "the tutorial's images are here" : "the image registry answers, and this host can run the tutorial's images" };
  }
  return {
    problem: [
      "This host cannot run the tutorial's images of 2015, which the stack dev is made of:",
      ...reasons.map((reason) => `  - ${reason}`),
      "Ways out:",
      "  - npm run up -- --stack rehearsal: images built on the spot, with real ZooKeeper and stand-ins for Mesos and Marathon",
      "  - a host with Docker Engine 24 or older and cgroup v1: name it in DOCKER_HOST",
      "  - Docker Engine 25 to 28 and cgroup v1: npm run up -- --stack NAME, with mesos-marathon:imageSet: classic in the stack's file",
      "  - npm run up -- --stack dev: try all the same",
    ].join("\n"),
  };
}

/**
 * Looks at what the choice depends on. Whether an image registry can be reached is asked of the Docker Engine: only it
 * knows its mirrors, proxies and certificates.
 * @param {string} dockerHost
 * @returns {Promise<Seen>}
 */
export async function look(dockerHost) {
  const { tsImport } = await import("tsx/esm/api");
  const { imageSets } = await tsImport("../components/images.ts", import.meta.url);
  const { needs, zookeeper } = imageSets.tutorial;
  const [version, info, local, registry] = await Promise.all([
    ask(dockerHost, "/version"),
    ask(dockerHost, "/info"),
    ask(dockerHost, `/images/${zookeeper.image}/json`),
    ask(dockerHost, `/distribution/${zookeeper.image}/json`, patience).then(({ status }) => status, () => 0),
  ]);
  return {
    image: zookeeper.image,
    imageIsThere: local.status === 200,
    // 501: an engine that is only reached through the docker CLI, which cannot ask; it is a distant one.
    registry: registry === 200 || registry === 501 ? "has it" : [401, 403, 404].includes(registry) ? "lacks it" : "out of reach",
    needs,
    engine: { version: version.body.Version, minApiVersion: version.body.MinAPIVersion ?? "1.12", cgroupVersion: info.body.CgroupVersion ?? "1" },
  };
}
