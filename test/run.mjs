/**
 * `npm test [-- [--cold] [--debian RELEASE] [--network MODE] SUITE… | SUITE/FILE…]`: prepares what the tests need, runs them, and ends with how
 * many passed.
 *
 * A suite is a folder in test/ with files `*.test.ts`. All but `unit` get a Docker Engine to themselves, with the
 * rehearsal images (engine/session.mjs), and run inside its network namespace, with
 *
 *     TEST_DOCKER_HOST   that engine, as in DOCKER_HOST (which is set to it too)
 *     TEST_BROWSER       a Chromium
 *     TEST_REGISTRY      the program of an image registry
 *     TEST_ZOOKEEPER     files of a newer ZooKeeper than the rehearsal's, as a tar file
 *     TEST_NETWORK       the networkMode of clusters that do not say which, with --network
 *     TEST_IMAGE         an image with a shell, Python, Java and curl
 *     TEST_PULUMI_HOME   a PULUMI_HOME with the plugins (PULUMI_HOME is set to it too); PATH leads to the Pulumi CLI
 *
 * --cold takes a copy of this clone and an empty home folder, so that nothing is there already.
 * --debian takes the Docker Engine of another Debian release, such as trixie's 26.
 * --network bridge puts the clusters of the engine tests on networks of their own, but for those that say which network they want.
 * A run of everything does either for some files, once more.
 */
import "../setup/node-version.mjs";

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";

import { browser } from "../setup/browser.mjs";
import { passThrough, run } from "../setup/child.mjs";
import { installPackages } from "../setup/debian.mjs";
import { dependencies } from "../setup/dependencies.mjs";
import { readIfThere } from "../setup/files.mjs";
import { local, root } from "../setup/paths.mjs";
import { registry } from "../setup/registry.mjs";
import { main, Problem, say, step } from "../setup/terminal.mjs";
import { newerZooKeeper } from "./engine/newer-zookeeper.mjs";
import { prepare, withTestEngines } from "./engine/session.mjs";

/** Milliseconds that one file may take. */
const patience = 40 * 60_000;

/** As many files run side by side: on two processors a third takes a fifth off the whole, though each file takes a quarter longer. */
const engines = 3;

/** Files in which the network plays a part, and which do not say which it is. */
const onEitherNetwork = ["cluster", "containers", "data-folder", "doctor", "drift", "interruption", "names", "teardown", "two-clusters", "upgrade"];

/** Every suite with its files; those with long runs first, so that the others run beside them. */
const order = ["unit", "engine", "stand-ins"];
const suites = readdirSync(join(root, "test"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({
    name,
    files: readdirSync(join(root, "test", name)).filter((file) => file.endsWith(".test.ts")).map((file) => join("test", name, file)),
  }))
  .filter(({ files }) => files.length > 0)
  .sort((a, b) => (order.indexOf(a.name) + 1 || 9) - (order.indexOf(b.name) + 1 || 9));

await main(async () => {
  const { values, positionals: names } = parseArgs({ options: { cold: { type: "boolean" }, debian: { type: "string" }, network: { type: "string" } }, allowPositionals: true });
  const runs = suites.flatMap(({ name, files }) =>
    name === "unit" ? [{ name, files }] : files.map((file) => ({ name: `${name}/${basename(file, ".test.ts")}`, files: [file] })),
  );
  const isNamed = (/** @type {{ name: string }} */ run, /** @type {string} */ name) => run.name === name || run.name.startsWith(`${name}/`);
  const unknown = names.find((name) => !runs.some((run) => isNamed(run, name)));
  if (unknown !== undefined) {
    throw new Problem(`There is no suite or file ${unknown}. There are: ${suites.map(({ name }) => name).join(", ")}.`);
  }
  if (values.cold) {
    return cold(process.argv.slice(2).filter((argument) => argument !== "--cold"));
  }
  const { debian: release, network } = values;
  const isEverything = names.length === 0 && !release && !network;
  const chosen = runs
    .filter((run) => names.length === 0 || names.some((name) => isNamed(run, name)))
    .flatMap((run) => [{ ...run, release, network }, ...(isEverything ? again(run) : [])]);
  if (chosen.every(({ name }) => name === "unit")) {
    return withoutEngine(chosen);
  }
  return withEngines(chosen);
});

/**
 * Files that one process of node:test runs; one, but for the unit tests. release: of Debian whose Docker Engine it gets. network: as in networkMode.
 * @typedef {{ name: string, files: string[], release?: string, network?: string }} TestRun
 */

/**
 * What a run of everything does once more: on a newer engine, which fills in other defaults, that a second preview, and a refresh, find
 * nothing to do; in the other network mode, what a cluster goes through in its life.
 * @param {TestRun} run
 * @returns {TestRun[]}
 */
function again(run) {
  const onAnotherEngine = run.name === "engine/clone" ? [{ ...run, name: `${run.name}@trixie`, release: "trixie" }] : [];
  const onAnotherNetwork = onEitherNetwork.some((file) => run.name === `engine/${file}`) ? [{ ...run, name: `${run.name}@bridge`, network: "bridge" }] : [];
  return [...onAnotherEngine, ...onAnotherNetwork];
}

/** @param {TestRun[]} chosen */
async function withoutEngine(chosen) {
  await prepare(dependencies);
  return test(chosen, [{ within: [], env: process.env, release: chosen[0]?.release, empty: async () => {} }]);
}

/** @param {TestRun[]} chosen */
async function withEngines(chosen) {
  const programs = await prepare(async () => {
    await dependencies();
    const chromium = await browser();
    await marathonClient();
    return { TEST_BROWSER: chromium, TEST_REGISTRY: await registry(), TEST_ZOOKEEPER: await newerZooKeeper() };
  });
  const releases = [...new Set(chosen.map(({ release }) => release))];
  const wanted = releases.flatMap((release) => chosen.filter((run) => run.release === release).slice(0, engines).map(() => release));
  return withTestEngines("runs the tests", wanted, (sessions) =>
    test(chosen, sessions.map((session) => ({ ...session, env: { ...session.env, ...programs } }))),
  );
}

/** The public client that drives the stand-in for Marathon comes from PyPI, which the tests' own network cannot reach. */
async function marathonClient() {
  if (!(await run(["python3", "-m", "pip", "--version"]).then(() => true, () => false))) {
    await installPackages(["python3", "python3-pip"], "Testing with a public Marathon client");
  }
  await step("Marathon client", { doing: "pip install", usually: "5 seconds" }, () => run([process.execPath, "test/stand-ins/marathon-client/install.mjs"], { cwd: root }));
}

/**
 * Runs the tests, each file in the next session that is free, and prints at the end, where a reader looks, what failed, and the count.
 * @param {TestRun[]} chosen
 * @param {import("./engine/session.mjs").Session[]} sessions
 */
async function test(chosen, sessions) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  /** @type {string[]} */
  const failed = [];
  const width = Math.max(...chosen.map(({ name }) => name.length));
  let code = 0;
  let stopping = false;
  const interrupt = () => {
    stopping = true;
    code = 130;
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  const waiting = [...chosen];
  const nextFor = (/** @type {import("./engine/session.mjs").Session} */ { release }) => {
    const next = waiting.find((run) => run.release === release);
    return next && waiting.splice(waiting.indexOf(next), 1)[0];
  };
  await Promise.all(
    sessions.map(async (session) => {
      for (let next = nextFor(session); next && !stopping; next = nextFor(session)) {
        const prefix = chosen.length > 1 ? `${next.name.padEnd(width)} | ` : undefined;
        const { ended, counts, failures } = await runTests(next, session, prefix);
        // What a file has left is in nobody's way, even where it failed.
        await session.empty().catch(({ message }) => say(`${next.name} has left an engine that cannot be emptied: ${message}`));
        failed.push(...failures.map((failure) => `${next.name}: ${failure}`));
        if (!counts || counts.passed + counts.failed === 0) {
          say(`${next.name}: ${stopping ? "interrupted" : `no test ran (exit code ${ended})`}`);
          code ||= ended || 1;
        }
        for (const key of /** @type {const} */ (["passed", "failed", "skipped"])) {
          total[key] += counts?.[key] ?? 0;
        }
        code ||= ended || (counts && counts.failed > 0 ? 1 : 0);
        stopping ||= ended > 128;
      }
    }),
  );
  process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  for (const failure of failed) {
    console.log(`\n✖ ${failure}`);
  }
  console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
  return code;
}

/**
 * @param {TestRun} run
 * @param {import("./engine/session.mjs").Session} session
 * @param {string} [prefix] of each line that it prints
 * @returns {Promise<{ ended: number, counts?: { passed: number, failed: number, skipped: number }, failures: string[] }>} ended: its exit code
 */
async function runTests({ name, files, network }, { within, env }, prefix) {
  const file = local("log", `test-${name.replace("/", "-")}.json`);
  mkdirSync(local("log"), { recursive: true });
  rmSync(file, { force: true });
  const reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout", "--test-reporter=./test/count-reporter.mjs", `--test-reporter-destination=${file}`];
  // Node leaves one processor idle, by itself.
  const command = [process.execPath, "--import", "tsx", "--test", `--test-concurrency=${availableParallelism()}`, ...reporters, ...files];
  const colours = prefix !== undefined && process.stdout.isTTY ? { FORCE_COLOR: "1" } : {};
  const ended = await passThrough([...within, ...command], { cwd: root, env: { ...env, ...(network && { TEST_NETWORK: network }), ...colours }, timeout: patience, prefix });
  return { ended, failures: [], ...JSON.parse(readIfThere(file) || "{}") };
}

/**
 * Runs the tests as on a machine that has nothing: a copy of the clone without what git ignores, an empty home, empty
 * caches. Debian packages that are installed stay; the person's npm settings hold, and so do Go's.
 * @param {string[]} args
 */
async function cold(args) {
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
    return await passThrough([process.execPath, "test/run.mjs", ...args], { cwd: clone, env });
  } finally {
    // Go makes the modules that it downloads read-only, which root does not notice.
    await run(["chmod", "-R", "u+w", folder]).catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  }
}
