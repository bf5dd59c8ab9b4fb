import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, test } from "node:test";

import type { Report } from "../../doctor/report";
import { web } from "./app";
import { census, docker } from "./docker";
import { eventually } from "./eventually";
import { dockerHost, network, TestStack } from "./stack";

// What doctor says of a cluster in each of its states, to a person and to a program; it changes none of them.

const credentials = "operator:a-secret-of-marathon";
let stack: TestStack;

before(async () => {
  stack = await TestStack.create("doctor", { "mesos-marathon:imageSet": "rehearsal" });
  await stack.mustRun("config", "set", "--secret", "--path", "mesos-marathon:marathonEnvironment.MARATHON_HTTP_CREDENTIALS", credentials);
});
after(() => stack.remove());

/** Both outputs, which must say the same and no secret, and the exit code, which goes by the errors. */
async function examined(): Promise<{ report: Report; table: string }> {
  // Some of a half dead cluster end, and are started again, by themselves.
  const there = async () => (({ containers, ...rest }) => ({ ...rest, containers: containers.map(({ id }) => id) }))(await census());
  const before = await there();
  const [json, table] = [await stack.doctor("--json"), await stack.doctor()];
  assert.deepEqual(await there(), before);
  const report: Report = JSON.parse(json.stdout);
  const code = report.findings.some(({ level }) => level === "error") ? 1 : 0;
  assert.deepEqual([json.code, table.code, report.ok], [code, code, code === 0], table.output);
  for (const { output } of [json, table]) {
    assert.doesNotMatch(output, /a-secret-of-marathon/);
  }
  assert.deepEqual(table.stdout.split("\n").filter((line) => line.length > 80), []);
  for (const { name } of report.findings) {
    assert.ok(table.stdout.includes(name), name);
  }
  return { report, table: table.stdout };
}

const named = ({ findings }: Report) => findings.map(({ level, name }) => `${level} ${name}`);
const states = ({ cluster }: Report) => Object.fromEntries((cluster?.components ?? []).map(({ component, ready }) => [component, ready]));

test("before the first up", async () => {
  const { report, table } = await examined();
  assert.deepEqual([named(report), report.cluster, report.dockerHost], [[], undefined, dockerHost()]);
  assert.match(table, /^Stack doctor\nDocker Engine \d\S+: unix:.*\n\nNothing found\.\n\nThere is no cluster of this stack yet\.\n$/);
});

test("a port that is taken", async () => {
  const server = createServer().listen(5050, "127.0.0.1");
  try {
    const { report, table } = await examined();
    assert.deepEqual(named(report), ["error port-taken"]);
    assert.match(table.replace(/\s+/g, " "), new RegExp(`port 5050 of 127\\.0\\.0\\.1 \\(mesos-marathon:mesosMasterPort, for the Mesos master\\) is held by \\S+ \\(process ${process.pid}\\)`));
  } finally {
    server.close();
  }
});

test("a cluster that is well", async () => {
  await stack.up();
  const { report, table } = await examined();
  assert.deepEqual(named(report), []);
  const { components = [], slaves = [], apps } = report.cluster ?? {};
  assert.deepEqual(
    components.map(({ component, ready, endpoint, version, container }) => [component, ready, endpoint, version, container?.runs]),
    [
      ["zookeeper", true, "127.0.0.1:2181", "3.8.0", true],
      ["mesos-master", true, "http://127.0.0.1:5050", "1.11.0", true],
      ["mesos-slave", true, "http://127.0.0.1:5051", "1.11.0", true],
      ["marathon", true, "http://127.0.0.1:8080", "1.11.0", true],
    ],
  );
  assert.deepEqual(slaves.map(({ id, ...slave }) => slave), [
    { hostname: network.taskHost, active: true, attributes: {}, total: { cpus: 2, mem: 2048, disk: 10240 }, free: { cpus: 2, mem: 2048, disk: 10240 } },
  ]);
  assert.deepEqual([apps, components.map(({ log }) => log)], [[], [[], [], [], []]]);
  assert.match(table, /^ {2}marathon {5}ready {5}1\.11\.0 {2}http:\/\/127\.0\.0\.1:8080\n {15}active as \S+$/m);
});

test("an app that cannot be placed, and one whose tasks fail", async () => {
  const post = (app: object) =>
    fetch("http://127.0.0.1:8080/v2/apps", {
      method: "POST",
      headers: { "Content-Type": "application/json", authorization: `Basic ${Buffer.from(credentials).toString("base64")}` },
      body: JSON.stringify(app),
    });
  assert.equal((await post({ id: "/big", ...web, cpus: 64 })).status, 201);
  assert.equal((await post({ id: "/elsewhere", ...web, constraints: [["rack", "LIKE", "7"]] })).status, 201);
  assert.equal((await post({ id: "/failing", cmd: "exit 3", cpus: 0.1, mem: 16 })).status, 201);
  const found = await eventually("all three to be told", async () => {
    const { report } = await examined();
    const apps = Object.fromEntries((report.cluster?.apps ?? []).map((app) => [app.id, app]));
    const isTold = apps["/big"]?.waits.includes("free") && apps["/elsewhere"]?.waits.includes("constraints") && apps["/failing"]?.lastFailure;
    return isTold ? { report, apps } : undefined;
  });
  assert.match(found.apps["/big"].waits, /^it asks for 64 cpus, and no slave has more than \d(\.\d+)? free$/);
  assert.equal(found.apps["/elsewhere"].waits, "no slave fulfils its constraints (rack LIKE 7)");
  assert.match(found.apps["/failing"].lastFailure ?? "", /^TASK_FAILED at /);
  assert.deepEqual([...new Set(named(found.report))].sort(), ["warning app-waits", "warning task-failed"]);
});

test("a slave that is stopped", async () => {
  await docker.getContainer("mesos-slave").stop();
  const { report, table } = await examined();
  assert.deepEqual(states(report), { zookeeper: true, "mesos-master": true, "mesos-slave": false, marathon: true });
  assert.match(report.findings.find(({ name }) => name === "not-ready")?.text ?? "", /^mesos-slave is not ready \(stopped at \S+ with exit code \d+\): npm run up, or pulumi up, brings it back or says why not$/);
  assert.match(table, /^ {2}mesos-slave {2}NOT READY/m);
});

test("ZooKeeper dead, and then all of it", async () => {
  await docker.getContainer("zookeeper").kill();
  const { report } = await examined();
  assert.deepEqual([states(report).zookeeper, report.cluster?.components[0].answer.startsWith("stopped at ")], [false, true]);
  await Promise.all(["mesos-master", "marathon"].map((name) => docker.getContainer(name).stop({ t: 1 })));
  const dead = (await examined()).report;
  assert.deepEqual([states(dead), dead.cluster?.slaves, dead.cluster?.apps], [{ zookeeper: false, "mesos-master": false, "mesos-slave": false, marathon: false }, [], []]);
});

test("an up brings it back, and doctor says so", async () => {
  await stack.up();
  assert.equal((await examined()).report.ok, true);
});
