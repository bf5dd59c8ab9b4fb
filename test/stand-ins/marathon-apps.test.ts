/** What the stand-in for Marathon does with apps over their life: placement, failure, health, changes, groups, deployments. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { MarathonCluster } from "./cluster";
import { Api, ask, EventStream, server, until } from "./marathon-api";
import { base } from "./mesos-cluster";

const docker = { type: "DOCKER", docker: { image: base } };
const check = { protocol: "HTTP", path: "/", portIndex: 0, gracePeriodSeconds: 5, intervalSeconds: 1, timeoutSeconds: 20, maxConsecutiveFailures: 2 };
/** An app that answers, with a health check. */
const answering = (id: string, more: object = {}) => ({ id, cmd: server, cpus: 0.1, mem: 32, container: docker, healthChecks: [check], ...more });
/** An app that is cheap to start: a process of the slave. */
const idle = (id: string, more: object = {}) => ({ id, cmd: "exec sleep 1000", cpus: 0.1, mem: 32, ...more });

describe("apps on the stand-in for Marathon", () => {
  const cluster = new MarathonCluster();
  const api = new Api(cluster.marathonUrl);
  let stream: EventStream;

  before(async () => {
    await cluster.up({ MESOS_ATTRIBUTES: "rack:a" });
    await cluster.marathon();
    await cluster.activeMarathon();
    stream = await EventStream.open(api.url);
  });
  after(async () => {
    stream?.close();
    await cluster.down();
  });

  /** Events that were there; they come by another way than the API's answers, and may come later. */
  const eventsOf = (type: string, of: (data: never) => boolean = () => true) => stream.events.filter((event) => event.type === type && of(event.data as never));
  const remove = (id: string) => api.deploy("DELETE", `/v2/apps/${id}`);

  it("run commands as processes, with a port of their own", async () => {
    await api.deploy("POST", "/v2/apps", { ...answering("/plain"), container: undefined }, 201);
    const [task] = await api.tasks("/plain");
    assert.ok(task!.ports[0]! >= 31000 && task!.ports[0]! <= 32000);
    assert.equal(await ask(task!), "hello ");
    assert.deepEqual(await cluster.running(), []);
    await remove("/plain");
    assert.equal(await ask(task!), "");
  });

  it("know the old way to say what runs where", async () => {
    const old = {
      id: "/old", args: ["sleep", "1"], instances: 0, uris: ["http://127.0.0.1:1/x.tgz"],
      container: { type: "DOCKER", docker: { image: base, network: "BRIDGE", portMappings: [{ containerPort: 80, protocol: "tcp" }] } },
    };
    await api.deploy("POST", "/v2/apps", old, 201);
    const app = await api.app("/old");
    assert.deepEqual(app.networks, [{ mode: "container/bridge" }]);
    const [{ servicePort, ...mapping }] = app.container.portMappings;
    assert.deepEqual(mapping, { containerPort: 80, hostPort: 0, labels: {}, protocol: "tcp" });
    assert.ok(servicePort >= 10000);
    assert.deepEqual(app.fetch, [{ uri: "http://127.0.0.1:1/x.tgz", extract: true, executable: false, cache: false }]);
    for (const gone of ["uris", "ports", "portDefinitions"]) assert.equal(gone in app, false, gone);
    await api.deploy("POST", "/v2/apps", { ...idle("/ports"), instances: 0, ports: [0, 0] }, 201);
    assert.deepEqual((await api.app("/ports")).portDefinitions.map(({ port }: { port: number }) => port > 10000), [true, true]);
    await remove("/old");
    await remove("/ports");
  });

  it("that fail are started again, later each time, until somebody says at once", async () => {
    await api.call("POST", "/v2/apps", { ...idle("/failing"), cmd: "exit 3", backoffSeconds: 3600, maxLaunchDelaySeconds: 36000, backoffFactor: 2 });
    const queued = async () => (await api.call("GET", "/v2/queue")).json.queue[0];
    const first = await until("the first failure", async () => ((await queued())?.delay.timeLeftSeconds > 0 ? queued() : undefined));
    assert.equal(first.delay.overdue, false);
    assert.ok(first.delay.timeLeftSeconds <= 3600);
    assert.equal((await api.app("/failing")).lastTaskFailure.message, "Command exited with status 3");
    assert.equal((await api.call("DELETE", "/v2/queue//failing/delay")).status, 204);
    await until("the second failure", async () => (await api.app("/failing")).lastTaskFailure.taskId.endsWith("._app.2"));
    assert.equal((await api.call("DELETE", "/v2/queue//nothing/delay")).status, 404);
    await remove("/failing");
  });

  it("that are unhealthy are killed and replaced", async () => {
    await api.deploy("POST", "/v2/apps", answering("/sick"), 201);
    const [task] = await api.tasks("/sick");
    await ask(task!, "/sicken");
    const next = await until("the next attempt", async () => (await api.app("/sick")).tasks.find(({ id }: { id: string }) => id.endsWith("._app.2")));
    await until("its health", async () => (await api.app("/sick")).tasksHealthy === 1);
    assert.notEqual(next.id, task!.id);
    const killed = await until("the event", () => eventsOf("unhealthy_instance_kill_event")[0]);
    assert.deepEqual([killed.data.appId, killed.data.taskId, killed.data.reason], ["/sick", task!.id, "503"]);
    await remove("/sick");
  });

  it("change one after the other where there is room for no more", async () => {
    const upgradeStrategy = { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 };
    await api.deploy("POST", "/v2/apps", idle("/rolling", { instances: 2, upgradeStrategy, env: { V: "1" } }), 201);
    const updates = () => eventsOf("status_update_event", ({ appId }: { appId: string }) => appId === "/rolling");
    const count = (state: string) => updates().filter(({ data }) => data.taskStatus === state).length;
    await until("both to be heard of", () => count("TASK_RUNNING") === 2);
    const from = updates().length;
    await api.deploy("PUT", "/v2/apps//rolling", { env: { V: "2" } });
    await until("all to be heard of", () => count("TASK_RUNNING") === 4 && count("TASK_KILLED") === 2);
    let [alive, most, least] = [2, 2, 2];
    for (const { data } of updates().slice(from)) {
      if (data.taskStatus === "TASK_RUNNING") alive += 1;
      if (data.taskStatus === "TASK_KILLED") alive -= 1;
      [most, least] = [Math.max(most, alive), Math.min(least, alive)];
    }
    assert.deepEqual([least, most, alive], [1, 2, 2]);
    const app = await api.app("/rolling");
    assert.deepEqual(app.tasks.map(({ version }: { version: string }) => version), [app.version, app.version]);
    assert.equal((await api.call("GET", "/v2/apps//rolling/versions")).json.versions.length, 2);

    // Back to the first version, as a new one.
    const [, first] = (await api.call("GET", "/v2/apps//rolling/versions")).json.versions;
    assert.deepEqual((await api.call("GET", `/v2/apps//rolling/versions/${first}`)).json.env, { V: "1" });
    await api.deploy("PUT", "/v2/apps//rolling", { version: first });
    assert.deepEqual((await api.app("/rolling")).env, { V: "1" });
    await remove("/rolling");
  });

  it("are placed as their constraints say", async () => {
    const constrained: [string, string[], number][] = [
      ["unique", ["hostname", "UNIQUE"], 1], ["cluster", ["rack", "CLUSTER", "a"], 2], ["elsewhere", ["rack", "CLUSTER", "b"], 0],
      ["like", ["rack", "LIKE", "[ab]"], 2], ["unlike", ["rack", "UNLIKE", "[ab]"], 0], ["most", ["rack", "MAX_PER", "1"], 1],
      ["group", ["rack", "GROUP_BY"], 2], ["is", ["@hostname", "IS", "127.0.0.1"], 2],
    ];
    for (const [id, constraint] of constrained) {
      assert.equal((await api.call("POST", "/v2/apps", { ...idle(`/placed/${id}`), instances: 2, cpus: 0.01, constraints: [constraint] })).status, 201);
    }
    for (const [id, , expected] of constrained) {
      await until(`/placed/${id} to run ${expected}`, async () => (await api.app(`/placed/${id}`)).tasksRunning === expected);
    }
    const waiting = () => api.call("GET", "/v2/queue?embed=lastUnusedOffers").then(({ json }) => json.queue as { app: { id: string }; count: number; lastUnusedOffers: { reason: string[] }[] }[]);
    const refused = await until("all that wait to have been refused an offer", async () => {
      const queue = await waiting();
      return queue.length === 4 && queue.every(({ lastUnusedOffers }) => lastUnusedOffers.length === 1) && queue;
    });
    assert.deepEqual(
      (refused || []).map(({ app, count, lastUnusedOffers }) => [app.id, count, lastUnusedOffers[0]!.reason]),
      [["elsewhere", 2], ["most", 1], ["unique", 1], ["unlike", 2]].map(([id, count]) => [`/placed/${id}`, count, ["UnfulfilledConstraint"]]),
    );
    assert.deepEqual((await api.call("POST", "/v2/apps", { ...idle("/x"), constraints: [["rack", "NEAR"]] })).json.details[0].path, "/constraints(0)");
    await api.deploy("DELETE", "/v2/groups//placed?force=true");
    assert.deepEqual((await api.call("GET", "/v2/tasks")).json, { tasks: [] });
  });

  it("take the ports they ask for if they must, and are found by id, command and label", async () => {
    const port = 31999;
    await api.deploy("POST", "/v2/apps", answering("/fixed", { portDefinitions: [{ port }], requirePorts: true, labels: { tier: "front" } }), 201);
    assert.deepEqual((await api.tasks("/fixed")).map(({ ports }) => ports), [[port]]);
    await api.deploy("POST", "/v2/apps", idle("/other", { instances: 0, labels: { tier: "back" } }), 201);
    const found = async (query: string) => (await api.call("GET", `/v2/apps?${query}`)).json.apps.map(({ id }: { id: string }) => id);
    assert.deepEqual(await found("id=FIX"), ["/fixed"]);
    assert.deepEqual(await found("cmd=sleep"), ["/other"]);
    assert.deepEqual(await found("label=tier==back"), ["/other"]);
    assert.deepEqual(await found("label=tier!=back"), ["/fixed"]);
    assert.deepEqual(await found(`label=${encodeURIComponent("tier in (front, back)")}`), ["/fixed", "/other"]);
    assert.deepEqual(await found("label=none"), []);
    await remove("/fixed");
    await remove("/other");
  });

  it("lose tasks to whoever kills them, for good with scale", async () => {
    await api.deploy("POST", "/v2/apps", idle("/many", { instances: 3 }), 201);
    const tasks = await api.tasks("/many");
    assert.deepEqual((await api.call("DELETE", `/v2/apps//many/tasks/${tasks[0]!.id}`)).json.task.id, tasks[0]!.id);
    await until("another in its place", async () => {
      const now = await api.tasks("/many");
      return now.every(({ id, state }) => id !== tasks[0]!.id && state === "TASK_RUNNING") && now.length === 3;
    });
    const gone = await api.call("POST", "/v2/tasks/delete?scale=true", { ids: [tasks[1]!.id] });
    assert.match(gone.json.deploymentId, /^[0-9a-f-]{36}$/);
    await api.settled();
    assert.equal((await api.app("/many")).instances, 2);
    assert.equal((await api.tasks("/many")).some(({ id }) => id === tasks[1]!.id), false);
    await api.deploy("DELETE", "/v2/apps//many/tasks?scale=true");
    assert.deepEqual([(await api.app("/many")).instances, await api.tasks("/many")], [0, []]);
    assert.equal((await api.call("DELETE", "/v2/apps//many/tasks/many.instance-0._app.1")).status, 404);
    assert.equal((await api.call("POST", "/v2/tasks/delete?scale=true&wipe=true", { ids: [] })).status, 400);
    await remove("/many");
  });

  it("that cannot be deployed hold a lock, which force breaks and which can be taken back", async () => {
    await api.deploy("POST", "/v2/apps", idle("/locked"), 201);
    const stuck = (await api.call("PUT", "/v2/apps//locked", { cpus: 1000 })).json.deploymentId;
    assert.equal((await api.call("POST", "/v2/apps//locked/restart")).status, 409);
    const forced = (await api.call("PUT", "/v2/apps//locked?force=true", { cpus: 2000 })).json.deploymentId;
    assert.deepEqual((await api.call("GET", "/v2/deployments")).json.map(({ id }: { id: string }) => id), [forced]);
    const failed = await until("the event", () => eventsOf("deployment_failed", ({ id }: { id: string }) => id === stuck)[0]);
    assert.equal(failed.data.reason, "The upgrade has been cancelled");

    const back = await api.call("DELETE", `/v2/deployments/${forced}`);
    assert.equal(back.status, 200);
    assert.equal((await api.app("/locked")).cpus, 1000); // what it was before that deployment
    assert.deepEqual((await api.app("/locked")).deployments, [{ id: back.json.deploymentId }]);
    assert.equal((await api.call("DELETE", `/v2/deployments/${forced}`)).status, 404);
    const again = (await api.call("PUT", "/v2/apps//locked?force=true", { cpus: 3000 })).json.deploymentId;
    const stopped = await api.call("DELETE", `/v2/deployments/${again}?force=true`);
    assert.deepEqual([stopped.status, stopped.text], [202, ""]);
    assert.deepEqual((await api.call("GET", "/v2/deployments")).json, []);
    assert.equal((await api.tasks("/locked")).filter(({ state }) => state === "TASK_RUNNING").length, 1); // the first one, never given up
    await remove("/locked");
  });

  it("in groups are made, nested, scaled, rolled back and removed together", async () => {
    const made = await api.call("POST", "/v2/groups", { id: "/product", groups: [{ id: "db", apps: [idle("one")] }, { id: "web", apps: [idle("two", { dependencies: ["../db/one"] })] }] });
    assert.equal(made.status, 201);
    assert.equal(new URL(made.headers.get("Location")!).pathname, "/product");
    await api.settled();
    assert.equal((await api.call("POST", "/v2/groups", { id: "/product" })).status, 409);
    const group = (await api.call("GET", "/v2/groups/product")).json;
    assert.deepEqual(group.groups.map(({ id, apps }: { id: string; apps: { id: string }[] }) => [id, apps.map((app) => app.id)]), [["/product/db", ["/product/db/one"]], ["/product/web", ["/product/web/two"]]]);
    assert.deepEqual((await api.app("/product/web/two")).dependencies, ["/product/db/one"]);
    assert.deepEqual((await api.call("GET", "/v2/apps/product/*")).json["*"].map(({ id }: { id: string }) => id), ["/product/db/one", "/product/web/two"]);
    await api.deploy("PUT", "/v2/groups/product", { scaleBy: 2 });
    assert.deepEqual([(await api.app("/product/db/one")).tasksRunning, (await api.app("/product/web/two")).tasksRunning], [2, 2]);
    const versions = (await api.call("GET", "/v2/groups/versions")).json;
    const before = group.version;
    assert.ok(versions.includes(before), `${before} in ${versions}`);
    await api.deploy("PUT", "/v2/groups/product", { version: before });
    assert.equal((await api.app("/product/db/one")).instances, 1);
    assert.equal((await api.call("PUT", "/v2/groups/product", { apps: [{ id: "Bad" }] })).json.details[0].path, "/apps(0)/id");
    await api.deploy("DELETE", "/v2/groups/product");
    assert.equal((await api.call("GET", "/v2/groups/product")).status, 404);
    assert.deepEqual((await api.call("GET", "/v2/groups")).json.groups, []);
  });

  it("are all there is: pods are refused in words", async () => {
    assert.deepEqual((await api.call("GET", "/v2/pods")).json, []);
    const refused = await api.call("POST", "/v2/pods", { id: "/p" });
    assert.equal(refused.status, 422);
    assert.match(refused.json.details[0].errors[0], /stand-in/);
  });

  it("are shown on a page that says what it is", async () => {
    const page = await api.call("GET", "/ui/");
    assert.match(page.headers.get("Content-Type")!, /^text\/html/);
    assert.match(page.text, /stand-in/);
    assert.deepEqual(page.text.match(/(?:src|href)="https?:[^"]*"/g), null);
  });
});
