/** The stand-in for Marathon with the version of the tutorial's images, on Mesos stand-ins of theirs. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { base, exit, MarathonCluster } from "./cluster";
import { Api, ask, server, until } from "./marathon-api";

const cluster = new MarathonCluster();
const api = new Api(cluster.marathonUrl);
const framework = async () => (await api.call("GET", "/v2/info")).json?.frameworkId as string | null;
after(() => cluster.down());

const frameworks = async () => {
  const { frameworks: found } = (await (await fetch(`${cluster.masterUrl}/master/state.json`)).json()) as { frameworks: { id: string; active: boolean }[] };
  return found.filter(({ active }) => active).map(({ id }) => id);
};

test("0.10: registers with a 0.23 master, runs an app, shows it in the old form", async () => {
  await cluster.zookeeper();
  await cluster.master({}, { version: "0.23.0" });
  await cluster.slave({ MESOS_DOCKER_MESOS_IMAGE: undefined }, { version: "0.23.0" });
  await cluster.activeSlave();
  await cluster.marathon({}, { version: "0.10.0" });
  await until("an active framework", async () => {
    const id = await framework();
    return id && (await frameworks()).includes(id);
  });
  const info = (await api.call("GET", "/v2/info")).json;
  assert.deepEqual([info.version, info.elected], ["0.10.0", true]);
  assert.equal((await api.call("GET", "/ping")).text, "pong");
  const made = await api.call("POST", "/v2/apps", {
    id: "/web", cmd: server, cpus: 0.1, mem: 32, ports: [0], uris: [], env: { V: "1" },
    container: { type: "DOCKER", docker: { image: base, network: "HOST" } }, healthChecks: [{ protocol: "HTTP", path: "/", intervalSeconds: 1, gracePeriodSeconds: 5, timeoutSeconds: 20 }],
  });
  assert.equal(made.status, 201, made.text);
  await api.settled();
  const app = await api.app("/web");
  assert.deepEqual([app.container.docker.network, app.uris, app.ports.length, app.ports[0] >= 10000], ["HOST", [], 1, true]);
  for (const later of ["networks", "portDefinitions", "fetch", "unreachableStrategy"]) assert.equal(later in app, false, later);
  assert.match(app.tasks[0].id, /^web\.[0-9a-f-]{36}$/);
  assert.equal(await ask(app.tasks[0]), "hello 1");

  await ask(app.tasks[0], "/die");
  await until("another task", async () => {
    const { tasks, tasksHealthy } = await api.app("/web");
    return tasksHealthy === 1 && tasks.length === 1 && tasks[0].id !== app.tasks[0].id;
  });
});

test("0.10: its state lies flat in ZooKeeper", async () => {
  const script = `from kazoo.client import KazooClient; zk = KazooClient("127.0.0.1:${cluster.zookeeperPort}"); zk.start(); print(",".join(zk.get_children("/marathon/leader") + sorted(zk.get_children("/marathon/state"))))`;
  const { log } = await exit(await cluster.start("zookeeper-client", { Image: base, Cmd: ["python3", "-c", script] }));
  const [member, ...state] = log.trim().split(",");
  assert.match(member!, /^member_\d{10}$/);
  const kinds = new Set(state.map((name) => name.split(":")[0]));
  assert.deepEqual([...kinds].sort(), ["app", "framework", "group", "task", "taskFailures"]);
  assert.ok(state.includes("app:web") && state.some((name) => /^app:web:2\d{3}-/.test(name)), state.join());
});

test("0.10: after a teardown it registers as a new framework by itself", async () => {
  const old = await framework();
  await fetch(`${cluster.masterUrl}/master/shutdown`, { method: "POST", body: `frameworkId=${old}` });
  await fetch(`${cluster.marathonUrl}/v2/leader`, { method: "DELETE" }); // it would notice by itself only after 90 s
  const id = await until("a new framework", async () => {
    const now = await framework().catch(() => null);
    return now && now !== old && (await frameworks()).includes(now) && now;
  });
  assert.notEqual(id, old);
  await until("the app to run again", async () => (await api.app("/web")).tasksHealthy === 1);
});
