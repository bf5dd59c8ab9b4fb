/** What doctor makes of the answers that it gets, and what a person reads of it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { whyItWaits } from "../../doctor/apps";
import { diagnose, inTable } from "../../doctor";
import type { Report } from "../../doctor/report";
import { FakeEngine, frame } from "./fake-engine";
import { defaults, project } from "./pulumi-yaml";

const slave = (free: object, active = true): any => ({ active, free: { cpus: 1.9, mem: 1984, disk: 10240, ...free } });
/** As Marathon 1.11 was seen to tell it: for each reason, in its order, how many of the last offers it turned down. */
const queued = (app: object, declined: Record<string, number>, more: object = {}) => ({
  app,
  count: 1,
  delay: { timeLeftSeconds: 0, overdue: true },
  processedOffersSummary: {
    processedOffersCount: 2,
    unusedOffersCount: 2,
    rejectSummaryLastOffers: ["UnfulfilledRole", "UnfulfilledConstraint", "NoCorrespondingReservationFound", "AgentMaintenance", "InsufficientCpus", "InsufficientMemory"]
      .concat(["InsufficientDisk", "InsufficientGpus", "InsufficientPorts", "DeclinedScarceResources"])
      .map((reason) => ({ reason, declined: declined[reason] ?? 0, processed: 1 })),
  },
  ...more,
});

const waiting: [entry: any, slaves: any[], words: string][] = [
  [queued({ cpus: 64 }, { InsufficientCpus: 1 }), [slave({}), slave({ cpus: 0.5 })], "it asks for 64 cpus, and no slave has more than 1.9 free"],
  [queued({ mem: 4096 }, { InsufficientMemory: 1 }), [slave({}), slave({ mem: 9999 }, false)], "it asks for 4096 MiB of memory, and no slave has more than 1984 free"],
  [queued({ disk: 99999 }, { InsufficientDisk: 1 }), [slave({})], "it asks for 99999 MiB of disk, and no slave has more than 10240 free"],
  [queued({ gpus: 1 }, { InsufficientGpus: 1 }), [slave({})], "it asks for 1 gpus, and no slave has as many free"],
  [
    queued({ cpus: 8, constraints: [["rack", "LIKE", "7"], ["hostname", "UNIQUE"]] }, { UnfulfilledConstraint: 1, InsufficientCpus: 1 }),
    [slave({})],
    "no slave fulfils its constraints (rack LIKE 7, hostname UNIQUE); it asks for 8 cpus, and no slave has more than 1.9 free",
  ],
  [queued({}, { InsufficientPorts: 1 }), [slave({})], "no slave has its host ports free, or offers them (mesosSlaveResources)"],
  [queued({}, { UnfulfilledRole: 1 }), [slave({})], "no offer is for a role that it accepts (acceptedResourceRoles)"],
  [queued({}, { NoCorrespondingReservationFound: 1 }), [slave({})], "no slave has the reservation for its volumes"],
  [queued({}, { AgentMaintenance: 1 }), [slave({})], "the slaves are in maintenance"],
  [queued({}, { DeclinedScarceResources: 1 }), [slave({})], "slaves with gpus are kept for apps that ask for some"],
  [queued({ cpus: 64 }, { InsufficientCpus: 1 }), [slave({}, false)], "there is no active slave"],
  [queued({}, {}, { delay: { timeLeftSeconds: 7, overdue: false } }), [], "its tasks failed, so Marathon waits another 7 s before it tries again"],
  [queued({ cpus: 0.1 }, {}, { processedOffersSummary: { processedOffersCount: 0 } }), [slave({})], "Mesos has offered it nothing yet"],
  [queued({ cpus: 0.1 }, {}), [slave({})], "no offer that fits has come yet"],
  // As Marathon 0.10 tells it.
  [{ app: { cpus: 64, mem: 16 }, count: 1, delay: { overdue: true } }, [slave({})], "it asks for 64 cpus, and no slave has more than 1.9 free"],
  [{ app: { cpus: 1, mem: 16 }, count: 1, delay: { overdue: true } }, [slave({})], "no offer that fits has come yet"],
];

test("why an app waits", async (t) => {
  for (const [entry, slaves, words] of waiting) {
    await t.test(words, () => assert.equal(whyItWaits(entry, slaves), words));
  }
});

const labels = (component: string) => ({ "mesos-marathon.project": "mesos-marathon", "mesos-marathon.stack": "dev", "mesos-marathon.component": component });
const images = ["mesos-marathon/rehearsal-zookeeper:3.8.0", "mesos-marathon/stand-in-mesos-master:1.11.0", "mesos-marathon/stand-in-mesos-slave:1.11.0", "mesos-marathon/stand-in-marathon:1.11.0"];

async function played(t: TestContext): Promise<FakeEngine> {
  const engine = await FakeEngine.start();
  engine.info = { ...engine.info, DockerRootDir: "/nowhere" };
  engine.images = [{ Id: "sha256:0", RepoTags: images }];
  t.after(() => engine.stop());
  return engine;
}

/** Answers every path with what is there for it, and notes what it was shown as credentials. */
async function answering(t: TestContext, answers: Record<string, unknown>, shown: (string | undefined)[] = []): Promise<string> {
  const server = createServer((request, response) => {
    shown.push(request.headers.authorization);
    const body = answers[(request.url ?? "").split("?")[0]];
    response.writeHead(body === undefined ? 404 : 200).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const sign = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };
const secret = (value: unknown) => ({ ...sign, plaintext: JSON.stringify(value) });
const given = (engine: FakeEngine, more: object = {}) => ({
  project: "mesos-marathon",
  stack: "dev",
  values: { ...defaults(), imageSet: "rehearsal", dockerHost: engine.dockerHost },
  secretKeys: [],
  unread: [],
  ...more,
});
const gate = (component: string, environment: object) => ({ type: "command:local:Command", outputs: { environment: { COMPONENT: component, CONTAINER_ID: component, ...environment } } });

test("a cluster half dead: what answers is told whole, what does not with the reason and its log, and no secret", async (t) => {
  const engine = await played(t);
  engine.containers.set("mesos-master", { name: "mesos-master", labels: labels("mesos-master"), startedAt: "2026-01-01T00:00:00Z", log: frame(2, "I0101 all is well\nE0101 a lost slave\nF0101 gone\nW0101 odd\n") });
  engine.containers.set("marathon", { name: "marathon", labels: labels("marathon"), log: frame(1, "[2026-01-01] ERROR refused for marathon:hidden-word\nERROR Invalid configuration, only one server specified (ignoring)\nERROR Error closing a command socket\n") });
  engine.containers.set("zookeeper", { name: "zookeeper", labels: labels("zookeeper"), status: "exited", exitCode: 1, finishedAt: "2026-01-01T00:00:00Z", log: frame(1, "a\nb\nc\nd\n") });
  const shown: (string | undefined)[] = [];
  const master = await answering(t, {
    "/metrics/snapshot": { "master/elected": 1 },
    "/version": { version: "1.11.0" },
    "/master/frameworks": { frameworks: [{ id: "F1", active: true }] },
    "/master/slaves": { slaves: [{ id: "S1", hostname: "h", active: true, attributes: { rack: "1" }, resources: { cpus: 2, mem: 100, disk: 10 }, used_resources: { cpus: 0.1, mem: 50 } }] },
  });
  const marathon = await answering(
    t,
    {
      "/v2/info": { version: "1.11.24", frameworkId: "F1" },
      "/v2/apps": { apps: [{ id: "/a", instances: 2, tasksRunning: 2, lastTaskFailure: { state: "TASK_FAILED" } }, { id: "/b", instances: 1, tasksRunning: 0, lastTaskFailure: { state: "TASK_FAILED", timestamp: "T", message: "exit 3" } }] },
      "/v2/queue": { queue: [queued({ id: "/b", cpus: 64 }, { InsufficientCpus: 1 })] },
    },
    shown,
  );
  const resources = [
    gate("zookeeper", { ADDRESS: "127.0.0.1", PORT: "1" }),
    gate("mesos-master", { MASTER: master }),
    gate("mesos-slave", { MASTER: master, SLAVE: "http://127.0.0.1:1", SLAVE_STATE_PATH: "/state", SLAVES_PATH: "/master/slaves" }),
    gate("marathon", { MARATHON: marathon, MASTER: master, FRAMEWORKS_PATH: "/master/frameworks", CREDENTIALS: secret("marathon:hidden-word") }),
    { type: "command:local:Command", outputs: { environment: { COMPONENT: "marathon" } } },
    ...["zookeeper", "mesos-master", "mesos-slave", "marathon"].map((id) => ({
      urn: `urn:pulumi:dev::mesos-marathon::docker:index/container:Container::cluster-${id}`,
      type: "docker:index/container:Container",
      id,
      outputs: { labels: [{ label: "mesos-marathon.project", value: "mesos-marathon" }] },
    })),
  ];
  const pending_operations = [{ type: "creating", resource: { urn: "urn:pulumi:dev::mesos-marathon::docker::cluster-x" } }, { type: "deleting", resource: { urn: "a::b" } }];
  const report: Report = await diagnose(given(engine, { deployment: { resources, pending_operations } }));

  const components = report.cluster?.components.map(({ component, ready, answer, version, log }) => ({ component, ready, answer, version, log }));
  assert.deepEqual(components, [
    { component: "zookeeper", ready: false, answer: "stopped at 2026-01-01T00:00:00Z with exit code 1", version: undefined, log: ["b", "c", "d"] },
    { component: "mesos-master", ready: true, answer: "is elected", version: "1.11.0", log: ["E0101 a lost slave", "F0101 gone"] },
    { component: "mesos-slave", ready: false, answer: "it has no container", version: undefined, log: [] },
    { component: "marathon", ready: true, answer: "active as F1", version: "1.11.24", log: ["[2026-01-01] ERROR refused for …"] },
  ]);
  assert.deepEqual(report.cluster?.slaves, [
    { id: "S1", hostname: "h", active: true, attributes: { rack: "1" }, total: { cpus: 2, mem: 100, disk: 10 }, free: { cpus: 1.9, mem: 50, disk: 10 } },
  ]);
  assert.deepEqual(report.cluster?.apps, [
    { id: "/a", instances: 2, running: 2, waits: "" },
    { id: "/b", instances: 1, running: 0, waits: "it asks for 64 cpus, and no slave has more than 1.9 free", lastFailure: "TASK_FAILED at T: exit 3" },
  ]);
  assert.deepEqual(report.findings.map(({ level, name, text }) => `${level} ${name}: ${text}`), [
    "note host-not-seen: ports, addresses, disk, memory and capabilities of the Docker host cannot be seen from here and were not checked",
    "error interrupted: a Pulumi command was cut off when it made cluster-x: npm run recover",
    "error not-ready: zookeeper is not ready (stopped at 2026-01-01T00:00:00Z with exit code 1): npm run up, or pulumi up, brings it back or says why not",
    "error not-ready: mesos-slave is not ready (it has no container): npm run up, or pulumi up, brings it back or says why not",
    "warning app-waits: the app /b waits, 0 of 1 running: it asks for 64 cpus, and no slave has more than 1.9 free",
    "warning task-failed: the last task of the app /b that failed: TASK_FAILED at T: exit 3",
  ]);
  assert.deepEqual([report.schemaVersion, report.ok], [1, false]);
  assert.ok(shown.includes(`Basic ${Buffer.from("marathon:hidden-word").toString("base64")}`));
  assert.doesNotMatch(JSON.stringify(report), /hidden/);
  assert.deepEqual(engine.changes, []);
});

test("a cluster that is stopped is one finding, not one for each component", async (t) => {
  const engine = await played(t);
  for (const component of ["zookeeper", "mesos-master", "mesos-slave", "marathon"]) {
    engine.containers.set(component, { name: component, labels: labels(component), status: "exited", exitCode: 143, finishedAt: "2026-01-01T00:00:00Z" });
  }
  const { findings, cluster }: Report = await diagnose(given(engine));
  assert.deepEqual(findings.filter(({ name }) => name === "not-ready").map(({ text }) => text), [
    "the cluster is stopped: npm run up, or pulumi up, brings it back or says why not",
  ]);
  assert.deepEqual(cluster?.components.map(({ answer }) => answer), Array(4).fill("stopped at 2026-01-01T00:00:00Z with exit code 143"));
});

test("of a stack that was never up, by its file alone, where Pulumi knows of none", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "doctor-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "Pulumi.new.yaml");
  writeFileSync(file, "encryptionsalt: v1:x\nconfig:\n  mesos-marathon:imageSet: rehearsal\n  mesos-marathon:imageRegistry: r.test\n  mesos-marathon:imageRegistryUsername: me\n" +
    "  mesos-marathon:imageRegistryPassword:\n    secure: v1:y\n  mesos-marathon:marathonPort: 0\n");
  const env = { ...process.env, DOCKER_HOST: "unix:///nowhere/docker.sock", PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_CONFIG_PASSPHRASE: "x" };
  const { status, stdout } = spawnSync(process.execPath, ["setup/doctor.mjs", "--json", "--stack", "new", "--config-file", file], { cwd: project, env, encoding: "utf8" });
  const { findings, ok, cluster }: Report = JSON.parse(stdout);
  assert.deepEqual([status, ok, cluster], [1, false, undefined]);
  assert.deepEqual(findings.map(({ level, name, text }) => `${level} ${name}: ${text.split(";")[0]}`), [
    'error configuration: mesos-marathon:marathonPort is "0": write a port from 1 to 65535',
    "warning not-read: imageRegistryPassword, imageRegistryUsername left out, as only Pulumi can read secrets",
    "error engine-unreachable: the Docker Engine at unix:///nowhere/docker.sock does not answer",
  ]);
});

test("with imageSet auto, the set that the stack runs, else the one that the host can run, else why there is none", async (t) => {
  const engine = await played(t);
  const found = async (more: object = {}) => {
    const report: Report = await diagnose(given(engine, { values: { ...defaults(), imageSet: "auto", dockerHost: engine.dockerHost }, ...more }));
    return report.findings.filter(({ name }) => name !== "host-not-seen").map(({ name, text }) => `${name}: ${text}`);
  };
  assert.deepEqual(await found({ deployment: { resources: [{ type: "docker:index/remoteImage:RemoteImage", outputs: { name: images[0] } }] } }), []);
  assert.match((await found())[0], /^images-to-pull: 4 of 4 images are not here yet and will be pulled: mesoscloud\//);
  const none = await found({ deployment: { resources: [{ type: "docker:index/remoteImage:RemoteImage", outputs: { name: "other:1" } }] } });
  assert.equal(none.length, 1);
  assert.match(none[0], /^configuration: The image set cannot be chosen \(mesos-marathon:imageSet is auto\):\n {2}- this stack runs images of none of them \(other:1\)/);
});

test("a configuration that cannot be used, and a Docker Engine out of reach, are findings as others are", async () => {
  const values = { ...defaults(), imageSet: "rehearsal", marathonPort: "0", dockerHost: "unix:///nowhere/docker.sock" };
  const report: Report = await diagnose({ project: "mesos-marathon", stack: "dev", values, secretKeys: [], unread: ["marathonEnvironment left out"] });
  assert.deepEqual(report.findings.map(({ level, name }) => `${level} ${name}`), ["error configuration", "warning not-read", "error engine-unreachable"]);
  assert.equal(report.cluster, undefined);
  assert.match(inTable(report), /\n\nWhether there is a cluster of this stack cannot be seen\.$/);
});

test("what a person reads, at 80 columns", () => {
  const report: Report = {
    schemaVersion: 1,
    stack: "dev",
    dockerHost: "unix:///var/run/docker.sock",
    dockerVersion: "20.10.24",
    ok: true,
    findings: [{ level: "warning", name: "low-disk", text: `1.5 GiB are free in /var/lib/docker, where Docker keeps its data: make room ${"x".repeat(100)}` }],
    cluster: {
      components: [
        { component: "zookeeper", ready: true, answer: "serves as standalone", endpoint: "127.0.0.1:2181", version: "3.8.0", log: [] },
        { component: "marathon", ready: false, answer: "ECONNREFUSED", endpoint: "http://127.0.0.1:8080", log: ["ERROR a", `ERROR ${"long ".repeat(50)}`] },
        { component: "mesos-slave", ready: true, answer: `active as ${"x".repeat(36)}`, endpoint: "http://127.0.0.1:5051", version: "1.11.0", log: [] },
      ],
      slaves: [{ id: "S1", hostname: "h", active: false, attributes: { rack: "1" }, total: { cpus: 2, mem: 100, disk: 10 }, free: { cpus: 1.9, mem: 50, disk: 10 } }],
      apps: [
        { id: "/a", instances: 1, running: 1, waits: "" },
        { id: "/b", instances: 3, running: 1, waits: "no" },
      ],
    },
  };
  assert.deepEqual(inTable(report).split("\n"), [
    "Stack dev",
    "Docker Engine 20.10.24: unix:///var/run/docker.sock",
    "",
    "warning low-disk",
    "        1.5 GiB are free in /var/lib/docker, where Docker keeps its data: make",
    "        room",
    `        ${"x".repeat(72)}`,
    `        ${"x".repeat(28)}`,
    "",
    "Components",
    "  zookeeper    ready     3.8.0   127.0.0.1:2181  serves as standalone",
    "  marathon     NOT READY         http://127.0.0.1:8080  ECONNREFUSED",
    "  mesos-slave  ready     1.11.0  http://127.0.0.1:5051",
    `               active as ${"x".repeat(36)}`,
    "",
    "Slaves",
    "  INACTIVE  h  rack:1  S1",
    "            free: cpus 1.9 of 2, mem 50 of 100 MiB, disk 10 of 10 MiB",
    "",
    "Apps  1 of 2 run in full; /b 1 of 3",
    "",
    "Last errors in the logs, or last lines of what is not ready; all: npm run logs",
    "  marathon     ERROR a",
    "  marathon     ERROR long long long long long long long long long long long long",
    "               long long long long long long long long long long long long lon…",
  ]);
});
