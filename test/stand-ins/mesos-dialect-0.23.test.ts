/** The stand-ins with the version of the tutorial's images speak as Mesos 0.23 did. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Cluster, docker, dockerTask, get, until } from "./mesos-cluster";
import { Scheduler } from "./mesos-scheduler";

const cluster = new Cluster();
const old = { version: "0.23.0" };
after(() => cluster.down());
const at = (path: string) => get(cluster.masterUrl + path);

test("0.23: any master answers, at .json paths, and points at itself while nobody leads; what came later is not there", async () => {
  await cluster.master({ MESOS_WORK_DIR: undefined }, old); // it had a default then
  await until("health", async () => (await at("/health")).status === 200);
  for (const path of ["/state.json", "/master/state.json"]) {
    const { status, json } = await at(path);
    assert.deepEqual([status, json.leader, json.version], [200, undefined, "0.23.0"], path);
  }
  for (const path of ["/slaves", "/master/slaves", "/metrics/snapshot", "/master/health"]) assert.equal((await at(path)).status, 200, path);
  for (const path of ["/state", "/master/state", "/master/frameworks", "/master/tasks", "/version", "/master/flags"]) {
    assert.equal((await at(path)).status, 404, path);
  }
  const redirect = await at("/redirect");
  assert.deepEqual([redirect.status, redirect.location], [307, `//127.0.0.1:${cluster.masterPort}`]);
  assert.equal((await at("/metrics/snapshot")).json["master/elected"], 0);
});

test("0.23: elected, an active slave, a task named after the slave, no TASK_STARTING, /master/shutdown", async () => {
  await cluster.zookeeper();
  await cluster.elected();
  await cluster.slave({ MESOS_WORK_DIR: cluster.workDir, MESOS_DOCKER_MESOS_IMAGE: undefined }, old);
  const id = await cluster.activeSlave();
  assert.match(id, /^\d{8}-\d{6}-\d+-\d+-\d+-S0$/);
  const state = (await at("/master/state.json")).json;
  assert.equal(state.leader, state.pid);
  assert.deepEqual(state.slaves.map((slave: { id: string; active: boolean }) => [slave.id, slave.active]), [[id, true]]);
  assert.equal((await get(`${cluster.slaveUrl}/state.json`)).json.id, id);
  assert.equal((await get(`${cluster.slaveUrl}/state`)).status, 404);

  const scheduler = new Scheduler(cluster.masterPort);
  await scheduler.subscribe();
  await scheduler.launch("t", dockerTask("sleep 600"));
  const { container_status } = await scheduler.state("t", "TASK_RUNNING");
  assert.deepEqual(scheduler.states("t"), ["TASK_RUNNING"]);
  const name = `mesos-${id}.${container_status!.container_id!.value}`;
  const env = (await docker.getContainer(name).inspect()).Config.Env;
  assert.ok(env.includes(`MESOS_CONTAINER_NAME=${name}`));
  assert.equal(env.some((variable) => variable.startsWith("MESOS_ALLOCATION_ROLE=")), false);
  assert.equal((await at("/state.json")).json.frameworks[0].tasks.length, 1);
  const shutdown = await get(`${cluster.masterUrl}/master/shutdown`, { method: "POST", body: `frameworkId=${scheduler.frameworkId}` });
  assert.equal(shutdown.status, 200);
  await until("the end of its container", async () => !(await docker.getContainer(name).inspect()).State.Running);
  scheduler.close();
});

test("0.23: recovery removes unknown containers of its own slave id only; 0.22 whatever is called mesos-…", async () => {
  const slave = docker.getContainer(`slave-${cluster.suffix}`);
  const id = await cluster.activeSlave();
  const uuid = "01234567-89ab-cdef-0123-456789abcdef";
  const plant = (exactName: string) =>
    cluster.start("planted", { exactName, Image: "mesos-marathon/rehearsal-base:bookworm", Cmd: ["sleep", "600"], HostConfig: { NetworkMode: "none" } });
  const own = await plant(`mesos-${id}.${uuid}`);
  const gone = (container: typeof own) => until("the removal", () => container.inspect().then(() => false, () => true));
  const foreign = [];
  // The last two are the tutorial's.
  for (const name of [`mesos-${uuid}`, `mesos-20150101-000000-1-5050-1-S0.${uuid}`, "mesos-master", "mesos-slave"]) foreign.push(await plant(name));
  await slave.restart({ t: 1 });
  await gone(own);
  for (const container of foreign) assert.equal((await container.inspect()).State.Running, true);

  await cluster.remove(slave);
  await cluster.slave({ MESOS_WORK_DIR: cluster.workDir, MESOS_DOCKER_MESOS_IMAGE: undefined }, { ...old, env: { STAND_IN_VERSION: "0.22.1" } });
  await Promise.all(foreign.map(gone));
});
