/** The slave in a container: registration, recovery, what happens to its tasks with which settings, orphans, changed settings. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";
import type { Container } from "dockerode";
import { base, Cluster, docker, dockerTask, exit, freePort, get, logs, until } from "./mesos-cluster";
import { Scheduler } from "./mesos-scheduler";

let cluster: Cluster;
let scheduler: Scheduler | undefined;
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(async () => {
  await scheduler?.unregister();
  scheduler?.close();
  scheduler = undefined;
  await cluster.down();
});

async function withTask(slave: Record<string, string | undefined> = {}, options: Parameters<Cluster["slave"]>[1] = {}) {
  const parts = await cluster.up(slave, options);
  scheduler = new Scheduler(cluster.masterPort);
  await scheduler.subscribe();
  await scheduler.launch("t", dockerTask("sleep 600"));
  const { container_status } = await scheduler.state("t", "TASK_RUNNING");
  return { ...parts, scheduler, name: `mesos-${container_status!.container_id!.value}` };
}

const started = async (name: string) => (await docker.getContainer(name).inspect()).State.StartedAt;
const exists = (name: string) => docker.getContainer(name).inspect().then(() => true, () => false);
const registrations = async (slave: Container) => (await logs(slave)).match(/Registered with master/g)?.length ?? 0;
/** Do something to the slave, and wait until it has registered once more. */
async function registersAgain(slave: Container, act: () => Promise<unknown>): Promise<void> {
  const before = await registrations(slave);
  await act();
  await until("another registration", async () => (await registrations(slave)) > before);
}

test("slave/registered says 1 before there is an id; an active row at the master is the proof", async () => {
  await cluster.zookeeper();
  const master = await cluster.master({ MESOS_ZK_SESSION_TIMEOUT: "40secs" });
  await cluster.elected();
  await master.pause(); // its node stands as long as its session, and it answers nothing
  await cluster.slave();
  await until("registered", async () => (await get(`${cluster.slaveUrl}/metrics/snapshot`)).json?.["slave/registered"] === 1);
  assert.equal((await get(`${cluster.slaveUrl}/health`)).status, 200);
  assert.equal((await get(`${cluster.slaveUrl}/state`)).json.id, "");
  await master.unpause();
  const id = await cluster.activeSlave();
  await until("the id", async () => (await get(`${cluster.slaveUrl}/state`)).json.id === id);
});

test("a slave that dies is inactive at the master at once, and removed when its pings stay unanswered", async () => {
  const zookeeper = await cluster.zookeeper();
  assert.ok(zookeeper);
  await cluster.master({ MESOS_SLAVE_PING_TIMEOUT: "1secs", MESOS_MAX_SLAVE_PING_TIMEOUTS: "3" });
  const slave = await cluster.slave();
  const id = await cluster.activeSlave();
  scheduler = new Scheduler(cluster.masterPort);
  await scheduler.subscribe();
  await scheduler.launch("t", dockerTask("sleep 600"));
  await scheduler.state("t", "TASK_RUNNING");
  // The row is there until the slave is removed, for three or four seconds: who asks only when the kill has returned may miss it.
  const [row] = await Promise.all([
    until("an inactive row", async () => (await get(`${cluster.masterUrl}/master/slaves`)).json.slaves.find((one: { active: boolean }) => !one.active)),
    slave.kill(),
  ]);
  assert.equal(row.id, id);
  const lost = await scheduler.state("t", "TASK_LOST");
  assert.equal(lost.message, "health check timed out");
  await until("the word about the slave", () => scheduler!.received.some(({ message }) => message === "LostSlaveMessage"));
  const state = (await get(`${cluster.masterUrl}/master/state`)).json;
  assert.deepEqual([state.slaves.length, state.unreachable_slaves], [0, 1]);
});

test("right settings: tasks survive the slave's restart, kill and replacement, and its id stays", async () => {
  const { slave, slaveId, name } = await withTask();
  const since = await started(name);
  await registersAgain(slave, () => slave.restart({ t: 1 }));
  assert.equal(await cluster.activeSlave(), slaveId);
  await registersAgain(slave, async () => {
    await slave.kill();
    await slave.start();
  });
  await cluster.remove(slave);
  const next = await cluster.slave();
  await until("registration of the new container", async () => (await registrations(next)) >= 1);
  assert.equal(await cluster.activeSlave(), slaveId);
  assert.equal(await started(name), since);
  assert.deepEqual(scheduler!.states("t"), ["TASK_STARTING", "TASK_RUNNING"]);
  // and the task can still be ended, and its end heard of
  await scheduler!.kill("t");
  await scheduler!.state("t", "TASK_KILLED");
});

test("what happens while the slave is away is told when it is back", async () => {
  const { slave, name } = await withTask();
  await slave.stop({ t: 1 });
  await docker.getContainer(name).kill();
  await slave.start();
  assert.equal((await scheduler!.state("t", "TASK_FAILED")).message, "Container exited with status 137");
});

test("executors as children: they die with the slave, the task fails after recovery, its container is left for the next one", async () => {
  const { slave, slaveId, name } = await withTask({ MESOS_DOCKER_MESOS_IMAGE: undefined });
  const since = await started(name);
  await slave.restart({ t: 1 });
  const { message } = await scheduler!.state("t", "TASK_FAILED");
  assert.equal(message, "Abnormal executor termination: unknown container");
  assert.equal(await cluster.activeSlave(), slaveId);
  assert.deepEqual([(await docker.getContainer(name).inspect()).State.Running, await started(name)], [true, since], "an orphan");
  await slave.restart({ t: 1 });
  await until("the orphan's removal", async () => !(await exists(name)));
});

test("executors in containers of their own without the host's pid namespace: every task fails, its container goes on", async () => {
  await cluster.up({}, { pid: "" });
  scheduler = new Scheduler(cluster.masterPort);
  await scheduler.subscribe();
  await scheduler.launch("t", dockerTask("sleep 600"));
  const { message } = await scheduler.state("t", "TASK_FAILED");
  assert.equal(message, "Container terminated");
  await until("its container", async () => (await cluster.running()).length === 1);
});

test("recovery removes unknown mesos-<uuid> containers, and leaves look-alikes and other names alone", async () => {
  const { slave, name } = await withTask();
  const plant = (exactName: string) =>
    cluster.start("planted", { exactName, Image: base, Cmd: ["sleep", "600"], HostConfig: { NetworkMode: "none" } });
  const doomed = [`mesos-${randomUUID()}`, `mesos-${randomUUID()}.executor`];
  const spared = [`mesos-foreign-${cluster.suffix}`, `mesos-master-${cluster.suffix}`, `mesos-slave-${cluster.suffix}`, `x-mesos-${randomUUID()}`,
    `mesos-${randomUUID()}-more`];
  for (const one of [...doomed, ...spared]) await plant(one);
  const since = await Promise.all(spared.map(started));
  await registersAgain(slave, () => slave.restart({ t: 1 }));
  for (const one of doomed) await until(`${one} to be removed`, async () => !(await exists(one)));
  assert.deepEqual(await Promise.all(spared.map(started)), since);
  assert.equal((await docker.getContainer(name).inspect()).State.Running, true);
});

test("recovery of 1.0.0, 1.0.1 and 1.1 removes whatever is called mesos-…, a master of that name too", async () => {
  const { slave } = await cluster.up({}, { env: { STAND_IN_VERSION: "1.1.0" } });
  const plant = (exactName: string) =>
    cluster.start("planted", { exactName, Image: base, Cmd: ["sleep", "600"], HostConfig: { NetworkMode: "none" } });
  const doomed = [`mesos-master-${cluster.suffix}`, `mesos-${randomUUID()}`];
  const spared = [`the-mesos-master-${cluster.suffix}`, `mesos_master-${cluster.suffix}`];
  for (const one of [...doomed, ...spared]) await plant(one);
  const since = await Promise.all(spared.map(started));
  await registersAgain(slave, () => slave.restart({ t: 1 }));
  for (const one of doomed) await until(`${one} to be removed`, async () => !(await exists(one)));
  assert.deepEqual(await Promise.all(spared.map(started)), since);
});

test("docker_kill_orphans=false removes nothing, and a slave without state removes nothing either", async () => {
  const name = `mesos-${randomUUID()}`;
  await cluster.start("planted", { exactName: name, Image: base, Cmd: ["sleep", "600"], HostConfig: { NetworkMode: "none" } });
  const { slave } = await cluster.up({ MESOS_DOCKER_KILL_ORPHANS: "false" }); // its first start: no state
  await registersAgain(slave, () => slave.restart({ t: 1 }));
  assert.equal((await docker.getContainer(name).inspect()).State.Running, true);
});

test("changed settings on kept state are refused, or taken under the additive policy", async () => {
  const { slave, slaveId } = await cluster.up();
  await cluster.remove(slave);
  const refused = async (changes: Record<string, string>) => {
    const container = await cluster.slave(changes);
    const end = await exit(container);
    await cluster.remove(container);
    assert.equal(end.code, 1);
    return end.log;
  };
  const plain = await refused({ MESOS_ATTRIBUTES: "rack:1" });
  assert.match(plain, /Failed to perform recovery: Incompatible agent info detected\./);
  assert.match(plain, new RegExp(`rm -f ${cluster.workDir}/meta/slaves/latest`));

  const additive = { MESOS_RECONFIGURATION_POLICY: "additive" };
  for (const changes of [{ MESOS_ATTRIBUTES: "rack:1" }, { MESOS_ATTRIBUTES: "rack:2" },
    { MESOS_ATTRIBUTES: "rack:2", MESOS_RESOURCES: "cpus:3;mem:2048;disk:4096;ports:[31000-32000]" }]) {
    const container = await cluster.slave({ ...additive, ...changes });
    await until("registration", async () => (await registrations(container)) >= 1);
    assert.equal(await cluster.activeSlave(), slaveId);
    await cluster.remove(container);
  }
  const fine = { ...additive, MESOS_ATTRIBUTES: "rack:2", MESOS_RESOURCES: "cpus:3;mem:2048;disk:4096;ports:[31000-32000]" };
  assert.match(await refused({ ...fine, MESOS_RESOURCES: "cpus:2;mem:2048;disk:4096;ports:[31000-32000]" }),
    /Value of scalar resource 'cpus' decreased from 3 to 2/);
  assert.match(await refused({ ...fine, MESOS_HOSTNAME: "localhost" }), /Hostname changed from 127\.0\.0\.1 to localhost/);
  const port = freePort();
  assert.match(await refused({ ...fine, MESOS_PORT: `${port}` }), new RegExp(`Port changed from ${cluster.slavePort} to ${port}`));

  rmSync(`${cluster.workDir}/meta/slaves/latest`);
  await cluster.slave({ MESOS_PORT: `${port}` });
  assert.notEqual(await cluster.activeSlave(port), slaveId);
  const rows = (await get(`${cluster.masterUrl}/master/slaves`)).json.slaves;
  assert.deepEqual(rows.map(({ id, active }: { id: string; active: boolean }) => [id === slaveId, active]), [[true, false], [false, true]]);
});

test("a slave that forgot its id replaces the one at the same address", async () => {
  const { slave, slaveId } = await cluster.up();
  await slave.stop({ t: 1 });
  rmSync(`${cluster.workDir}/meta/slaves/latest`);
  await slave.start();
  const id = await cluster.activeSlave();
  assert.notEqual(id, slaveId);
  assert.equal((await get(`${cluster.masterUrl}/master/slaves`)).json.slaves.length, 1);
});

test("the containers of an ended task stay for docker_remove_delay and then go", async () => {
  const { name } = await withTask({ MESOS_DOCKER_REMOVE_DELAY: "2secs" });
  await scheduler!.kill("t");
  await scheduler!.state("t", "TASK_KILLED");
  assert.equal(await exists(name), true);
  for (const container of [name, `${name}.executor`]) await until(`${container} to be removed`, async () => !(await exists(container)));
});

test("SIGTERM just ends the slave: tasks stay", async () => {
  const { slave, name } = await withTask();
  await slave.kill({ signal: "SIGTERM" });
  await exit(slave);
  assert.equal((await docker.getContainer(name).inspect()).State.Running, true);
});
