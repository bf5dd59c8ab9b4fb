/** When the stand-in for Marathon leads, stands by, refuses to start and gives up; and what outlives it. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type Docker from "dockerode";
import { base, exit, freePort, logs, MarathonCluster, marathonImage } from "./cluster";
import { Api, EventStream, server, until } from "./marathon-api";
import { docker } from "./mesos-cluster";

const app = {
  id: "/web", cmd: server, cpus: 0.1, mem: 32, env: { V: "1" }, container: { type: "DOCKER", docker: { image: base } },
  healthChecks: [{ protocol: "HTTP", path: "/", gracePeriodSeconds: 5, intervalSeconds: 1, timeoutSeconds: 20, maxConsecutiveFailures: 3 }],
};

/** Run a few lines of Python with `zk`, a started kazoo client, in a container; what they print, as JSON. */
async function zookeeper<T>(cluster: MarathonCluster, lines: string): Promise<T> {
  const script = `import json\nfrom kazoo.client import KazooClient\nzk = KazooClient("127.0.0.1:${cluster.zookeeperPort}")\nzk.start()\n${lines}`;
  const container = await cluster.start(`zookeeper-client-${freePort()}`, { Image: base, Cmd: ["python3", "-c", script] });
  const { code, log } = await exit(container);
  await cluster.remove(container);
  assert.equal(code, 0, log);
  return JSON.parse(log) as T;
}

const restarts = async (container: Docker.Container) => (await container.inspect()).RestartCount;

describe("the stand-in for Marathon refuses", () => {
  const cluster = new MarathonCluster();
  before(() => cluster.zookeeper());
  after(() => cluster.down());

  const ends = async (changes: Record<string, string | undefined>) => exit(await cluster.marathon(changes, { name: `refused-${freePort()}`, restart: "no" }));

  const refusals: [string, Record<string, string | undefined>, number, RegExp][] = [
    ["no master", { MARATHON_MASTER: undefined }, 112, /Required option 'master' not found/],
    ["an option that Marathon does not have", { MARATHON_BOGUS: "1" }, 112, /Unknown option 'bogus'/],
    ["a ZooKeeper URL without a path", { MARATHON_ZK: "zk://127.0.0.1:2181" }, 112, /'zk'.*path/],
    ["a ZooKeeper URL without a port", { MARATHON_ZK: "zk://127.0.0.1/marathon" }, 112, /'zk'.*host:port/],
    ["a master URL without a path", { MARATHON_MASTER: "zk://127.0.0.1:2181" }, 112, /'master'.*path/],
    ["a port that is no number", { MARATHON_HTTP_PORT: "http" }, 112, /'http_port'.*bad Int/],
    ["a ZooKeeper that is not there", { MARATHON_ZK: "zk://127.0.0.1:1/marathon", MARATHON_ZK_CONNECTION_TIMEOUT: "500" }, 100, /cannot connect to ZooKeeper at 127\.0\.0\.1:1/],
  ];
  for (const [what, changes, code, sentence] of refusals) {
    it(what, async () => {
      const end = await ends(changes);
      assert.equal(end.code, code, end.log);
      assert.match(end.log, sentence);
      assert.match(end.log, /This is a stand-in for Marathon/);
    });
  }

  it("a port that is taken", async () => {
    const end = await ends({ MARATHON_HTTP_PORT: `${cluster.zookeeperPort}` });
    assert.equal(end.code, 111, end.log);
    assert.match(end.log, /cannot listen on/);
  });

  it("nothing that a Marathon started by Marathon is given, and starts without any Mesos", async () => {
    const marathon = await cluster.marathon({ MARATHON_APP_ID: "/marathon", MARATHON_HTTPS_ADDRESS: "127.0.0.1" });
    const api = new Api(cluster.marathonUrl);
    await until("its answer", async () => (await api.call("GET", "/ping")).status === 200);
    const { json } = await api.call("GET", "/v2/info");
    assert.deepEqual([json.elected, json.frameworkId, json.leader], [true, null, `127.0.0.1:${cluster.marathonPort}`]);
    assert.equal((await marathon.inspect()).State.Running, true);
  });
});

describe("an app outlives the stand-in for Marathon", () => {
  const cluster = new MarathonCluster();
  const api = new Api(cluster.marathonUrl);
  let marathon: Docker.Container;
  let master: Docker.Container;
  let ensemble: Docker.Container;
  let before_: { containers: string[]; task: string; framework: string };

  const state = async () => ({
    containers: (await cluster.running()).sort(), task: (await api.tasks("/web"))[0]!.id, framework: (await api.call("GET", "/v2/info")).json.frameworkId as string,
  });
  const unchanged = async () => {
    await until("the app to be healthy", async () => (await api.app("/web")).tasksHealthy === 1);
    await cluster.activeMarathon();
    assert.deepEqual(await state(), before_);
  };

  before(async () => {
    ({ marathon, master, zookeeper: ensemble } = await cluster.all());
    await api.deploy("POST", "/v2/apps", app, 201);
    await api.deploy("PUT", "/v2/apps//web", { labels: { a: "b" }, instances: 1 });
    before_ = await state();
  });
  after(() => cluster.down());

  it("whose state is where the real one keeps it", async () => {
    const found = await zookeeper<{ leader: [string, string][]; state: string[]; apps: string[] }>(cluster, `
base = "/marathon/leader-curator"
leader = [(name, zk.get(base + "/" + name)[0].decode()) for name in zk.get_children(base) if zk.get(base + "/" + name)[1].ephemeralOwner]
web = [name for bucket in zk.get_children("/marathon/state/apps") for name in zk.get_children("/marathon/state/apps/" + bucket + "/web")]
print(json.dumps({"leader": leader, "state": sorted(zk.get_children("/marathon/state")), "apps": sorted(web)}))`);
    assert.match(found.leader[0]![0], /^_c_[0-9a-f-]{36}-latch-\d{10}$/);
    assert.deepEqual(found.leader.map(([, content]) => content), [`127.0.0.1:${cluster.marathonPort}`]);
    for (const category of ["apps", "framework-id", "group", "instance"]) assert.ok(found.state.includes(category), `${category} in ${found.state}`);
    assert.deepEqual(found.apps.reverse(), (await api.call("GET", "/v2/apps//web/versions")).json.versions);
    assert.equal(found.apps.length, 2);
  });

  it("stopped and started", async () => {
    await marathon.restart({ t: 5 });
    await unchanged();
    assert.equal(await restarts(marathon), 0);
  });

  it("replaced by a new container", async () => {
    await marathon.stop({ t: 5 });
    await cluster.remove(marathon);
    // The next test needs a session that is longer than a start of a container takes, however busy the machine is.
    marathon = await cluster.marathon({ MARATHON_ZK_SESSION_TIMEOUT: "20000" });
    await unchanged();
    assert.equal(await restarts(marathon), 0);
  });

  it("killed: its node counts until its session ends, which costs one restart with code 104", async () => {
    await marathon.kill();
    await marathon.start(); // Docker does not restart what it was told to kill
    await unchanged();
    assert.equal(await restarts(marathon), 1);
    assert.match(await logs(marathon), /another candidate has our address[^]*exiting with 104/);
  });

  it("that loses the master and starts again when there is another", async () => {
    const count = await restarts(marathon);
    await master.restart({ t: 5 });
    await until("Marathon's restart", async () => (await restarts(marathon)) === count + 1);
    await unchanged();
    assert.match(await logs(marathon), /the leading master changed[^]*exiting with 105/);
  });

  it("that loses ZooKeeper and ends at once, and again, until ZooKeeper is back with its data", async () => {
    const count = await restarts(marathon);
    await ensemble.restart({ t: 5 });
    await until("Marathon's restart", async () => (await restarts(marathon)) > count);
    await unchanged();
  });

  it("whose ZooKeeper stays away until the master, too, has ended", async () => {
    await ensemble.stop({ t: 5 });
    const { log } = await exit(master);
    assert.match(log, /Lost leadership/);
    await ensemble.start();
    await master.start();
    await unchanged();
  });

  it("that is told to give up leadership", async () => {
    const count = await restarts(marathon);
    assert.deepEqual((await api.call("DELETE", "/v2/leader")).json, { message: "Leadership abdicated" });
    await until("Marathon's restart", async () => (await restarts(marathon)) === count + 1);
    await unchanged();
  });

  it("whose place another takes, who stood by and passed requests on", async () => {
    const port = freePort();
    const other = new Api(`http://127.0.0.1:${port}`);
    await cluster.marathon({ MARATHON_HTTP_PORT: `${port}` }, { name: "marathon-2" });
    await until("the second one to answer", async () => (await other.call("GET", "/ping")).status === 200);
    const passed = await other.call("GET", "/v2/apps//web");
    assert.equal(passed.json.app.tasks[0].id, before_.task);
    assert.equal(passed.headers.get("X-Marathon-Leader"), api.url);
    assert.equal(passed.headers.get("X-Marathon-Via"), `1.1 127.0.0.1:${port}`);
    assert.equal((await other.call("GET", "/v2/leader")).json.leader, `127.0.0.1:${cluster.marathonPort}`);
    const events = await other.call("GET", "/v2/events");
    assert.deepEqual([events.status, events.headers.get("Location")], [302, `${api.url}/v2/events`]);
    assert.equal((await other.call("PUT", "/v2/apps//web", { labels: { a: "b" } })).status, 200);

    await cluster.remove(marathon);
    const refused = await until("its refusal", async () => {
      const reply = await other.call("GET", "/ping");
      return reply.status === 502 && reply;
    });
    assert.equal((refused as { json: { message: string } }).json.message, "Connection to leader refused.");
    await until("the second one to lead", async () => (await other.call("GET", "/v2/leader")).json?.leader === `127.0.0.1:${port}`);
    await cluster.activeMarathon(other.url);
    await until("the app to be healthy", async () => (await other.app("/web")).tasksHealthy === 1);
    assert.deepEqual((await cluster.running()).sort(), before_.containers);
    assert.equal((await other.tasks("/web"))[0]!.id, before_.task);
    await other.deploy("DELETE", "/v2/apps//web");
  });
});

describe("a framework that was torn down", () => {
  const cluster = new MarathonCluster();
  const api = new Api(cluster.marathonUrl);
  before(() => cluster.all({ MARATHON_MESOS_HEARTBEAT_INTERVAL: "500", MARATHON_MESOS_HEARTBEAT_FAILURE_THRESHOLD: "6", MARATHON_SCALE_APPS_INITIAL_DELAY: "1000" }));
  after(() => cluster.down());

  it("looks well to Marathon, then ends it with 110 at every start, until its traces are removed", async () => {
    await api.deploy("POST", "/v2/apps", { id: "/idle", cmd: "exec sleep 1000", cpus: 0.1, mem: 32 }, 201);
    const [marathon] = await docker.listContainers({ filters: { ancestor: [marathonImage()], name: [`marathon-${cluster.suffix}`] } });
    const container = docker.getContainer(marathon!.Id);
    const id = await cluster.activeMarathon();
    const stream = await EventStream.open(api.url);
    const torn = await fetch(`${cluster.masterUrl}/master/teardown`, { method: "POST", body: `frameworkId=${id}` });
    assert.equal(torn.status, 200);
    const { json } = await api.call("GET", "/v2/info");
    assert.deepEqual([json.elected, json.frameworkId, (await api.app("/idle")).tasksRunning, (await api.call("GET", "/ping")).status], [true, id, 1, 200]);
    stream.close();

    await until("a crash loop", async () => (await restarts(container)) >= 3);
    const log = await logs(container);
    assert.match(log, /does not answer heartbeats[^]*exiting with 105[^]*Framework has been removed[^]*exiting with 110[^]*exiting with 110/);

    await zookeeper(cluster, `
zk.delete("/marathon/state/framework-id", recursive=True)
zk.delete("/marathon/state/instance", recursive=True)
print("null")`);
    const next = await cluster.activeMarathon();
    assert.notEqual(next, id);
    await until("the app to run again", async () => (await api.app("/idle")).tasksRunning === 1);
    await api.deploy("DELETE", "/v2/apps//idle");
  });

  it("is not replaced by a new one while instances are recorded", async () => {
    await api.deploy("POST", "/v2/apps", { id: "/idle", cmd: "exec sleep 1000", cpus: 0.1, mem: 32 }, 201);
    await zookeeper(cluster, `zk.delete("/marathon/state/framework-id", recursive=True)\nprint("null")`);
    const [marathon] = await docker.listContainers({ filters: { name: [`marathon-${cluster.suffix}`] } });
    const container = docker.getContainer(marathon!.Id);
    await container.restart({ t: 5 });
    await until("a restart", async () => (await restarts(container)) >= 1);
    assert.match(await logs(container), /refusing to register as a new framework[^]*exiting with 108/);
  });
});
