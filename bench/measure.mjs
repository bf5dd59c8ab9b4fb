/**
 * Measures, inside the network namespace of the Docker Engine: BENCH_ROUNDS rounds of everything, one after the other,
 * so that whatever else the machine does meets all of it alike. Writes JSON, all times in seconds, to BENCH_RESULT.
 */
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { cpus, loadavg, release } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

import { run } from "../setup/child.mjs";
import { root } from "../setup/paths.mjs";
import { say } from "../setup/terminal.mjs";
import { otherClone } from "./npm-run-up.mjs";
import { follow, phases } from "./phases.mjs";
import { starts } from "./starts.mjs";

// The tests' helpers are CommonJS in TypeScript, which tsx makes of them only when they are required.
const require = createRequire(import.meta.url);
const { TestStack } = /** @type {typeof import("../test/engine/stack.js")} */ (require("../test/engine/stack.ts"));
const { docker, removeVolumes, volumeNames } = /** @type {typeof import("../test/engine/docker.js")} */ (require("../test/engine/docker.ts"));

/**
 * @typedef {object} Measured
 * @property {Record<string, number[]>} times row → seconds, one a round
 * @property {Record<string, number[][]>} phases what → [begun, ended] in seconds from the start, one a round
 * @property {Record<string, string>} machine
 * @property {number[]} load of one minute, at the start of each round
 */

const rounds = Number(process.env.BENCH_ROUNDS);
/** @type {{ command: string[], version: string } | null} */
const compose = JSON.parse(process.env.BENCH_COMPOSE ?? "null");
const names = ["zookeeper", "mesos-master", "mesos-slave", "marathon"];

/** @type {Measured} */
const measured = { times: {}, phases: {}, machine: await machine(), load: [] };

/**
 * @param {string} row
 * @param {() => Promise<unknown>} work
 */
async function time(row, work) {
  const begun = performance.now();
  await work();
  const seconds = (performance.now() - begun) / 1000;
  (measured.times[row] ??= []).push(seconds);
  say(`  ${seconds.toFixed(2).padStart(6)} s  ${row}`);
}

/** @param {Record<string, [number, number]>} seen */
function notePhases(seen) {
  for (const [what, span] of Object.entries(seen)) {
    (measured.phases[what] ??= []).push(span);
  }
}

const config = { "mesos-marathon:imageSet": "rehearsal", "mesos-marathon:address": "127.0.0.1" };
const cluster = await TestStack.create("bench", config);
const empty = await TestStack.create("bench-empty", {}, { project: join(root, "bench", "empty"), backend: cluster });
try {
  for (let round = 0; round < rounds; round++) {
    measured.load.push(loadavg()[0]);
    say(`Round ${round + 1} of ${rounds}, load ${loadavg()[0].toFixed(1)}`);
    // Each time in another order: none is always the one that finds the caches cold.
    for (const way of rotated([byPulumi, byNpm, ...byOthers()], round)) {
      await way();
    }
    for (const [what, seconds] of Object.entries(await starts())) {
      (measured.times[what] ??= []).push(seconds);
    }
  }
} finally {
  await clear();
  await cluster.remove();
}
await writeFile(String(process.env.BENCH_RESULT), JSON.stringify(measured));

/** One life of the cluster, and the previews of it while it is up. */
async function byPulumi() {
  const events = follow(join(cluster.folder, "events.json"));
  try {
    await time("up", () => cluster.up("--event-log", events.path));
  } finally {
    notePhases(phases(events.stop()));
  }
  const previews = [
    { row: "preview: empty", stack: empty, preflight: true, args: [] },
    { row: "preview", stack: cluster, preflight: false, args: ["--refresh=false"] },
    { row: "preview + preflight", stack: cluster, preflight: true, args: ["--refresh=false"] },
    { row: "preview + refresh", stack: cluster, preflight: false, args: [] },
    { row: "preview + both", stack: cluster, preflight: true, args: [] },
  ];
  for (const { row, stack, preflight, args } of rotated(previews, measured.load.length)) {
    await setPreflight(preflight);
    await time(row, () => stack.mustRun("preview", ...args));
  }
  await setPreflight(true);
  await time("no-op up", () => cluster.up());
  await time("refresh", () => cluster.mustRun("refresh", "--yes", "--skip-preview"));
  await time("destroy", () => cluster.destroy());
  await clear();
}

async function byNpm() {
  const clone = await otherClone();
  try {
    await time("no-op up in a clone", clone.plain);
    await time("npm run up", clone.byNpm);
    await clone.down();
  } finally {
    clone.remove();
  }
  await clear();
}

/** @param {boolean} on */
async function setPreflight(on) {
  const file = join(cluster.folder, "Pulumi.bench.yaml");
  const text = await readFile(file, "utf8");
  await writeFile(file, `${text.replace(/\n  mesos-marathon:preflight: .*/, "").trimEnd()}\n  mesos-marathon:preflight: ${on}\n`);
}

function byOthers() {
  const script = join(root, "bench", "docker-run.sh");
  const composed = compose?.command ?? [];
  return [
    { row: "docker run", command: [script] },
    { row: "docker run, at once", command: [script, "at-once"] },
    ...(compose ? [{ row: "docker compose", command: [...composed, "--file", join(root, "bench", "compose.yaml"), "up", "--wait"] }] : []),
  ].map(({ row, command }) => async () => {
    await docker.createVolume({ Name: "bench-work" });
    const { Mountpoint } = await docker.getVolume("bench-work").inspect();
    const env = { ...process.env, WORK_DIR: Mountpoint, SOCKET: (process.env.DOCKER_HOST ?? "").slice("unix://".length) };
    const begun = Date.now() / 1000;
    let said = "";
    await time(row, async () => (said = await run(command, { env, timeout: 120_000 })));
    notePhases(Object.fromEntries([...said.matchAll(/^([\d.]+) (.+)$/gm)].map(([, at, what]) => [`${row}: ${what}`, [0, Number(at) - begun]])));
    await clear();
  });
}

/** Nothing of the last start is left: containers, data, networks. The engine is this run's alone. */
async function clear() {
  const there = (await docker.listContainers({ all: true })).filter(({ Names }) => names.includes((Names[0] ?? "").slice(1)));
  await Promise.all(there.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })));
  await removeVolumes(await volumeNames());
}

/**
 * @template T
 * @param {T[]} list
 * @param {number} by
 */
function rotated(list, by) {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

async function machine() {
  const [engine, pulumi] = await Promise.all([docker.version(), run(["pulumi", "version"])]);
  const plugins = join(process.env.PULUMI_HOME ?? "", "plugins", "resource-docker-v5.2.0");
  const dropIns = readFileSync(join(plugins, "pulumi-resource-docker")).subarray(0, 300).includes("drop-in");
  return {
    cores: String(cpus().length),
    kernel: release(),
    node: process.versions.node,
    docker: engine.Version,
    pulumi,
    plugins: dropIns ? "this project's drop-ins" : "official",
    compose: compose?.version ?? "",
  };
}
