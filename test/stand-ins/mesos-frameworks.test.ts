/** A framework's life at the stand-ins: offers, tasks as containers and as processes, kills, reconciliation, failover, teardown. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import { base, Cluster, commandTask, docker, dockerTask, exit, get, until, ownLabels } from "./mesos-cluster";
import { Scheduler } from "./mesos-scheduler";

const cluster = new Cluster();
let slaveId: string;
const schedulers: Scheduler[] = [];

async function subscribed(info = {}, id?: string) {
  const scheduler = new Scheduler(cluster.masterPort);
  schedulers.push(scheduler);
  await scheduler.subscribe(info, id);
  return scheduler;
}

before(async () => {
  ({ slaveId } = await cluster.up({ MESOS_ATTRIBUTES: "rack:r1;zone:2" }));
});
afterEach(async () => {
  for (const scheduler of schedulers.splice(0)) {
    await scheduler.unregister();
    scheduler.close();
  }
});
after(() => cluster.down());

test("an offer holds everything free, with ports and attributes", async () => {
  const scheduler = await subscribed();
  const offer = await scheduler.offer();
  const amounts = Object.fromEntries(offer.resources.map((item) => [item.name, item.scalar?.value ?? item.ranges?.range]));
  assert.deepEqual(amounts, { cpus: 2, mem: 2048, disk: 4096, ports: [{ begin: 31000, end: 32000 }] });
  assert.equal(offer.slave_id.value, slaveId);
  assert.equal(offer.hostname, "127.0.0.1");
  assert.deepEqual(offer.attributes, [
    { name: "rack", type: "TEXT", text: { value: "r1" } },
    { name: "zone", type: "SCALAR", scalar: { value: 2 } },
  ]);
});

test("a Docker task is a real container, named, bound, limited and given the environment as recorded", async () => {
  const scheduler = await subscribed();
  await scheduler.launch("web.1", dockerTask("echo out; echo err >&2; sleep 600", {
    command: { value: "echo out; echo err >&2; sleep 600", shell: true, environment: { variables: [{ name: "GREETING", value: "hello" }] } },
  }, { parameters: [{ key: "label", value: "MESOS_TASK_ID=web.1" }] }));
  const status = await scheduler.state("web.1", "TASK_RUNNING");
  assert.deepEqual(scheduler.states("web.1"), ["TASK_STARTING", "TASK_RUNNING"]);
  const uuid = status.container_status!.container_id!.value;
  assert.deepEqual(status.container_status!.network_infos, [{ ip_addresses: [{ protocol: "IPv4", ip_address: "127.0.0.1" }] }]);

  const seen = await docker.getContainer(`mesos-${uuid}`).inspect();
  const sandbox = `${cluster.workDir}/slaves/${slaveId}/frameworks/${scheduler.frameworkId}/executors/web.1/runs/${uuid}`;
  assert.deepEqual(seen.HostConfig.Binds, [`${sandbox}:/mnt/mesos/sandbox`]);
  assert.equal(seen.HostConfig.NetworkMode, "host");
  assert.equal(seen.HostConfig.Memory, 64 * 1024 * 1024);
  assert.equal(seen.HostConfig.CpuShares, 102);
  assert.equal(seen.HostConfig.RestartPolicy?.Name || "no", "no");
  assert.deepEqual(seen.Config.Entrypoint, ["/bin/sh"]);
  assert.deepEqual(seen.Config.Cmd, ["-c", "echo out; echo err >&2; sleep 600"]);
  assert.deepEqual(await ownLabels(seen), { MESOS_TASK_ID: "web.1" });
  for (const variable of [`MESOS_CONTAINER_NAME=mesos-${uuid}`, "MESOS_SANDBOX=/mnt/mesos/sandbox", "MESOS_ALLOCATION_ROLE=*", "GREETING=hello"]) {
    assert.ok(seen.Config.Env.includes(variable), variable);
  }
  const executor = await docker.getContainer(`mesos-${uuid}.executor`).inspect();
  assert.equal(executor.State.Running, true);
  assert.equal(executor.HostConfig.NetworkMode, "host");
  await until("the task's output in its sandbox", () => readFileSync(`${sandbox}/stderr`, "utf8") === "err\n");
  assert.equal(readFileSync(`${sandbox}/stdout`, "utf8"), "out\n");

  await scheduler.kill("web.1");
  const end = await scheduler.state("web.1", "TASK_KILLED");
  assert.equal(end.message, "Container exited with status 137");
  await until("the executor's container to end", async () => !(await docker.getContainer(`mesos-${uuid}.executor`).inspect()).State.Running);
  assert.equal((await docker.getContainer(`mesos-${uuid}`).inspect()).State.Status, "exited", "stays for docker_remove_delay");
  const framework = await until("the completed task", async () => {
    const shown = await cluster.framework(scheduler.frameworkId);
    return shown.completed_tasks.length === 1 && shown;
  });
  assert.equal(framework.completed_tasks[0].state, "TASK_KILLED");
  assert.deepEqual(framework.used_resources, { disk: 0, mem: 0, gpus: 0, cpus: 0 });
});

test("a container's own end is TASK_FINISHED or TASK_FAILED, and TASK_KILLING is for those who asked for it", async () => {
  const scheduler = await subscribed({ capabilities: [{ type: "TASK_KILLING_STATE" }] });
  await scheduler.launch("good", dockerTask("exit 0"));
  await scheduler.state("good", "TASK_FINISHED");
  await scheduler.launch("bad", dockerTask("exit 3"));
  assert.equal((await scheduler.state("bad", "TASK_FAILED")).message, "Container exited with status 3");
  await scheduler.launch("patient", dockerTask("trap 'exit 0' TERM; while :; do sleep 0.1; done", { kill_policy: { grace_period: { nanoseconds: 20e9 } } }));
  await scheduler.state("patient", "TASK_RUNNING");
  await scheduler.kill("patient");
  await scheduler.state("patient", "TASK_KILLED");
  assert.deepEqual(scheduler.states("patient"), ["TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_KILLED"]);
});

test("a container killed from outside is TASK_FAILED with its status", async () => {
  const scheduler = await subscribed();
  await scheduler.launch("victim", dockerTask("sleep 600"));
  const { container_status } = await scheduler.state("victim", "TASK_RUNNING");
  await docker.getContainer(`mesos-${container_status!.container_id!.value}`).kill();
  assert.equal((await scheduler.state("victim", "TASK_FAILED")).message, "Container exited with status 137");
});

test("an image that cannot be had is TASK_FAILED with Docker's own message", async () => {
  const scheduler = await subscribed();
  await scheduler.launch("no-image", dockerTask("sleep 1", {}, { image: "127.0.0.1:1/none:1" }));
  const { message, reason } = await scheduler.state("no-image", "TASK_FAILED");
  assert.match(message!, /^Failed to launch container: Failed to run 'docker -H unix:\/\/\S+ pull 127\.0\.0\.1:1\/none:1': exited with status 1; stderr='Error response from daemon: .*127\.0\.0\.1:1/);
  assert.equal(reason, "REASON_CONTAINER_LAUNCH_FAILED");
});

test("volumes, port mappings, arguments and docker parameters reach the container", async () => {
  const scheduler = await subscribed();
  await scheduler.launch("full", {
    container: {
      type: "DOCKER",
      volumes: [{ container_path: "/in", host_path: cluster.workDir, mode: "RO" }, { container_path: "/rel", host_path: "data", mode: "RW" }],
      docker: {
        image: base, network: "NONE", privileged: true, port_mappings: [{ host_port: 31005, container_port: 80, protocol: "udp" }],
        parameters: [{ key: "hostname", value: "renamed" }, { key: "env", value: "X=1" }, { key: "cap-add", value: "NET_ADMIN" }],
      },
    },
    command: { shell: false, arguments: ["sleep", "600"] },
  });
  const { container_status } = await scheduler.state("full", "TASK_RUNNING");
  const seen = await docker.getContainer(`mesos-${container_status!.container_id!.value}`).inspect();
  const sandbox = seen.HostConfig.Binds!.at(-1)!.split(":")[0];
  assert.deepEqual(seen.HostConfig.Binds!.slice(0, 2), [`${cluster.workDir}:/in:ro`, `${sandbox}/data:/rel:rw`]);
  assert.deepEqual(seen.HostConfig.PortBindings, { "80/udp": [{ HostIp: "", HostPort: "31005" }] });
  assert.equal(seen.HostConfig.NetworkMode, "none");
  assert.equal(seen.HostConfig.Privileged, true);
  assert.deepEqual(seen.Config.Cmd, ["sleep", "600"]);
  assert.equal(seen.Config.Hostname, "renamed");
  assert.ok(seen.Config.Env.includes("X=1"));
  assert.deepEqual(seen.HostConfig.CapAdd, ["NET_ADMIN"]);
  await scheduler.launch("unknown", dockerTask("sleep 1", {}, { parameters: [{ key: "no-such-option", value: "1" }] }));
  assert.match((await scheduler.state("unknown", "TASK_FAILED")).message!, /unknown flag: --no-such-option/);
});

test("a command task is a process with a sandbox and output files", async () => {
  const scheduler = await subscribed();
  await scheduler.launch("cmd", commandTask("echo $WORD from $(pwd); exec sleep 600", {
    command: { value: "echo $WORD from $(pwd); exec sleep 600", shell: true, environment: { variables: [{ name: "WORD", value: "hello" }] } },
  }));
  const { container_status } = await scheduler.state("cmd", "TASK_RUNNING");
  const sandbox = `${cluster.workDir}/slaves/${slaveId}/frameworks/${scheduler.frameworkId}/executors/cmd/runs/${container_status!.container_id!.value}`;
  await until("its output", () => readFileSync(`${sandbox}/stdout`, "utf8") === `hello from ${sandbox}\n`);
  assert.equal((await cluster.taskContainers()).filter(({ Names }) => Names[0]!.includes(container_status!.container_id!.value)).length, 0);
  await scheduler.kill("cmd");
  await scheduler.state("cmd", "TASK_KILLED");
  await scheduler.launch("fails", commandTask("exit 7"));
  assert.equal((await scheduler.state("fails", "TASK_FAILED")).message, "Command exited with status 7");
});

test("what a task takes is missing in the next offer, and comes back with its end", async () => {
  const scheduler = await subscribed();
  const before = await scheduler.offer();
  await scheduler.launchOn(before, "taker", dockerTask("sleep 600", {
    resources: [
      { name: "cpus", type: "SCALAR", scalar: { value: 0.5 } },
      { name: "ports", type: "RANGES", ranges: { range: [{ begin: 31500, end: 31500 }] } },
    ],
  }));
  await scheduler.state("taker", "TASK_RUNNING");
  const next = await scheduler.offer();
  const amount = (name: string) => next.resources.find((item) => item.name === name);
  assert.equal(amount("cpus")!.scalar!.value, 1.5);
  assert.deepEqual(amount("ports")!.ranges!.range, [{ begin: 31000, end: 31499 }, { begin: 31501, end: 32000 }]);
  await scheduler.kill("taker");
  await scheduler.state("taker", "TASK_KILLED");
  // The rest is still in our hands, so what comes is what the task had, and no more.
  const back = await scheduler.offer();
  assert.equal(back.resources.find((item) => item.name === "cpus")!.scalar!.value, 0.5);
  assert.deepEqual(back.resources.find((item) => item.name === "ports")!.ranges!.range, [{ begin: 31500, end: 31500 }]);
});

test("too much, a used offer and an unknown task are answered, not forgotten", async () => {
  const scheduler = await subscribed();
  const offer = await scheduler.offer();
  await scheduler.launchOn(offer, "huge", dockerTask("sleep 1", { resources: [{ name: "cpus", type: "SCALAR", scalar: { value: 99 } }] }));
  assert.match((await scheduler.state("huge", "TASK_ERROR")).message!, /uses more resources/);
  await scheduler.launchOn(offer, "late", dockerTask("sleep 1"));
  assert.match((await scheduler.state("late", "TASK_LOST")).message!, /no longer valid/);
  await scheduler.reconcile("never-was");
  const answer = await scheduler.state("never-was", "TASK_LOST");
  assert.equal(answer.reason, "REASON_RECONCILIATION");
  assert.equal(answer.uuid, undefined, "nothing to acknowledge");
});

test("a declined agent is not offered again until revived; a suppressed framework gets nothing", async () => {
  const scheduler = await subscribed();
  await scheduler.decline(await scheduler.offer(), 3600);
  const others = await subscribed();
  await others.decline(await others.offer(), 3600); // a whole round went by
  assert.equal(scheduler.offers.length, 0);
  await scheduler.revive();
  // Given back only when it is suppressed already, so that no offer can be on its way.
  const offer = await scheduler.offer();
  await scheduler.suppress();
  await scheduler.decline(offer, 0);
  const rounds = async () => (await get(`${cluster.masterUrl}/metrics/snapshot`)).json["allocator/mesos/allocation_runs"];
  const now = await rounds();
  await until("three more rounds", async () => (await rounds()) > now + 3);
  assert.equal(scheduler.offers.length, 0);
});

test("two frameworks take turns", async () => {
  const [one, two] = [await subscribed({ name: "one" }), await subscribed({ name: "two" })];
  for (let turn = 0; turn < 3; turn++) {
    await one.decline(await one.offer(), 0);
    await two.decline(await two.offer(), 0);
  }
});

test("an update is sent again until it is acknowledged", async () => {
  const scheduler = await subscribed();
  scheduler.acknowledge = false;
  await scheduler.launch("unheard", dockerTask("sleep 600"));
  await until("the first update twice", () => scheduler.states("unheard", { again: true }).length === 2);
  assert.deepEqual(scheduler.states("unheard", { again: true }), ["TASK_STARTING", "TASK_STARTING"], "the second waits for the first one's acknowledgement");
});

test("a framework that vanishes is inactive with its tasks running, and takes them over again under its id", async () => {
  const first = await subscribed({ name: "lasting" });
  await first.launch("lasting", dockerTask("sleep 600"));
  await first.state("lasting", "TASK_RUNNING");
  first.close();
  await until("an inactive framework", async () => (await cluster.framework(first.frameworkId)).active === false);
  assert.equal((await cluster.framework(first.frameworkId)).tasks.length, 1);
  const second = await subscribed({ name: "lasting" }, first.frameworkId);
  assert.equal(second.received[0]!.message, "FrameworkRegisteredMessage");
  assert.equal((await cluster.framework(first.frameworkId)).active, true);
  await second.reconcile();
  assert.equal((await second.state("lasting", "TASK_RUNNING")).message, "Reconciliation: Latest task state");
  const third = await subscribed({ name: "lasting" }, first.frameworkId);
  await until("the word to the one before", () => second.received.some(({ message, body }) =>
    message === "FrameworkErrorMessage" && body.message === "Framework failed over"));
  await third.unregister();
  await until("the end of its container", async () => (await cluster.running()).length === 0);
});

test("a framework is removed with its tasks when failover_timeout is over", async () => {
  const scheduler = await subscribed({ name: "brief", failover_timeout: 0.5 });
  await scheduler.launch("brief", dockerTask("sleep 600"));
  await scheduler.state("brief", "TASK_RUNNING");
  scheduler.close();
  await until("its completion", async () => !(await cluster.framework(scheduler.frameworkId)));
  await until("the end of its container", async () => (await cluster.running()).length === 0);
});

test("teardown ends the tasks, keeps their containers, and the id is not taken again", async () => {
  const teardown = (body: string, method = "POST") => get(`${cluster.masterUrl}/master/teardown`, { method, body });
  assert.deepEqual([(await teardown("frameworkId=none")).status, (await teardown("frameworkId=none")).text], [400, "No framework found with specified ID"]);
  assert.equal((await teardown("")).status, 400);
  assert.equal((await get(`${cluster.masterUrl}/master/teardown`)).status, 405);

  const scheduler = await subscribed({ name: "torn" });
  await scheduler.launch("torn", dockerTask("sleep 600"));
  const { container_status } = await scheduler.state("torn", "TASK_RUNNING");
  const name = `mesos-${container_status!.container_id!.value}`;
  const answer = await teardown(`frameworkId=${scheduler.frameworkId}`);
  assert.deepEqual([answer.status, answer.text], [200, ""]);
  const { frameworks, completed_frameworks } = (await get(`${cluster.masterUrl}/master/frameworks`)).json;
  assert.equal(frameworks.filter(({ id }: { id: string }) => id === scheduler.frameworkId).length, 0);
  const gone = completed_frameworks.find(({ id }: { id: string }) => id === scheduler.frameworkId);
  assert.deepEqual(gone.completed_tasks.map(({ id, state }: { id: string; state: string }) => [id, state]), [["torn", "TASK_KILLED"]]);
  for (const container of [name, `${name}.executor`]) {
    await until(`${container} to end`, async () => (await docker.getContainer(container).inspect()).State.Status === "exited");
  }
  assert.equal((await docker.getContainer(name).inspect()).State.ExitCode, 137);

  const before = scheduler.received.length;
  await scheduler.reconcile("torn");
  const again = await subscribed({ name: "torn" }, scheduler.frameworkId);
  assert.deepEqual(again.received[0], { message: "FrameworkErrorMessage", body: { message: "Framework has been removed" } });
  assert.equal(scheduler.received.length, before, "a removed framework hears nothing");
});

test("SIGUSR1 unregisters the slave: tasks are lost, containers end, the id is forgotten, and it exits with 0", async () => {
  const scheduler = await subscribed({ name: "left" });
  await scheduler.launch("left", dockerTask("sleep 600"));
  const { container_status } = await scheduler.state("left", "TASK_RUNNING");
  const name = `mesos-${container_status!.container_id!.value}`;
  const slave = docker.getContainer(`slave-${cluster.suffix}`);
  await slave.kill({ signal: "SIGUSR1" });
  assert.equal((await scheduler.state("left", "TASK_LOST")).message, "the agent unregistered");
  assert.deepEqual((await get(`${cluster.masterUrl}/master/slaves`)).json.slaves, []);
  const { code, log } = await exit(slave);
  assert.equal(code, 0, log);
  for (const container of [name, `${name}.executor`]) {
    await until(`${container} to end`, async () => (await docker.getContainer(container).inspect()).State.Status === "exited");
  }
  assert.equal(existsSync(`${cluster.workDir}/meta/slaves/latest`), false);
  assert.equal((await get(`${cluster.masterUrl}/metrics/snapshot`)).json["master/slave_removals/reason_unregistered"], 1);
  await slave.start();
  assert.notEqual(await cluster.activeSlave(), slaveId);
});
