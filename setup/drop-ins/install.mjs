// @ts-check
/** Puts the drop-ins where the Pulumi engine looks for plugins. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, PLUGINS } from "./build.mjs";

const here = dirname(fileURLToPath(import.meta.url));
/** Marks a plugin folder as a drop-in's and says of which sources it was made. */
const MARK = "drop-in.json";

/**
 * Installs the drop-ins under `<pulumiHome>/plugins`. Safe to rerun and to interrupt: what is up to date is left alone, and
 * each plugin appears whole or not at all. An official plugin in the same place is left alone as well, if it is whole.
 * @param {string} pulumiHome the PULUMI_HOME to install into; made if it is missing
 * @returns {Promise<string[]>} the names of the drop-ins that were put in place; empty if nothing was lacking
 */
export async function install(pulumiHome) {
  const plugins = join(resolve(pulumiHome), "plugins");
  const sources = await hashOfSources();
  const stale = [];
  for (const plugin of PLUGINS) {
    const found = await markIn(join(plugins, folderOf(plugin)), plugin.name);
    if (found !== "official" && found !== sources) stale.push(plugin);
  }
  if (stale.length === 0) return [];
  await mkdir(plugins, { recursive: true });
  // Beside the target, so that the last step is a rename; with a name that the engine does not take for a plugin.
  const work = await mkdtemp(join(plugins, ".drop-ins-"));
  try {
    await build(join(work, "bundles"));
    for (const plugin of stale) await put(plugin, work, plugins, sources);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return stale.map(({ name }) => name);
}

/** @param {{ name: string, version: string }} plugin */
const folderOf = ({ name, version }) => `resource-${name}-v${version}`;

/**
 * @param {{ name: string, version: string }} plugin
 * @param {string} work folder with the bundles
 * @param {string} plugins folder of all plugins
 * @param {string} sources hash of what it was made of
 */
async function put(plugin, work, plugins, sources) {
  const { name, version } = plugin;
  const fresh = join(work, folderOf(plugin));
  await mkdir(fresh);
  await copyFile(join(work, "bundles", `${name}.js`), join(fresh, `${name}.js`));
  const launcher = join(fresh, `pulumi-resource-${name}`);
  await writeFile(launcher, launcherFor(name));
  await chmod(launcher, 0o755);
  const description = `drop-in for pulumi-resource-${name} ${version}: a replacement made by this project, not the official plugin`;
  await writeFile(join(fresh, MARK), `${JSON.stringify({ name, version, description, sources }, null, 2)}\n`);
  const target = join(plugins, folderOf(plugin));
  const old = join(work, `${folderOf(plugin)}.old`);
  await rename(target, old).catch((error) => {
    if (error.code !== "ENOENT") throw error;
  });
  await rename(fresh, target);
  await rm(partialOf(target), { force: true });
}

/**
 * The engine starts this. The node on the PATH comes first; the one that installed it serves where there is none.
 * @param {string} name
 */
const launcherFor = (name) => `#!/bin/sh
# A drop-in made by this project, not the official plugin.
node=$(command -v node || echo '${process.execPath.replaceAll("'", "'\\''")}')
exec "$node" "\${0%/*}/${name}.js" "$@"
`;

/**
 * The file by which the Pulumi CLI tells that a plugin's download was cut off.
 * @param {string} folder of the plugin
 */
const partialOf = (folder) => `${folder}.partial`;

/**
 * The hash in a plugin folder's mark, "official" for a whole plugin without one, undefined where there is no whole plugin.
 * @param {string} folder
 * @param {string} name of the plugin
 * @returns {Promise<string | undefined>}
 */
async function markIn(folder, name) {
  const names = await readdir(folder).catch(() => undefined);
  if (!names?.includes(`pulumi-resource-${name}`) || existsSync(partialOf(folder))) return undefined;
  return names.includes(MARK) ? JSON.parse(await readFile(join(folder, MARK), "utf8")).sources : "official";
}

/** A hash of everything the bundles are made of: the sources here and the locked versions of what they import. */
async function hashOfSources() {
  const hash = createHash("sha256");
  const files = (await readdir(here, { recursive: true })).filter((file) => /\.(ts|mjs)$/.test(file)).sort();
  const shared = ["../../checks/ssh.mjs", "../../package-lock.json"];
  for (const file of [...files, ...shared].map((file) => join(here, file))) {
    hash.update(file.slice(here.length)).update("\0").update(await readFile(file)).update("\0");
  }
  return hash.digest("hex");
}
