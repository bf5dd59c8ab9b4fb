/** Everything that the real thing needs, on Docker Engines of its own: for the tests, and for measuring. */

import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";

import { dependencies } from "../../setup/dependencies.mjs";
import { installDockerEngine } from "../../setup/docker-engine.mjs";
import { alone } from "../../setup/files.mjs";
import { buildImages } from "../../setup/images.mjs";
import { local } from "../../setup/paths.mjs";
import { plugins } from "../../setup/plugins.mjs";
import { pulumiEngine } from "../../setup/pulumi-engine.mjs";
import { sayRoads } from "../../setup/terminal.mjs";
import { startTestEngine } from "./docker-engine.mjs";
import { dockerdOf } from "./other-debian.mjs";

/**
 * @typedef {object} Session
 * @property {string[]} within command that runs another one inside the engine's network namespace
 * @property {NodeJS.ProcessEnv} env leads to that engine, to the Pulumi CLI and to a PULUMI_HOME with the plugins:
 *   PATH, DOCKER_HOST and TEST_DOCKER_HOST, TEST_ENGINE (its name), PULUMI_HOME and TEST_PULUMI_HOME, TEST_IMAGE
 * @property {string} [release] of Debian that the engine is of; absent where it is this machine's own
 * @property {() => Promise<void>} empty takes away what somebody has made on the engine
 */

/**
 * Prepares what is missing, starts engines with the rehearsal images, and ends them after the work.
 * @param {string} busy what this process does meanwhile, as in "runs the tests"
 * @param {(string | undefined)[]} releases one engine for each: of Debian, or undefined for this machine's own Engine
 * @param {(sessions: Session[]) => Promise<number>} work gives an exit code
 * @returns {Promise<number>}
 */
export function withTestEngines(busy, releases, work) {
  return alone("test", busy, async () => {
    const { path, home } = await prepare(async () => {
      await dependencies();
      await installDockerEngine();
      const bin = await pulumiEngine();
      const path = [bin, process.env.PATH].filter(Boolean).join(delimiter);
      return { path, home: ownHome(await plugins(() => ({ ...process.env, PATH: path }))) };
    });
    /** @type {(import("./docker-engine.mjs").TestEngine & { release?: string })[]} */
    const engines = [];
    let stopping = false;
    const interrupted = () => void (stopping = true);
    process.on("SIGINT", interrupted).on("SIGTERM", interrupted);
    try {
      for (const [index, release] of releases.entries()) {
        if (stopping) {
          break;
        }
        const number = releases.slice(0, index + 1).filter((other) => other === release).length;
        const engine = release ? await startTestEngine(`${release}-${number}`, await dockerdOf(release)) : await startTestEngine(String(number));
        engines.push({ ...engine, release });
        await buildImages("rehearsal", engine.dockerHost, { theirs: false });
        await engine.keepImages();
      }
      sayRoads();
      return stopping ? 130 : await work(engines.map(({ name, within, dockerHost, release, empty }) => ({ within, env: environment(path, name, dockerHost, home), release, empty })));
    } finally {
      await Promise.all(engines.map((engine) => engine.stop()));
      process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    }
  });
}

/**
 * @param {string} path
 * @param {string} name of the engine
 * @param {string} dockerHost
 * @param {string} home
 * @returns {NodeJS.ProcessEnv}
 */
function environment(path, name, dockerHost, home) {
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, PATH: path };
  // No test may reach a person's stacks, secrets or containers.
  for (const name of Object.keys(env).filter((name) => /^(PULUMI_|DOCKER_)/.test(name))) {
    delete env[name];
  }
  return {
    ...env,
    DOCKER_HOST: dockerHost,
    TEST_DOCKER_HOST: dockerHost,
    TEST_ENGINE: name,
    TEST_IMAGE: "mesos-marathon/rehearsal-base:bookworm",
    TEST_PULUMI_HOME: home,
    PULUMI_HOME: home,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

/**
 * Prepares under the lock that `npm run up` takes too.
 * @template T
 * @param {() => Promise<T>} work
 */
export function prepare(work) {
  return alone("setup", "is setting things up", work);
}

/**
 * A PULUMI_HOME that may be written to: where the plugins are in the person's, one that borrows them.
 * @param {string} home
 */
function ownHome(home) {
  if (home === local("pulumi-home")) {
    return home;
  }
  const own = local("test-engine", "pulumi-home");
  mkdirSync(own, { recursive: true });
  rmSync(join(own, "plugins"), { force: true });
  symlinkSync(join(home, "plugins"), join(own, "plugins"));
  return own;
}
