/** The gate as the stack runs it: a process that is told by its environment and tells by its exit code. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { otherPackage, runCheck } from "./check-script";
import { type FakeContainer, FakeEngine, frame } from "./fake-engine";
import { closedPort, http, tcp } from "./liars";

/** A cluster that is ready, all of it at one address. */
async function cluster(t: TestContext, flags: object = { docker_mesos_image: "slave:1" }): Promise<Record<string, Record<string, string>>> {
  const zookeeper = await tcp(t, (socket) => void socket.on("data", () => socket.end("Mode: standalone\n")));
  const { url } = await http(t, {
    "/metrics/snapshot": { body: { "master/elected": 1 } },
    "/state": { body: { id: "S1", flags } },
    "/master/slaves": { body: { slaves: [{ id: "S1", active: true }] } },
    "/v2/info": { body: { frameworkId: "F1" } },
    "/master/frameworks": { body: { frameworks: [{ id: "F1", active: true }] } },
  });
  return {
    zookeeper: { ADDRESS: "127.0.0.1", PORT: zookeeper },
    "mesos-master": { MASTER: url },
    "mesos-slave": { MASTER: url, SLAVE: url, SLAVE_STATE_PATH: "/state", SLAVES_PATH: "/master/slaves" },
    marathon: { MARATHON: url, MASTER: url, FRAMEWORKS_PATH: "/master/frameworks" },
  };
}

test("ready: exit code 0, one line on stdout, nothing on stderr", async (t) => {
  const settings = await cluster(t);
  for (const [component, answer] of [
    ["zookeeper", "serves as standalone"],
    ["mesos-master", "is elected"],
    ["mesos-slave", "active as S1"],
    ["marathon", "active as F1"],
  ]) {
    await t.test(component, async () => {
      const { code, stdout, stderr } = await runCheck("ready", { COMPONENT: component, ...settings[component] });
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, new RegExp(`^\\S+Z ${component} ready after \\d+\\.\\d s: ${answer}\n$`));
    });
  }
});

test("ready, but not all is well: that is said on stderr", async (t) => {
  const { marathon } = await cluster(t);
  const { code, stdout, stderr } = await runCheck("ready", { COMPONENT: "marathon", ...marathon, PULUMI_COMMAND_STDOUT: "marathon ready: active as F0" });
  assert.equal(code, 0);
  assert.match(stdout, /active as F1, no longer as F0: its data in ZooKeeper was lost\n$/);
  assert.match(stderr, /^Marathon's data in ZooKeeper was lost: it is a new framework, F1, and has forgotten the apps of F0\.\n/);
});

const workDir = "/volumes/stack-work/_data";
const startedAt = "2026-01-01T00:00:10.500000000Z";
const task = (name: string, created: string, more: Partial<FakeContainer> = {}) => ({ name, created, mounts: [`${workDir}/slaves/S0/frameworks/F1/executors/${name}`], ...more });
const tasks = [
  task("old", "2026-01-01T00:00:09.900000000Z"),
  task("new", "2026-01-01T00:00:10.600000000Z"),
  task("ended", "2026-01-01T00:00:09Z", { status: "exited" as const }),
  task("foreign", "2026-01-01T00:00:09Z", { mounts: [`${workDir}-2/slaves/S0/frameworks/F1`] }),
];
const slave = { name: "mesos-slave", startedAt, environment: [`MESOS_WORK_DIR=${workDir}`], labels: { "mesos-marathon.stack": "dev" } };

async function slaveReady(t: TestContext, flags: object, container: FakeContainer, others: FakeContainer[] = tasks, before = "") {
  const engine = await FakeEngine.start(container, ...others.map((other) => ({ ...other })));
  t.after(() => engine.stop());
  const settings = (await cluster(t, flags))["mesos-slave"];
  const { code, stdout, stderr } = await runCheck("ready", { COMPONENT: "mesos-slave", CONTAINER: "mesos-slave", DOCKER_HOST: engine.dockerHost, PULUMI_COMMAND_STDOUT: before, ...settings });
  return { code, stdout: stdout.replace(/^.*(?=active)/, ""), stderr, changes: engine.changes };
}

test("a slave whose executors ended with its former life: their tasks' containers are removed, and nothing that is younger, has ended or is elsewhere", async (t) => {
  assert.deepEqual(await slaveReady(t, {}, slave), {
    code: 0,
    stdout: "active as S1; 1 orphaned task container removed\n",
    stderr: "",
    changes: ["POST /containers/old/stop?t=10", "DELETE /containers/old?force=true&v=true"],
  });
});

test("a slave whose executors outlive it, or that was started by hand: nothing is removed", async (t) => {
  const untouched = { code: 0, stdout: "active as S1\n", stderr: "", changes: [] };
  assert.deepEqual(await slaveReady(t, { docker_mesos_image: "slave:1" }, slave), untouched);
  assert.deepEqual(await slaveReady(t, {}, { ...slave, pidMode: "host" }), untouched);
  assert.deepEqual(await slaveReady(t, {}, { ...slave, labels: {} }), untouched);
});

test("a slave that is another one than before: what runs on of that one's tasks is removed", async (t) => {
  const others = [...tasks, task("of-this-one", "2026-01-01T00:00:09Z", { mounts: [`${workDir}/slaves/S1/frameworks/F1`] })];
  const ready = (before: string) => slaveReady(t, { docker_mesos_image: "slave:1" }, { ...slave, pidMode: "host" }, others, before);
  const { stdout, changes } = await ready("T mesos-slave ready after 0.1 s: active as S0; 1 orphaned task container removed\n");
  assert.equal(stdout, "active as S1; 2 orphaned task containers removed\n");
  assert.deepEqual(changes.filter((change) => change.startsWith("DELETE")).sort(), ["old", "new"].map((name) => `DELETE /containers/${name}?force=true&v=true`).sort());
  assert.deepEqual((await ready("T mesos-slave ready after 0.1 s: active as S1\n")).changes, []);
});

test("an orphan that the Docker Engine does not let go: that is said, and the slave is ready all the same", async (t) => {
  const { code, stdout, stderr } = await slaveReady(t, {}, slave, [task("old", "2026-01-01T00:00:09Z", { refuses: { stop: 500 } })]);
  assert.deepEqual([code, stdout], [0, "active as S1\n"]);
  assert.match(stderr, /^orphaned task containers could not be removed: .*stop is refused/);
});

test("from another package that has this one linked: the same", async (t) => {
  const settings = await cluster(t);
  const folder = otherPackage(t);
  const ready = await runCheck("ready", { COMPONENT: "marathon", ...settings.marathon }, folder);
  assert.deepEqual([ready.code, ready.stderr], [0, ""]);
  assert.match(ready.stdout, /marathon ready after \d+\.\d s: active as F1\n$/);

  // Here it needs the client library of the Docker Engine too.
  const gone = await notReady(t, {}, folder);
  assert.deepEqual([gone.code, gone.stdout], [1, ""]);
  assert.match(gone.stderr, /^zookeeper did not become ready: the container does not exist\n/);
});

async function notReady(t: TestContext, environment: Record<string, string>, folder?: string) {
  const engine = await FakeEngine.start({ name: "zk", restarts: 1, log: frame(2, "no space left on device\n") });
  t.after(() => engine.stop());
  const port = await closedPort(t);
  const told = { COMPONENT: "zookeeper", CONTAINER: "zookeeper", DOCKER_HOST: engine.dockerHost, ADDRESS: "127.0.0.1", PORT: port };
  const { stderr, ...rest } = await runCheck("ready", { ...told, ...environment }, folder);
  return { ...rest, stderr: stderr.replaceAll(/\d+\.\d s/g, "N s").replaceAll(port, "PORT").replaceAll(engine.dockerHost, "ENGINE") };
}

test("not ready: exit code 1, nothing on stdout, the whole reason on stderr and no stack trace", async (t) => {
  assert.deepEqual(await notReady(t, { CONTAINER: "zk", READY_TIMEOUT: "1" }), {
    code: 1,
    stdout: "",
    stderr: [
      "zookeeper did not become ready: time is over",
      "  asked:        srvr of 127.0.0.1:PORT",
      "  last answer:  ECONNREFUSED",
      "  waited:       N s of 1 s",
      "  container:    zk, running, restarted 0 times while waiting",
      "  its log ends:",
      "    no space left on device",
      "  all of it:    docker --host ENGINE logs zk",
      "",
    ].join("\n"),
  });
});

test("a port that closes every connection at once: the same, and not an end without a word", async (t) => {
  const port = await tcp(t, (socket) => socket.destroy());
  const { code, stderr } = await notReady(t, { COMPONENT: "mesos-master", MASTER: `http://127.0.0.1:${port}`, CONTAINER: "zk", READY_TIMEOUT: "1" });
  assert.deepEqual([code, stderr.split("\n")[0]], [1, "mesos-master did not become ready: time is over"]);
});

test("a final exit ends it with its reason", async (t) => {
  const engine = await FakeEngine.start({ name: "marathon", status: "restarting", exitCode: 110, restarts: 2 });
  t.after(() => engine.stop());
  const { code, stderr } = await runCheck("ready", {
    COMPONENT: "marathon",
    CONTAINER: "marathon",
    DOCKER_HOST: engine.dockerHost,
    READY_TIMEOUT: "20",
    FINAL_EXITS: '{"110":"its framework was torn down"}',
    MARATHON: `http://127.0.0.1:${await closedPort(t)}`,
  });
  assert.equal(code, 1);
  assert.equal(stderr.split("\n")[0], "marathon did not become ready: it ended with exit code 110: its framework was torn down");
});

test("a component that there is not: a sentence", async () => {
  assert.deepEqual(await runCheck("ready", { COMPONENT: "chronos" }), {
    code: 1,
    stdout: "",
    stderr: 'COMPONENT is "chronos": write zookeeper, mesos-master, mesos-slave, marathon\n',
  });
});
