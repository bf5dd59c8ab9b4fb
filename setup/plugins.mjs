/** The plugins for @pulumi/docker and @pulumi/command: the official ones wherever they can be had, else drop-ins. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";

import { run } from "./child.mjs";
import { hashOf, readIfThere, writeWhole } from "./files.mjs";
import { local, root } from "./paths.mjs";
import { Problem, road, say, step } from "./terminal.mjs";
/** Where Pulumi's own CLI downloads official plugins from (pulumi/pulumi, sdk/go/common/workspace/plugins.go). */
const site = "https://get.pulumi.com/releases/plugins";

/** Milliseconds that the download site is given to answer. */
const patience = 2_500;

/**
 * The plugins that the program's packages need, in the versions of those packages.
 * @returns {{ name: string, version: string }[]}
 */
export function neededPlugins() {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return ["docker", "command"].map((name) => ({ name, version: dependencies[`@pulumi/${name}`] }));
}

/**
 * A person's own PULUMI_HOME, which is only read. In a shell that took this clone's settings, it is not the clone's.
 * By default it is in the home folder of the user database, whatever HOME says: so does the CLI (seen).
 */
export function personsHome() {
  const home = process.env.PULUMI_HOME;
  return home && home !== local("pulumi-home") ? home : join(userInfo().homedir, ".pulumi");
}

/**
 * Whether a PULUMI_HOME has every plugin, whole.
 * @param {string} home
 */
export function hasPlugins(home) {
  return neededPlugins().every(({ name, version }) => {
    const folder = join(home, "plugins", `resource-${name}-v${version}`);
    return existsSync(join(folder, `pulumi-resource-${name}`)) && !existsSync(`${folder}.partial`);
  });
}

/**
 * Makes sure that the plugins are there.
 * @param {() => NodeJS.ProcessEnv} environment for running the CLI
 * @returns {Promise<string>} the PULUMI_HOME that has them: the person's own, else `.local/pulumi-home`
 */
export async function plugins(environment) {
  if (hasPlugins(personsHome())) {
    road("Plugins", "official ones, there already");
    return personsHome();
  }
  const home = local("pulumi-home");
  const kept = readIfThere(join(home, ".plugins"));
  if (kept !== undefined && hasPlugins(home)) {
    if (kept === "official" || kept === dropInRecipe()) {
      road("Plugins", kept === "official" ? "official ones, installed earlier" : "drop-ins, installed earlier");
      return home;
    }
  } else if (await canDownload()) {
    try {
      await installOfficial(home, environment());
      return home;
    } catch (error) {
      if (!(error instanceof Problem)) {
        throw error;
      }
      say(error.message);
    }
  }
  if (kept === undefined) {
    say("The official docker and command plugins cannot be downloaded here: installing this project's drop-ins for them.");
  }
  await installDropIns(home);
  return home;
}

/**
 * @param {string} home
 * @param {NodeJS.ProcessEnv} environment
 */
async function installOfficial(home, environment) {
  await step("Plugins", { doing: "official ones, pulumi plugin install", usually: "20 seconds" }, async () => {
    for (const { name, version } of neededPlugins()) {
      await run(["pulumi", "plugin", "install", "resource", name, version], {
        env: { ...environment, PULUMI_HOME: home },
        timeout: 300_000,
        log: `plugin-${name}`,
        failed: `pulumi could not install the official ${name} plugin`,
      });
    }
  });
  writeWhole(join(home, ".plugins"), "official");
}

/**
 * Installs the drop-ins.
 * @param {string} home a PULUMI_HOME, never the person's own
 */
export async function installDropIns(home) {
  await step("Plugins", { doing: "drop-ins, bundled from setup/drop-ins", usually: "1 second" }, async () => {
    const { install } = await import("./drop-ins/install.mjs");
    await install(home);
    writeWhole(join(home, ".plugins"), dropInRecipe());
  });
}

/** What the drop-ins are made from: their sources and the packages bundled with them. */
function dropInRecipe() {
  const folder = join(root, "setup", "drop-ins");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  // Dirent.path is what Node 20 calls parentPath.
  const paths = files.map((entry) => join(entry.parentPath ?? /** @type {any} */ (entry).path, entry.name)).sort();
  // What they share with the gates.
  paths.push(join(root, "checks", "ssh.mjs"));
  return hashOf(...paths.map((path) => readFileSync(path)), readFileSync(join(root, "package-lock.json")));
}

/** Whether the official plugins can be downloaded. Behind a proxy, which fetch does not know, only trying tells. */
async function canDownload() {
  if (process.env.HTTPS_PROXY || process.env.https_proxy) {
    return true;
  }
  const platform = { linux: "linux", darwin: "darwin", win32: "windows" }[/** @type {string} */ (process.platform)];
  const architecture = { x64: "amd64", arm64: "arm64" }[/** @type {string} */ (process.arch)];
  const answers = await Promise.all(
    neededPlugins().map(({ name, version }) =>
      fetch(`${site}/pulumi-resource-${name}-v${version}-${platform}-${architecture}.tar.gz`, { method: "HEAD", signal: AbortSignal.timeout(patience) }).then(
        ({ ok }) => ok,
        () => false,
      ),
    ),
  );
  return answers.every(Boolean);
}
