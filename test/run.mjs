/**
 * `npm test [-- [--cold] SUITE…]`: prepares what the suites need, runs them, and ends with how many tests passed.
 *
 * A suite is a folder in test/ with files `*.test.ts`. All but `unit` get a Docker Engine of their own with the
 * rehearsal images (engine/session.mjs) and run inside its network namespace, with
 *
 *     TEST_DOCKER_HOST   that engine, as in DOCKER_HOST (which is set to it too)
 *     TEST_BROWSER       a Chromium
 *     TEST_IMAGE         an image with a shell, Python, Java and curl
 *     TEST_PULUMI_HOME   a PULUMI_HOME with the plugins (PULUMI_HOME is set to it too); PATH leads to the Pulumi CLI
 *
 * --cold takes a copy of this clone and an empty home folder, so that nothing is there already.
 */
import "../setup/node-version.mjs";

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { browser } from "../setup/browser.mjs";
import { passThrough, run } from "../setup/child.mjs";
import { installPackages } from "../setup/debian.mjs";
import { dependencies } from "../setup/dependencies.mjs";
import { readIfThere } from "../setup/files.mjs";
import { local, root } from "../setup/paths.mjs";
import { main, Problem, say, step } from "../setup/terminal.mjs";
import { prepare, withTestEngine } from "./engine/session.mjs";

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
  return needsEngine ? withEngine(chosen) : withoutEngine(chosen);
});

/** @typedef {typeof suites} Suites */

/** @param {Suites} chosen */
async function withoutEngine(chosen) {
  await prepare(dependencies);
  return test(chosen, []);
}

/** @param {Suites} chosen */
async function withEngine(chosen) {
  const chromium = await prepare(async () => {
    await dependencies();
    const chromium = await browser();
    await marathonClient();
    return chromium;
  });
  return withTestEngine("runs the tests", ({ within, env }) => test(chosen, within, { ...env, TEST_BROWSER: chromium }));
}

/** The public client that drives the stand-in for Marathon comes from PyPI, which the tests' own network cannot reach. */
async function marathonClient() {
  if (!(await run(["python3", "-m", "pip", "--version"]).then(() => true, () => false))) {
    await installPackages(["python3", "python3-pip"], "Testing with a public Marathon client");
  }
  await step("Marathon client", { doing: "pip install", usually: "5 seconds" }, () => run([process.execPath, "test/stand-ins/marathon-client/install.mjs"], { cwd: root }));
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
  let interrupted = false;
  const interrupt = () => void (interrupted = true);
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
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
    if (interrupted) {
      say(`${name}: interrupted`);
      code = 130;
      break;
    }
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
  process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
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
