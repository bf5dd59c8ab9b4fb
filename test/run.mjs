/**
 * `npm test [-- [--cold] SUITE…]`: prepares what the suites need, runs them, and ends with how many tests passed.
 *
 * A suite is a folder in test/ with files `*.test.ts`. All but `unit` get a Docker Engine of their own with the
 * rehearsal images (engine/docker-engine.mjs) and run inside its network namespace, with
 *
 *     TEST_DOCKER_HOST   that engine, as in DOCKER_HOST (which is set to it too)
 *     TEST_BROWSER       a Chromium
 *     TEST_IMAGE         an image with a shell, Python, Java and curl
 *     TEST_PULUMI_HOME   a PULUMI_HOME with the plugins (PULUMI_HOME is set to it too); PATH leads to the Pulumi CLI
 *
 * --cold takes a copy of this clone and an empty home folder, so that nothing is there already.
 */
import "../setup/node-version.mjs";

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { browser } from "../setup/browser.mjs";
import { passThrough, run } from "../setup/child.mjs";
import { installPackages } from "../setup/debian.mjs";
import { dependencies } from "../setup/dependencies.mjs";
import { installDockerEngine } from "../setup/docker-engine.mjs";
import { alone, readIfThere } from "../setup/files.mjs";
import { images } from "../setup/images.mjs";
import { local, root } from "../setup/paths.mjs";
import { plugins } from "../setup/plugins.mjs";
import { pulumiEngine } from "../setup/pulumi-engine.mjs";
import { main, Problem, say, sayRoads, step } from "../setup/terminal.mjs";
import { startTestEngine } from "./engine/docker-engine.mjs";

/** Milliseconds that one suite may take. */
const patience = 40 * 60_000;

/** Every suite with its files; the quickest first, so that what is broken shows early. */
const order = ["unit", "stand-ins", "drop-ins"];
const suites = readdirSync(join(root, "test"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({
    name,
    files: readdirSync(join(root, "test", name)).filter((file) => file.endsWith(".test.ts")).map((file) => join("test", name, file)),
  }))
  .filter(({ files }) => files.length > 0)
  .sort((a, b) => (order.indexOf(a.name) + 1 || 9) - (order.indexOf(b.name) + 1 || 9));

await main(async () => {
  const names = process.argv.slice(2).filter((argument) => argument !== "--cold");
  const unknown = names.find((name) => !suites.some((suite) => suite.name === name));
  if (unknown !== undefined) {
    throw new Problem(`There is no suite ${unknown}. There are: ${suites.map(({ name }) => name).join(", ")}.`);
  }
  if (process.argv.includes("--cold")) {
    return cold(names);
  }
  const chosen = suites.filter(({ name }) => names.length === 0 || names.includes(name));
  const needsEngine = chosen.some(({ name }) => name !== "unit");
  return needsEngine ? alone("test", "runs the tests", () => withEngine(chosen)) : withoutEngine(chosen);
});

/** @typedef {typeof suites} Suites */

/** @param {Suites} chosen */
async function withoutEngine(chosen) {
  await prepare(dependencies);
  return test(chosen, []);
}

/** @param {Suites} chosen */
async function withEngine(chosen) {
  const { path, home, chromium } = await prepare(async () => {
    await dependencies();
    const chromium = await browser();
    await marathonClient();
    await installDockerEngine();
    const bin = await pulumiEngine();
    const path = [bin, process.env.PATH].filter(Boolean).join(delimiter);
    return { chromium, path, home: ownHome(await plugins(() => ({ ...process.env, PATH: path }))) };
  });
  const engine = await startTestEngine();
  let stopping = false;
  const interrupted = () => void (stopping = true);
  process.on("SIGINT", interrupted).on("SIGTERM", interrupted);
  try {
    await images(engine.dockerHost, { theirs: false });
    sayRoads();
    /** @type {NodeJS.ProcessEnv} */
    const env = { ...process.env, PATH: path };
    // No test may reach a person's stacks, secrets or containers.
    for (const name of Object.keys(env).filter((name) => /^(PULUMI_|DOCKER_)/.test(name))) {
      delete env[name];
    }
    Object.assign(env, {
      DOCKER_HOST: engine.dockerHost,
      TEST_DOCKER_HOST: engine.dockerHost,
      TEST_BROWSER: chromium,
      TEST_IMAGE: "mesos-marathon/rehearsal-base:bookworm",
      TEST_PULUMI_HOME: home,
      PULUMI_HOME: home,
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    });
    return stopping ? 130 : await test(chosen, engine.within, env);
  } finally {
    await engine.stop();
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
  }
}

/** The public client that drives the stand-in for Marathon comes from PyPI, which the tests' own network cannot reach. */
async function marathonClient() {
  if (!(await run(["python3", "-m", "pip", "--version"]).then(() => true, () => false))) {
    await installPackages(["python3", "python3-pip"], "Testing with a public Marathon client");
  }
  await step("Marathon client", { doing: "pip install", usually: "5 seconds" }, () => run([process.execPath, "test/stand-ins/marathon-client/install.mjs"], { cwd: root }));
}

/**
 * A PULUMI_HOME that tests may write to: where the plugins are in the person's, one that borrows them.
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

/**
 * Prepares under the lock that `npm run up` takes too.
 * @template T
 * @param {() => Promise<T>} work
 */
function prepare(work) {
  return alone("setup", "is setting things up", work);
}

/**
 * Runs the suites one after the other and prints the count.
 * @param {Suites} chosen
 * @param {string[]} within command to run them by
 * @param {NodeJS.ProcessEnv} [env]
 */
async function test(chosen, within, env = process.env) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  let code = 0;
  mkdirSync(local("log"), { recursive: true });
  for (const { name, files } of chosen) {
    say(`\n${name}: ${files.length} ${files.length === 1 ? "file" : "files"}`);
    const counts = local("log", `test-${name}.json`);
    rmSync(counts, { force: true });
    const reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout", "--test-reporter=./test/count-reporter.mjs", `--test-reporter-destination=${counts}`];
    // Suites with an engine share it, and its names and ports: one file at a time.
    const together = name === "unit" ? [] : ["--test-concurrency=1"];
    const command = [process.execPath, "--import", "tsx", "--test", ...together, ...reporters, ...files];
    const ended = await passThrough([...within, ...command], { cwd: root, env, timeout: patience });
    const told = JSON.parse(readIfThere(counts) || "null");
    if (!told || told.passed + told.failed === 0) {
      say(`${name}: no test ran (exit code ${ended})`);
      code = ended || 1;
      continue;
    }
    for (const key of /** @type {const} */ (["passed", "failed", "skipped"])) {
      total[key] += told[key];
    }
    code ||= ended || (told.failed > 0 ? 1 : 0);
    if (ended > 128) {
      break;
    }
  }
  console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
  return code;
}

/**
 * Runs the tests as on a machine that has nothing: a copy of the clone without what git ignores, an empty home, empty
 * caches. Debian packages that are installed stay; the person's npm settings hold, and so do Go's.
 * @param {string[]} names
 */
async function cold(names) {
  const folder = mkdtempSync(join(tmpdir(), "mesos-marathon-cold-"));
  try {
    const clone = join(folder, "clone");
    const home = join(folder, "home");
    mkdirSync(clone);
    mkdirSync(home);
    const listed = await run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root });
    const files = listed.split("\n").filter((file) => existsSync(join(root, file)));
    await run(["cp", "--parents", "--preserve=mode", ...files, clone], { cwd: root });
    say(`Cold run in ${folder}: a copy of this clone, an empty home folder, empty caches of npm and Go`);
    /** @type {NodeJS.ProcessEnv} */
    const env = { ...process.env, HOME: home, npm_config_cache: join(home, ".npm") };
    const npmrc = join(process.env.HOME ?? "", ".npmrc");
    if (existsSync(npmrc)) {
      env.npm_config_userconfig = npmrc;
    }
    for (const name of ["GOPATH", "GOCACHE", "GOMODCACHE", "XDG_CACHE_HOME", "PULUMI_HOME"]) {
      delete env[name];
    }
    return await passThrough([process.execPath, "test/run.mjs", ...names], { cwd: clone, env });
  } finally {
    // Go makes the modules that it downloads read-only, which root does not notice.
    await run(["chmod", "-R", "u+w", folder]).catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  }
}
