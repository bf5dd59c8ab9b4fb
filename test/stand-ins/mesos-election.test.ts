/** Election through ZooKeeper: what answers before it, a dead predecessor's node, ZooKeeper's loss, several masters. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Cluster, dockerTask, exit, freePort, get, logs, until } from "./mesos-cluster";
import { Scheduler } from "./mesos-scheduler";

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(() => cluster.down());

const at = (path: string, port = cluster.masterPort) => get(`http://127.0.0.1:${port}${path}`);

/** Status and text of everything that depends on an election. */
async function answers() {
  const rows: Record<string, [number, string]> = {};
  for (const path of ["/master/state", "/state", "/master/slaves", "/slaves", "/master/frameworks", "/redirect", "/master/redirect"]) {
    const { status, text } = await at(path);
    rows[path] = [status, status === 200 ? "" : text];
  }
  return rows;
}

test("health first, an elected master later: without ZooKeeper for ever the answers of a master without a leader", async () => {
  await cluster.master();
  await until("health", async () => (await at("/master/health")).status === 200);
  assert.equal((await at("/health")).status, 200);
  for (const [path, answer] of Object.entries(await answers())) assert.deepEqual(answer, [503, "No leader elected"], path);
  const metrics = (await at("/metrics/snapshot")).json;
  assert.equal(metrics["master/elected"], 0);
  assert.equal(metrics["registrar/log/recovered"], 1, "says nothing about leadership");

  await cluster.zookeeper();
  await cluster.elected();
  const state = (await at("/master/state")).json;
  assert.equal(state.leader, `master@127.0.0.1:${cluster.masterPort}`);
  assert.equal(state.leader_info.id, state.id);
  for (const path of ["/redirect", "/master/redirect"]) {
    const redirect = await at(path);
    assert.deepEqual([redirect.status, redirect.location], [307, `//127.0.0.1:${cluster.masterPort}`]);
  }
});

test("a predecessor's node counts until its session ends: same address in /redirect, and nobody elected", async () => {
  await cluster.zookeeper();
  const first = await cluster.master({ MESOS_ZK_SESSION_TIMEOUT: "20secs" }); // longer than its restart takes, however busy the machine is
  await cluster.elected();
  const before = (await at("/master/state")).json.id;
  await first.restart({ t: 0 });
  const seen = await until("the stale leader", async () => {
    const redirect = await at("/redirect");
    return redirect.status === 307 && { redirect, elected: (await at("/metrics/snapshot")).json["master/elected"] };
  });
  assert.deepEqual([seen.redirect.location, seen.elected], [`//127.0.0.1:${cluster.masterPort}`, 0]);
  assert.equal((await at("/master/state")).status, 307);
  await cluster.elected();
  assert.notEqual((await at("/master/state")).json.id, before, "a new id at every start");
  const log = await logs(first);
  assert.equal(log.match(/Elected as the leading master!/g)!.length, 2);
});

test("a leader without ZooKeeper exits by design; slave and task go on and come back under their ids", async () => {
  const { zookeeper, master, slave, slaveId } = await cluster.up();
  const scheduler = new Scheduler(cluster.masterPort);
  await scheduler.subscribe();
  await scheduler.launch("t", dockerTask("sleep 600"));
  await scheduler.state("t", "TASK_RUNNING");
  const tasks = await cluster.running();
  const framework = scheduler.frameworkId;
  await zookeeper.stop({ t: 5 });
  const { code, log } = await exit(master);
  assert.match(log, /Lost leadership\.\.\. committing suicide!/);
  assert.equal(code, 1);
  assert.equal((await slave.inspect()).State.Running, true);

  await zookeeper.start();
  await master.start();
  assert.equal(await cluster.activeSlave(), slaveId);
  const recovered = await cluster.framework(framework);
  assert.deepEqual([recovered.active, recovered.recovered, recovered.tasks.length], [false, true, 1], "known from its task until it subscribes");
  await scheduler.subscribe({}, framework);
  assert.equal(scheduler.frameworkId, framework);
  await until("an active framework", async () => (await cluster.framework(framework)).active);
  assert.deepEqual(await cluster.running(), tasks);
  await scheduler.unregister();
  scheduler.close();
});

test("a master's registry names the slaves that are not back yet", async () => {
  const { master, slave, slaveId } = await cluster.up();
  await slave.stop({ t: 1 });
  await master.restart({ t: 0 });
  await cluster.elected();
  const { slaves, recovered_slaves } = (await at("/master/slaves")).json;
  assert.deepEqual(slaves, []);
  assert.deepEqual(recovered_slaves.map(({ id }: { id: string }) => id), [slaveId]);
  await slave.start();
  assert.equal(await cluster.activeSlave(), slaveId);
  assert.deepEqual((await at("/master/slaves")).json.recovered_slaves, []);
});

test("several masters: one leads, the others send there, and one of them takes over", async () => {
  await cluster.zookeeper();
  const first = await cluster.master();
  await cluster.elected();
  const port = freePort();
  await cluster.master({ MESOS_PORT: `${port}` }, { name: "second" });
  const redirect = await until("the second to know the leader", async () => {
    const answer = await at("/master/state", port);
    return answer.status === 307 && answer;
  });
  assert.equal(redirect.location, `//127.0.0.1:${cluster.masterPort}/master/state`);
  assert.equal((await at("/metrics/snapshot", port)).json["master/elected"], 0);
  await first.kill();
  await cluster.elected(port);
  assert.equal((await at("/master/state", port)).json.leader, `master@127.0.0.1:${port}`);
});

test("a wrong path or address in ZooKeeper's URL breaks what it would break", async () => {
  await cluster.zookeeper();
  await cluster.master();
  await cluster.elected();
  const slave = await cluster.slave({ MESOS_MASTER: `zk://127.0.0.1:${cluster.zookeeperPort}/elsewhere` });
  await until("the slave", async () => (await get(`${cluster.slaveUrl}/state`)).status === 200);
  assert.equal((await get(`${cluster.slaveUrl}/metrics/snapshot`)).json["slave/registered"], 0, "no master detected there");
  await cluster.remove(slave);
  await cluster.slave({ MESOS_MASTER: `zk://127.0.0.1:${freePort()}/mesos` });
  await until("the slave", async () => (await get(`${cluster.slaveUrl}/state`)).json?.id === "");
  assert.deepEqual((await at("/master/slaves")).json.slaves, []);
});

test("a slave finds its master by host:port as well", async () => {
  await cluster.zookeeper();
  await cluster.master();
  await cluster.slave({ MESOS_MASTER: `127.0.0.1:${cluster.masterPort}` });
  await cluster.activeSlave();
});
