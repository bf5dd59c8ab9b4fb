/** Where Pulumi keeps state: where the person is logged in, else in `.local/state`, with a passphrase made for it. */

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join, sep } from "node:path";

import { readIfThere, runs, writeWhole } from "./files.mjs";
import { local, root } from "./paths.mjs";
import { personsHome } from "./plugins.mjs";
import { say } from "./terminal.mjs";

/**
 * The state folder's URL. Without metadata: Pulumi writes them in files of their own, and cannot read a state any more
 * when it was killed between making such a file and writing it.
 */
const ownUrl = `file://${local("state")}?metadata=skip`;
const passphraseFile = local("passphrase");

/**
 * Whether the clone's own backend is to be used.
 * @param {object} seen
 * @param {NodeJS.ProcessEnv} seen.environment
 * @param {string | undefined} seen.login the backend that the person is logged in to
 * @param {boolean} seen.inUse whether a stack in the clone's own backend has resources
 */
export function usesOwnBackend({ environment, login, inUse }) {
  if (environment.PULUMI_BACKEND_URL || environment.PULUMI_ACCESS_TOKEN) {
    return environment.PULUMI_BACKEND_URL === ownUrl;
  }
  // A cluster that is up is not lost sight of because its owner logged in somewhere since.
  return inUse || !login || login === ownUrl;
}

/** The backend to use now, and what every Pulumi command must be told of it. */
export function backend() {
  const credentials = process.env.PULUMI_CREDENTIALS_PATH || personsHome();
  const login = /** @type {string | undefined} */ (JSON.parse(readIfThere(join(credentials, "credentials.json")) || "{}").current);
  const own = usesOwnBackend({ environment: process.env, login, inUse: stacksUp().length > 0 });
  if (!own) {
    return { own, environment: { PULUMI_CREDENTIALS_PATH: credentials }, name: process.env.PULUMI_BACKEND_URL || login || "Pulumi Cloud" };
  }
  if (!existsSync(passphraseFile)) {
    writeWhole(passphraseFile, `${randomBytes(24).toString("base64url")}\n`, 0o600);
  }
  mkdirSync(local("state"), { recursive: true });
  dropDeadLocks();
  return {
    own,
    name: ownUrl,
    environment: {
      PULUMI_BACKEND_URL: ownUrl,
      PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile,
      PULUMI_CONFIG_PASSPHRASE: undefined,
      PULUMI_ACCESS_TOKEN: undefined,
      // So that the stack's salt is taken from the state where withoutSalt() took it out of the stack's file.
      PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
    },
  };
}

/**
 * Takes away the locks of Pulumi processes that are gone: of a terminal that was closed, or a process that was killed.
 * Pulumi itself would refuse every command from then on. Where such a process was making something, its lock stays:
 * what becomes of that has to be found out first, by `npm run recover`.
 * @param {string} [folder] default: that of the clone's own backend, with this project's stacks and those of its examples
 */
export function dropDeadLocks(folder = local("state", ".pulumi")) {
  for (const { file, pid, timestamp, stateFile, holder } of locks(folder)) {
    if (holder === "gone" && creations(pendingOperations(stateFile)).length === 0) {
      rmSync(file, { force: true });
      rmSync(`${file}.attrs`, { force: true });
      say(`The Pulumi command of ${timestamp} (process ${pid}) was cut off before its end. Its lock is taken away.`);
    }
  }
}

/**
 * The locks in a backend that is a folder.
 * @param {string} folder `.pulumi` in the backend
 * @returns {{ file: string, pid: number, host: string, timestamp: string, stateFile: string, holder: "runs" | "gone" | "elsewhere" }[]}
 *   holder: what is known of its process, where it is one of this machine
 */
export function locks(folder) {
  const all = join(folder, "locks");
  const files = existsSync(all) ? readdirSync(all, { recursive: true, encoding: "utf8" }) : [];
  return files.filter((name) => name.endsWith(".json")).map((name) => {
    const { pid, hostname: host, timestamp } = JSON.parse(readIfThere(join(all, name)) || "{}");
    // locks/organization/PROJECT/STACK/ID.json belongs to stacks/PROJECT/STACK.json.
    const stateFile = `${join(folder, "stacks", ...dirname(name).split(sep).slice(-2))}.json`;
    return { file: join(all, name), pid, host, timestamp, stateFile, holder: host !== hostname() ? "elsewhere" : runs({ pid }) ? "runs" : "gone" };
  });
}

/**
 * @typedef {{ type: string, resource: { urn: string, type: string, inputs: Record<string, any> } }} Operation that was
 *   going on when Pulumi was cut off
 *
 * What was being made. Anything else that Pulumi was at is done again by the next `up`, which forgets it; this it keeps in
 * the state, and finds the names taken.
 * @param {Operation[]} operations
 */
export const creations = (operations) => operations.filter(({ type }) => type === "creating");

/**
 * @param {string} stateFile of a stack in a backend that is a folder
 * @returns {Operation[]}
 */
export const pendingOperations = (stateFile) => JSON.parse(readIfThere(stateFile) || "{}").checkpoint?.latest?.pending_operations ?? [];

const stacksFolder = local("state", ".pulumi", "stacks", "mesos-marathon");

/**
 * The stacks of this project in the clone's own backend, with how many resources each has.
 * @returns {{ name: string, resources: number }[]}
 */
export function ownStacks() {
  const files = existsSync(stacksFolder) ? readdirSync(stacksFolder).filter((name) => name.endsWith(".json")) : [];
  return files.map((file) => {
    const resources = JSON.parse(readIfThere(join(stacksFolder, file)) || "{}").checkpoint?.latest?.resources ?? [];
    return { name: file.slice(0, -".json".length), resources: resources.length };
  });
}

/** The stacks of this project that are up in the clone's own backend. */
export const stacksUp = () => ownStacks().flatMap(({ name, resources }) => (resources > 0 ? [name] : []));

/**
 * A stack's file without the salt that Pulumi wrote into it. In the clone's own backend the salt is in the state as
 * well, and git would show a change that nobody made.
 * @param {string} before the file's text before Pulumi ran
 * @param {string} after its text now
 * @param {string} state text of the stack's state
 * @returns {string} `after` where there is nothing to take out: no salt, another backend's, or one with secrets to it
 */
export function withoutSalt(before, after, state) {
  const [line, salt] = /^encryptionsalt: (\S+)\n?/m.exec(after) ?? [];
  if (!line || !state.includes(salt) || /^\s*secure:/m.test(after)) {
    return after;
  }
  const clean = after.replace(line, "");
  const loose = (/** @type {string} */ text) => text.replace(/['"]|\s+/g, "");
  return loose(clean) === loose(before) ? before : clean;
}

/**
 * Runs Pulumi commands on the clone's own backend, and leaves the stacks' files as they were but for what the commands
 * were to change in them.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function leavingNoSalt(work) {
  const files = readdirSync(root).filter((name) => /^Pulumi\..+\.yaml$/.test(name));
  const read = () => files.map((name) => readIfThere(join(root, name)) ?? "");
  const before = read();
  try {
    return await work();
  } finally {
    for (const [index, after] of read().entries()) {
      const state = readIfThere(join(stacksFolder, `${files[index].slice("Pulumi.".length, -".yaml".length)}.json`)) ?? "";
      const clean = withoutSalt(before[index], after, state);
      if (clean !== after) {
        writeWhole(join(root, files[index]), clean);
      }
    }
  }
}
