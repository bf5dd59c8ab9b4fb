/** What a slave reserves for a role goes to frameworks of that role alone. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Cluster, docker, dockerTask, exit, get, until } from "./mesos-cluster";
import { Scheduler } from "./mesos-scheduler";

const cluster = new Cluster();
const old = new Cluster();
const schedulers: Scheduler[] = [];
after(async () => {
  schedulers.forEach((scheduler) => scheduler.close());
  await cluster.down();
  await old.down();
});

async function subscribed(at: Cluster, role?: string) {
  const scheduler = new Scheduler(at.masterPort);
  schedulers.push(scheduler);
  await scheduler.subscribe(role ? { role } : {});
  return scheduler;
}

const amounts = (role: string) => [
  { name: "cpus", type: "SCALAR", scalar: { value: 0.1 }, role },
  { name: "mem", type: "SCALAR", scalar: { value: 64 }, role },
];
const batch = { MESOS_DEFAULT_ROLE: "batch" };

test("a framework of another role is offered nothing; one of that role gets everything, and launches on it", async () => {
  const { slave, slaveId } = await cluster.up(batch);
  const strangers = [await subscribed(cluster), await subscribed(cluster, "web")];
  const scheduler = await subscribed(cluster, "batch");
  const offer = await scheduler.offer();
  assert.deepEqual(strangers.map(({ offers }) => offers), [[], []]);
  assert.deepEqual(new Set(offer.resources.map(({ role }) => role)), new Set(["batch"]));

  const [shown] = (await get(`${cluster.masterUrl}/master/slaves`)).json.slaves;
  const whole = { cpus: 2, mem: 2048, disk: 4096, gpus: 0, ports: "[31000-32000]" };
  assert.deepEqual([shown.reserved_resources, shown.unreserved_resources], [{ batch: whole }, { cpus: 0, mem: 0, disk: 0, gpus: 0 }]);

  await scheduler.launchOn(offer, "nobody's", dockerTask("sleep 600", { resources: amounts("*") }));
  assert.match((await scheduler.state("nobody's", "TASK_ERROR")).message ?? "", /uses more resources/);
  await scheduler.launch("ours", dockerTask("sleep 600", { resources: amounts("batch") }));
  const { container_status } = await scheduler.state("ours", "TASK_RUNNING");
  const { Config } = await docker.getContainer(`mesos-${container_status?.container_id?.value}`).inspect();
  assert.ok(Config.Env.includes("MESOS_ALLOCATION_ROLE=batch"));
  assert.deepEqual(strangers.map(({ offers }) => offers), [[], []]);

  await cluster.remove(slave);
  for (const [changes, words] of [
    [{}, /Incompatible agent info detected/],
    [{ MESOS_RECONFIGURATION_POLICY: "additive" }, /Resource not found: cpus\(batch\):2/],
    [{ MESOS_RECONFIGURATION_POLICY: "additive", MESOS_DEFAULT_ROLE: "web" }, /Resource not found: cpus\(batch\):2/],
  ] as const) {
    const changed = await cluster.slave(changes);
    const { code, log } = await exit(changed);
    assert.equal(code, 1);
    assert.match(log, words);
    await cluster.remove(changed);
  }
  await cluster.slave(batch);
  assert.equal(await cluster.activeSlave(), slaveId);
});

test("0.23: the master knows its roles beforehand, and refuses a framework of another one", async () => {
  const version = { version: "0.23.0" };
  await old.zookeeper();
  const master = await old.master({ MESOS_WORK_DIR: undefined, MESOS_ROLES: "batch,web" }, version);
  await old.elected();
  const refused = await subscribed(old, "other");
  await until("the refusal", () => refused.received.some(({ body }) => body.message === "Role 'other' is not present in the master's --roles"));
  for (const role of [undefined, "batch", "web"]) {
    assert.ok((await subscribed(old, role)).frameworkId, String(role));
  }
  await old.remove(master);
});
