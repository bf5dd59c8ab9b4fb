/** What happens on the Docker Engine, at Marathon and at the master when the stack is destroyed, before its containers are removed. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";

import { otherPackage, runCheck } from "./check-script";
import { type FakeContainer, FakeEngine, frame } from "./fake-engine";
import { closedPort } from "./liars";

const workDir = "/docker/volumes/mesos-marathon-dev-cluster-mesos-slave-work/_data";
const sandbox = `${workDir}/slaves/S1/frameworks/F1/executors/web.1/runs/0f3a`;
const uuid = "01234567-89ab-cdef-0123-456789abcdef";
const labels = { "mesos-marathon.project": "mesos-marathon", "mesos-marathon.stack": "dev" };

const tasks: FakeContainer[] = [
  { name: `mesos-${uuid}`, mounts: ["/etc/hosts", sandbox] },
  { name: `mesos-${uuid}.executor`, mounts: ["/var/run/docker.sock", sandbox] },
  { name: "ended-task", mounts: [sandbox], status: "exited" },
];
const lookAlikes: FakeContainer[] = [
  { name: "mesos-fedcba98-7654-3210-fedc-ba9876543210" },
  { name: "mesos-foreign", mounts: [undefined] },
  { name: "has-the-work-directory", mounts: [workDir] },
  { name: "has-all-slaves", mounts: [`${workDir}/slaves`] },
  { name: "has-a-name-like-it", mounts: [`${workDir}/slavesX/S1`, `${workDir}/meta/slaves/S1`] },
  { name: "other-stack", mounts: [`${workDir.replace("-dev-", "-dev2-")}/slaves/S1/frameworks/F1`] },
  { name: "deeper", mounts: [`/mnt${sandbox}`] },
  { name: "labelled", labels },
];
const slave: FakeContainer = { name: "mesos-slave", labels, mounts: ["/sys/fs/cgroup", "/var/run/docker.sock", workDir] };
const removals = tasks.flatMap(({ name }) => [`DELETE /containers/${name}?force=true&v=true`, `POST /containers/${name}/stop?t=10`]).sort();
const left = lookAlikes.map(({ name }) => name);

const interlock = "mesos-marathon-dev-cluster-mesos-slave-interlock";
const told = {
  LABELS: JSON.stringify(Object.entries(labels).map(([key, value]) => `${key}=${value}`)),
  INTERLOCK: interlock,
};
const ofSlave = {
  ...told,
  COMPONENT: "mesos-slave",
  CONTAINER: "mesos-slave",
  WORK_DIR: workDir,
  VOLUMES: '["data","mesos-slave-work","removed-by-hand"]',
};

async function engineWith(t: TestContext, containers: readonly FakeContainer[], volumes = ["mesos-slave-work", "data"]) {
  const engine = await FakeEngine.start(...containers.map((container) => ({ ...container })));
  t.after(() => engine.stop());
  engine.volumes = volumes.map((Name) => ({ Name, Labels: null }));
  return engine;
}

async function tearDownSlave(
  t: TestContext,
  slaves: FakeContainer[],
  { others = [...tasks, ...lookAlikes], volumes = undefined as string[] | undefined, set = {} as Record<string, string>, folder = undefined as string | undefined } = {},
) {
  const engine = await engineWith(t, [...slaves, ...others], volumes);
  const result = await runCheck("teardown", { DOCKER_HOST: engine.dockerHost, ...ofSlave, ...set }, folder);
  return { ...result, changes: engine.changes, left: [...engine.containers.keys()] };
}

const kept =
  "kept, with the data of the cluster: volumes data, mesos-slave-work\n" +
  "onDestroy was keep at the last up; with erase, set and applied by an up, a destroy removes the data too\n";

/** Ends at the third look after the signal. */
const leaves = (container: FakeContainer, times: number) => {
  container.status = times > 3 ? "exited" : "running";
};

test("a slave that was started just now is told to leave when its master knows it, and no sooner", async (t) => {
  let asked = 0;
  const starting: FakeContainer = {
    ...slave,
    startedAt: new Date().toISOString(),
    inspected: leaves,
    get log() {
      asked += 1;
      return frame(2, asked < 3 ? "Recovery complete\n" : "Re-registered with master master@127.0.0.1:5050\n");
    },
  };
  const engine = await FakeEngine.start(starting);
  t.after(() => engine.stop());
  const { code, stdout } = await runCheck("teardown", { DOCKER_HOST: engine.dockerHost, ...ofSlave });
  assert.deepEqual([code, stdout.split(";")[0], asked], [0, "mesos-slave has left", 3]);
});

test("the slave leaves for good, then its tasks' containers are removed, and no others", async (t) => {
  const { code, stdout, stderr, changes, ...after } = await tearDownSlave(t, [{ ...slave, inspected: leaves }]);
  assert.deepEqual([code, stdout, stderr], [0, `mesos-slave has left; 3 task containers removed\n${kept}`, ""]);
  assert.deepEqual(changes.slice(0, 2), [
    'POST /containers/mesos-slave/update {"RestartPolicy":{"Name":"no"}}',
    "POST /containers/mesos-slave/kill?signal=SIGUSR1",
  ]);
  assert.deepEqual(changes.slice(2).sort(), removals);
  for (const { name } of tasks) {
    assert.ok(changes.indexOf(`POST /containers/${name}/stop?t=10`) < changes.indexOf(`DELETE /containers/${name}?force=true&v=true`), name);
  }
  assert.deepEqual(after.left, ["mesos-slave", ...left]);
});

test("nothing is removed while the slave is still there", async (t) => {
  const seen: number[] = [];
  const engine = await engineWith(t, tasks);
  engine.containers.set("mesos-slave", {
    ...slave,
    inspected: (container, times) => {
      seen.push(engine.changes.length);
      leaves(container, times);
    },
  });
  const { code } = await runCheck("teardown", { DOCKER_HOST: engine.dockerHost, ...ofSlave });
  assert.equal(code, 0);
  assert.deepEqual(seen, [0, 2, 2, 2]);
});

test("from another package that has this one linked: the same", async (t) => {
  const { code, stdout } = await tearDownSlave(t, [{ ...slave, inspected: leaves }], { others: tasks, folder: otherPackage(t) });
  assert.deepEqual([code, stdout], [0, `mesos-slave has left; 3 task containers removed\n${kept}`]);
});

test("while the interlock exists nobody destroys, and nothing is touched", async (t) => {
  for (const set of [{}, { COMPONENT: "marathon", ON_DESTROY: "erase" }] as Record<string, string>[]) {
    const { code, stdout, stderr, changes, ...after } = await tearDownSlave(t, [slave], { volumes: ["data", interlock], set });
    assert.deepEqual(
      [code, stdout, stderr],
      [0, `mesos-slave stays: its teardown was replaced, and nothing is destroyed while the volume ${interlock} exists\n`, ""],
    );
    assert.deepEqual(changes, []);
    assert.deepEqual(after.left, ["mesos-slave", ...tasks.map(({ name }) => name), ...left]);
  }
});

test("to be erased: the cluster's volumes are named, and those of the stack that stay", async (t) => {
  const volumes = ["mesos-slave-work", "data", "of-another-cluster"];
  const { code, stdout, stderr, changes } = await tearDownSlave(t, [{ ...slave, inspected: leaves }], { volumes, set: { ON_DESTROY: "erase" } });
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(
    stdout,
    "mesos-slave has left; 3 task containers removed\n" +
      "erased, as soon as their containers are gone: volumes data, mesos-slave-work\n" +
      "kept, with the data of the cluster: volumes of-another-cluster\n",
  );
  // Volumes that containers use cannot be removed here: Pulumi does it.
  assert.deepEqual(changes.filter((change) => change.includes("/volumes/")), []);
});

test("to be erased: the work directories of slaves before it go at once, as no container has them and Pulumi does not know them", async (t) => {
  const set = { FORMER_VOLUMES: '["mesos-slave-work-0","removed-by-hand"]' };
  const volumes = ["mesos-slave-work", "mesos-slave-work-0"];
  const erasing = await tearDownSlave(t, [{ ...slave, inspected: leaves }], { volumes, set: { ...set, ON_DESTROY: "erase" } });
  assert.deepEqual(
    [erasing.code, erasing.stdout],
    [0, "mesos-slave has left; 3 task containers removed\nerased: volume mesos-slave-work-0\nerased, as soon as their containers are gone: volumes mesos-slave-work\n"],
  );
  assert.deepEqual(erasing.changes.filter((change) => change.includes("/volumes/")), ["DELETE /volumes/mesos-slave-work-0 "]);
  const keeping = await tearDownSlave(t, [{ ...slave, inspected: leaves }], { volumes, set });
  assert.match(keeping.stdout, /^kept, with the data of the cluster: volumes mesos-slave-work, mesos-slave-work-0$/m);
  assert.deepEqual(keeping.changes.filter((change) => change.includes("/volumes/")), []);
});

for (const [what, slaves, said] of [
  ["does not exist", [], "mesos-slave does not exist any more\n"],
  ["has ended", [{ ...slave, status: "exited" }], "mesos-slave is exited, so the master keeps it until its time-out\n"],
  ["was never started", [{ ...slave, status: "created" }], "mesos-slave is created, so the master keeps it until its time-out\n"],
  ["is somebody else's", [{ ...slave, labels: { ...labels, "mesos-marathon.stack": "dev2" } }], "the container mesos-slave is not this stack's and is left alone\n"],
] as [string, FakeContainer[], string][]) {
  test(`a slave that ${what}: its tasks' containers are removed all the same`, async (t) => {
    const { code, stdout, stderr, changes, ...after } = await tearDownSlave(t, slaves);
    assert.deepEqual([code, stdout, stderr], [0, `3 task containers removed\n${kept}${said}`, ""]);
    assert.deepEqual(changes.sort(), removals);
    assert.deepEqual(after.left, [...slaves.map(({ name }) => name), ...left]);
  });
}

test("a slave in a crash loop cannot be signalled, and is not in the way", async (t) => {
  const ended: [FakeContainer["refuses"], number][] = [
    [{ kill: 409 }, 2],
    [{ update: [500, "Cannot update container 01: cannot update a stopped container: unknown"] }, 1],
  ];
  for (const [refuses, before] of ended) {
    const { code, stdout, changes } = await tearDownSlave(t, [{ ...slave, status: "restarting", refuses }]);
    assert.deepEqual([code, stdout], [0, `3 task containers removed\n${kept}mesos-slave had just ended, so the master keeps it until its time-out\n`]);
    assert.deepEqual(changes.slice(before).sort(), removals);
  }
});

test("a slave that does not leave is told of, and its tasks' containers are removed all the same", async (t) => {
  const { code, stdout, changes } = await tearDownSlave(t, [slave], { set: { PATIENCE: "0.1" } });
  assert.deepEqual([code, stdout], [0, `3 task containers removed\n${kept}mesos-slave did not leave within 0.1 s\n`]);
  assert.deepEqual(changes.slice(2).sort(), removals);
});

test("a task that goes away in between is no failure", async (t) => {
  const vanishing = { ...tasks[0], refuses: { stop: 404, remove: 404 } };
  const others = [vanishing, { ...tasks[1], refuses: { remove: 409 } }, ...lookAlikes];
  const { code, ...after } = await tearDownSlave(t, [{ ...slave, inspected: leaves }], { others });
  assert.equal(code, 0);
  assert.deepEqual(after.left, ["mesos-slave", tasks[0].name, tasks[1].name, ...left]);
});

test("what Docker refuses fails the teardown, with Docker's words; what it does not refuse is done", async (t) => {
  const others = [{ ...tasks[0], refuses: { remove: 500 } }, ...tasks.slice(1)];
  const { code, stderr, ...after } = await tearDownSlave(t, [{ ...slave, inspected: leaves }], { others });
  assert.equal(code, 1);
  assert.match(stderr, /^the Docker Engine at unix:\S+ refuses: \(HTTP code 500\) server error - remove is refused\. Once it does not, destroy again\n$/);
  assert.deepEqual(after.left, ["mesos-slave", tasks[0].name]);
});

test("a Docker Engine that is away fails the teardown in one sentence", async (t) => {
  const { code, stdout, stderr } = await runCheck("teardown", { ...ofSlave, DOCKER_HOST: "unix:///nonexistent/docker.sock" });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(stderr, "the Docker Engine at unix:///nonexistent/docker.sock does not answer (ENOENT). Start it, and destroy again\n");
});

test("a component that cannot be torn down is named", async () => {
  const { code, stderr } = await runCheck("teardown", { COMPONENT: "zookeeper" });
  assert.deepEqual([code, stderr], [1, 'COMPONENT is "zookeeper": write mesos-slave or marathon\n']);
});

// Marathon.

const marathon: FakeContainer = { name: "marathon", labels };
const master: FakeContainer = { name: "mesos-master", labels };
const zk = "zk://127.0.0.1:2181/marathon";

/** breaksOff: there is none. */
type Answer = { status?: number; body?: unknown; breaksOff?: true };

/** Marathon and the master as one server: `METHOD path` → answers, the last of which stays. What would change something goes to the engine's list. */
async function serve(t: TestContext, engine: FakeEngine, answers: Record<string, Answer[]>, password?: string) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const asked = `${request.method} ${request.url}`;
    const given = request.headers.authorization;
    // Marathon asks for it, and it is nobody else's.
    if (given !== (password && request.url?.startsWith("/v2/") ? `Basic ${Buffer.from(password).toString("base64")}` : undefined)) {
      response.writeHead(401, { connection: "close" }).end();
      return;
    }
    if (request.method !== "GET") {
      engine.changes.push(`${asked} ${Buffer.concat(chunks)}`.trim());
    }
    const rest = answers[asked] ?? [{ status: 404, body: "" }];
    const { status = 200, body = "", breaksOff } = rest.length > 1 ? rest.shift()! : rest[0];
    if (breaksOff) {
      response.destroy();
      return;
    }
    response.writeHead(status, { connection: "close" }).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const framework = (id: string, active: boolean, webui_url: string) => ({ id, name: "marathon", active, webui_url });
const info = { body: { frameworkId: "F1", zookeeper_config: { zk } } };
const apps = { body: { apps: [{ id: "/web" }, { id: "/db" }] } };

interface MarathonCase {
  readonly container?: FakeContainer | null;
  readonly masters?: FakeContainer[];
  /** Instead of those of a Marathon with two apps and of a master that lists its framework. */
  readonly answers?: Record<string, Answer[]>;
  /** Listed at the master, given Marathon's URL: at the first time of asking, the second, and so on; the last stays. */
  readonly frameworks?: (me: string) => ReturnType<typeof framework>[] | ReturnType<typeof framework>[][];
  readonly set?: Record<string, string>;
  /** user:password that Marathon asks for. */
  readonly password?: string;
}

async function tearDownMarathon(t: TestContext, { container = marathon, masters = [master], answers = {}, frameworks = (me) => [framework("F1", true, me)], set = {}, password }: MarathonCase = {}) {
  const engine = await engineWith(t, [...(container ? [container] : []), ...masters]);
  const all: Record<string, Answer[]> = {
    "GET /v2/info": [info],
    "GET /v2/apps": [apps],
    "DELETE /v2/groups?force=true": [{ body: { version: "v", deploymentId: "d" } }],
    "GET /v2/deployments": [{ body: [{ id: "d" }] }, { body: [] }],
    "POST /master/teardown": [{}],
    ...answers,
  };
  const me = await serve(t, engine, all, password);
  const listed = frameworks(me);
  const lists = Array.isArray(listed[0]) ? listed : [listed];
  all["GET /master/frameworks"] ??= lists.map((list) => ({ body: { frameworks: list } }));
  const { code, stdout, stderr } = await runCheck("teardown", {
    DOCKER_HOST: engine.dockerHost,
    ...told,
    COMPONENT: "marathon",
    CONTAINER: "marathon",
    ON_DESTROY: "erase",
    MARATHON: me,
    MASTER: me,
    MASTER_CONTAINER: "mesos-master",
    FRAMEWORKS_PATH: "/master/frameworks",
    TEARDOWN_PATH: "/master/teardown",
    ZK: zk,
    PATIENCE: "1",
    ...set,
  });
  return { code, stdout: stdout.replaceAll(me, "ME"), stderr, changes: engine.changes };
}

const deleteApps = "DELETE /v2/groups?force=true";
const stopMarathon = ['POST /containers/marathon/update {"RestartPolicy":{"Name":"no"}}', "POST /containers/marathon/stop "];
const tornDown = (id: string) => `POST /master/teardown frameworkId=${id}`;

test("Marathon is kept where nothing is to be erased", async (t) => {
  for (const set of [{ ON_DESTROY: "keep" }, { ON_DESTROY: "" }]) {
    const { code, stdout, stderr, changes } = await tearDownMarathon(t, { set });
    assert.deepEqual([code, stdout, stderr, changes], [0, "kept: Marathon's apps and its framework\n", "", []]);
  }
});

test("Marathon's apps are deleted and waited for, it stops for good, and only then its framework is torn down", async (t) => {
  const { code, stdout, stderr, changes } = await tearDownMarathon(t);
  assert.deepEqual([code, stdout, stderr], [0, "apps deleted: /db, /web\nframework F1 torn down\n", ""]);
  assert.deepEqual(changes, [deleteApps, ...stopMarathon, tornDown("F1")]);
});

test("a Marathon that asks for a password gets it, and nobody else", async (t) => {
  const password = "me:p4ss";
  const { stdout, changes } = await tearDownMarathon(t, { password, set: { CREDENTIALS: password } });
  assert.equal(stdout, "apps deleted: /db, /web\nframework F1 torn down\n");
  assert.deepEqual(changes, [deleteApps, ...stopMarathon, tornDown("F1")]);
  const other = await tearDownMarathon(t, { password, set: { CREDENTIALS: "me:other" } });
  assert.match(other.stdout, /its apps were not deleted: .*HTTP 401/);
  assert.ok(!other.changes.includes(deleteApps));
});

test("frameworks that this Marathon left behind are torn down too, and no others", async (t) => {
  const { code, stdout, stderr, changes } = await tearDownMarathon(t, {
    frameworks: (me) => [
      framework("F0", false, me),
      framework("F1", false, me),
      framework("other-marathon", true, "http://127.0.0.1:9090"),
      framework("other-left", false, "http://127.0.0.1:9090"),
      framework("nobody", false, ""),
    ],
  });
  assert.deepEqual([code, stdout, stderr], [0, "apps deleted: /db, /web\nframework F0 torn down\nframework F1 torn down\n", ""]);
  assert.deepEqual(changes.slice(-2), [tornDown("F0"), tornDown("F1")]);
});

test("who does not answer once is asked again", async (t) => {
  const { code, stdout, stderr, changes } = await tearDownMarathon(t, {
    answers: {
      "GET /v2/apps": [{ breaksOff: true }, apps],
      "GET /master/frameworks": [{ breaksOff: true }, { body: { frameworks: [framework("F1", true, "")] } }],
    },
    set: { PATIENCE: "10" },
  });
  assert.deepEqual([code, stdout, stderr], [0, "apps deleted: /db, /web\nframework F1 torn down\n", ""]);
  assert.deepEqual(changes, [deleteApps, ...stopMarathon, tornDown("F1")]);
});

test("a Marathon that is just starting is waited for", async (t) => {
  const { code, stdout, stderr } = await tearDownMarathon(t, {
    set: { PATIENCE: "10" },
    answers: { "GET /v2/info": [{ status: 503 }, { body: { ...info.body, frameworkId: null } }], "GET /v2/apps": [{ body: { apps: [] } }] },
    frameworks: () => [],
  });
  assert.deepEqual([code, stdout, stderr], [0, "there were no apps\n", ""]);
});

for (const [what, container, problem, stops] of [
  ["does not exist", null, "marathon does not exist any more", []],
  ["is somebody else's", { name: "marathon" }, "the container marathon is not this stack's and is left alone", []],
  ["has ended", { ...marathon, status: "exited" }, "marathon is exited", stopMarathon],
  ["is in a crash loop", { ...marathon, status: "restarting" }, "marathon is restarting", stopMarathon],
] as [string, FakeContainer | null, string, string[]][]) {
  test(`a Marathon that ${what} is not asked, whoever answers at its address; its framework is torn down by its URL`, async (t) => {
    const { code, stdout, stderr, changes } = await tearDownMarathon(t, { container, frameworks: (me) => [framework("F1", false, me)] });
    assert.deepEqual([code, stdout, stderr], [0, `framework F1 torn down\nits apps were not deleted: ${problem}\n`, ""]);
    assert.deepEqual(changes, [...stops, tornDown("F1")]);
  });
}

test("the master takes a moment to see that Marathon is gone; a framework that stays active is another's", async (t) => {
  const container = { ...marathon, status: "exited" as const };
  const gone = await tearDownMarathon(t, { container, frameworks: (me) => [[framework("F1", true, me)], [framework("F1", false, me)]], set: { PATIENCE: "10" } });
  assert.equal(gone.stdout, "framework F1 torn down\nits apps were not deleted: marathon is exited\n");

  const { code, stdout, changes } = await tearDownMarathon(t, { container, frameworks: (me) => [framework("F1", true, me)] });
  assert.deepEqual([code, stdout], [0, "its apps were not deleted: marathon is exited\nframework F1 was not torn down: it is active\n"]);
  assert.deepEqual(changes, stopMarathon);
});

const unanswered: [what: string, MarathonCase, stderr: string][] = [
  ["never answers", { answers: { "GET /v2/info": [{ status: 503, body: "Could not determine the current leader" }] } }, "its apps were not deleted: ME/v2/info: HTTP 503 Could not determine the current leader"],
  ["is another one", { answers: { "GET /v2/info": [{ body: { ...info.body, zookeeper_config: { zk: "zk://other" } } }] } }, "its apps were not deleted: ME is another Marathon, which keeps its apps at zk://other"],
  ["does not say what it is", { answers: { "GET /v2/info": [{ body: {} }] } }, "its apps were not deleted: ME is another Marathon, which keeps its apps at undefined"],
];
for (const [what, given, said] of unanswered) {
  test(`a Marathon that ${what} keeps its apps; the rest is done`, async (t) => {
    const { code, stdout, stderr, changes } = await tearDownMarathon(t, { ...given, frameworks: (me) => [framework("F1", false, me)] });
    assert.deepEqual([code, stdout, stderr], [0, `framework F1 torn down\n${said}\n`, ""]);
    assert.deepEqual(changes, [...stopMarathon, tornDown("F1")]);
  });
}

const unfinished: [what: string, Record<string, Answer[]>, stderr: string][] = [
  ["refuses to delete its apps", { [deleteApps]: [{ status: 409, body: "locked" }] }, "ME: HTTP 409 locked"],
  ["does not tell its apps", { "GET /v2/apps": [{ body: "<html>" }] }, `ME: ${jsonProblem("<html>")}`],
  ["never gets done", { "GET /v2/deployments": [{ body: [{ id: "d" }] }] }, "their tasks have not ended within 1 s"],
  ["dies over it", { "GET /v2/deployments": [{ status: 502 }] }, "ME/v2/deployments: HTTP 502"],
];
for (const [what, answers, said] of unfinished) {
  test(`a Marathon that ${what} is stopped and its framework torn down all the same`, async (t) => {
    const { code, stdout, stderr, changes } = await tearDownMarathon(t, { answers });
    assert.deepEqual([code, stdout, stderr], [0, `framework F1 torn down\nits apps were not deleted: ${said}\n`, ""]);
    assert.deepEqual(changes, [deleteApps, ...stopMarathon, tornDown("F1")]);
  });
}

test("a master that does not answer, or refuses, tears no framework down, which is said", async (t) => {
  const port = await closedPort(t);
  const dead = await tearDownMarathon(t, { set: { MASTER: `http://127.0.0.1:${port}` } });
  const problem = `no framework was torn down: http://127.0.0.1:${port}/master/frameworks: ECONNREFUSED`;
  assert.deepEqual([dead.code, dead.stdout, dead.stderr], [0, `apps deleted: /db, /web\n${problem}\n`, ""]);
  assert.deepEqual(dead.changes, [deleteApps, ...stopMarathon]);

  const leaderless = await tearDownMarathon(t, { answers: { "GET /master/frameworks": [{ status: 503, body: "No leader elected" }] } });
  assert.equal(leaderless.stdout, "apps deleted: /db, /web\nno framework was torn down: ME/master/frameworks: HTTP 503 No leader elected\n");

  const refusing = await tearDownMarathon(t, { answers: { "POST /master/teardown": [{ status: 403 }] } });
  assert.deepEqual([refusing.code, refusing.stdout], [0, "apps deleted: /db, /web\nframework F1 was not torn down: HTTP 403\n"]);
});

for (const [what, masters, problem] of [
  ["does not exist", [], "mesos-master does not exist any more"],
  ["has ended", [{ ...master, status: "exited" }], "mesos-master is exited"],
  ["is in a crash loop", [{ ...master, status: "restarting" }], "mesos-master is restarting"],
  ["is somebody else's", [{ name: "mesos-master" }], "the container mesos-master is not this stack's and is left alone"],
] as [string, FakeContainer[], string][]) {
  test(`a master that ${what} is not asked, whoever answers at its address`, async (t) => {
    const { code, stdout, changes } = await tearDownMarathon(t, { masters });
    assert.deepEqual([code, stdout], [0, `apps deleted: /db, /web\nno framework was torn down: ${problem}\n`]);
    assert.deepEqual(changes, [deleteApps, ...stopMarathon]);
  });
}

test("where Docker refuses to stop Marathon its framework is not torn down", async (t) => {
  const { code, stderr, changes } = await tearDownMarathon(t, { container: { ...marathon, refuses: { stop: 500 } } });
  assert.equal(code, 1);
  assert.match(stderr, /^the Docker Engine at unix:\S+ refuses: \(HTTP code 500\) server error - stop is refused\. Once it does not, destroy again\n$/);
  assert.deepEqual(changes, [deleteApps, ...stopMarathon]);
});

function jsonProblem(text: string): string {
  try {
    JSON.parse(text);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}
