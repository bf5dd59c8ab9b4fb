import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { get, startApp } from "./app";
import { docker, plant, standing, volumeNames } from "./docker";
import { eventually } from "./eventually";
import { projectFolder, TestStack } from "./stack";
import { makeTutorialImages } from "./tutorial-images";

// The tutorial's cluster, with its names, ports and variables, and its gates' dialect. The images themselves are
// stand-ins under the tutorial's names, in the tests' own Docker Engine only.

let stack: TestStack;

before(async () => {
  await makeTutorialImages();
  stack = await TestStack.create("tutorial", {});
});

after(() => stack.remove());

test("with nothing configured, up brings up the tutorial's cluster, whose gates ask as Mesos 0.23 answers", async () => {
  // What the host is like does not matter to stand-ins: a cgroup version that the real slave refuses, for one.
  await stack.up("--config", "mesos-marathon:preflight=false");

  const names = ["marathon", "mesos-master", "mesos-slave", "zookeeper"];
  assert.deepEqual((await standing((name) => names.includes(name))).map(({ name, running }) => ({ name, running })), names.map((name) => ({ name, running: true })));
  const state = await get("http://127.0.0.1:5050/master/state.json");
  assert.equal(state.version, "0.23.0");
  assert.deepEqual(state.slaves.map(({ active }: any) => active), [true]);
  assert.deepEqual(state.frameworks.map(({ name, active }: any) => ({ name, active })), [{ name: "marathon", active: true }]);
  assert.equal((await fetch("http://127.0.0.1:8080/ping")).status, 200);
});

test("each container has what the tutorial's docker run gives it, and the additions", async () => {
  const workDir = (await docker.getVolume("mesos-marathon-tutorial-cluster-mesos-slave-work").inspect()).Mountpoint;
  const expected = {
    zookeeper: { env: ["MYID=1", "SERVERS=127.0.0.1"], privileged: false, binds: [`mesos-marathon-tutorial-cluster-zookeeper-data:/tmp/zookeeper:rw`] },
    "mesos-master": {
      env: ["MESOS_HOSTNAME=127.0.0.1", "MESOS_IP=127.0.0.1", "MESOS_QUORUM=1", "MESOS_ZK=zk://127.0.0.1:2181/mesos"],
      privileged: false,
      binds: ["mesos-marathon-tutorial-cluster-mesos-master-data:/tmp/mesos:rw"],
    },
    "mesos-slave": {
      env: [
        "MESOS_HOSTNAME=127.0.0.1",
        "MESOS_IP=127.0.0.1",
        "MESOS_MASTER=zk://127.0.0.1:2181/mesos",
        "MESOS_RESOURCES=cpus:2;mem:2048;disk:10240;ports:[31000-32000]",
        `MESOS_WORK_DIR=${workDir}`,
      ],
      privileged: true,
      binds: [
        "/sys/fs/cgroup:/sys/fs/cgroup:rw",
        `${process.env.TEST_DOCKER_HOST?.replace("unix://", "")}:/var/run/docker.sock:rw`,
        `mesos-marathon-tutorial-cluster-mesos-slave-work:${workDir}:rw`,
      ],
    },
    marathon: {
      env: [
        "LIBPROCESS_IP=127.0.0.1",
        "MARATHON_HOSTNAME=127.0.0.1",
        "MARATHON_HTTPS_ADDRESS=127.0.0.1",
        "MARATHON_HTTP_ADDRESS=127.0.0.1",
        "MARATHON_MASTER=zk://127.0.0.1:2181/mesos",
        "MARATHON_ZK=zk://127.0.0.1:2181/marathon",
      ],
      privileged: false,
      binds: [],
    },
  };
  for (const [name, { env, privileged, binds }] of Object.entries(expected)) {
    const { Config, HostConfig } = await docker.getContainer(name).inspect();
    const image = await docker.getImage(Config.Image).inspect();
    assert.deepEqual(Config.Env.filter((variable) => !image.Config.Env.includes(variable)).sort(), env, name);
    assert.equal(HostConfig.NetworkMode, "host", name);
    assert.equal(HostConfig.RestartPolicy?.Name, "always", name);
    assert.equal(HostConfig.Privileged, privileged, name);
    assert.deepEqual([...(HostConfig.Binds ?? [])].sort(), binds.sort(), name);
    assert.equal(Config.Labels["mesos-marathon.stack"], "tutorial", name);
    const { StopTimeout, StopSignal = "SIGTERM" } = Config as { StopTimeout?: number; StopSignal?: string };
    assert.deepEqual([StopTimeout, StopSignal], [30, "SIGTERM"], name);
    // The docker plugin tells a changed health check and does not change it; readiness is the gates'.
    assert.equal(Config.Healthcheck, undefined, name);
    assert.deepEqual(HostConfig.LogConfig, { Type: "json-file", Config: { "max-file": "3", "max-size": "10m" } }, name);
  }
});

test("a slave that starts again removes its own left-overs, and spares mesos-master, mesos-slave and another slave's tasks", async () => {
  const slaves = async () => (await get("http://127.0.0.1:5050/master/state.json")).slaves;
  const [{ id }] = await slaves();
  const uuid = "01234567-89ab-cdef-0123-456789abcdef";
  const leftOver = await plant(`mesos-${id}.${uuid}`);
  const foreign = [await plant(`mesos-${uuid}`), await plant(`mesos-20150811-101122-16777343-5050-1-S0.${uuid}`)];
  try {
    const others = (name: string) => name !== "mesos-slave" && !name.startsWith(`mesos-${id}`);
    const before = await standing(others);
    const slave = docker.getContainer("mesos-slave");
    const since = (await slave.inspect()).State.StartedAt;
    await slave.restart();
    await eventually("the removal of what it left over", () => leftOver.inspect().then(() => false, () => true));
    await eventually("the slave, with the id that it had", async () => (await slaves()).some((one: any) => one.id === id && one.active));
    assert.notEqual((await slave.inspect()).State.StartedAt, since);
    assert.deepEqual(await standing(others), before);
  } finally {
    for (const container of foreign) {
      await container.remove({ force: true });
    }
  }
});

test("in the tutorial's dialect, too, a destroy that is to erase deletes apps, framework and volumes", async () => {
  const marathon = "http://127.0.0.1:8080";
  await startApp(marathon, "/web");
  const { frameworkId } = await get(`${marathon}/v2/info`);
  await stack.set("mesos-marathon:onDestroy", "erase");
  await stack.up();
  const { output } = await stack.destroy();
  for (const sentence of ["apps deleted: /web", `framework ${frameworkId} torn down`, "mesos-slave has left"]) {
    assert.ok(output.includes(sentence), output);
  }
  assert.deepEqual((await volumeNames()).filter((name) => name.startsWith("mesos-marathon-tutorial-")), []);
});

test("stop says that the tasks of these images are started afresh, and stops all four containers", async () => {
  await stack.up();
  const { stderr } = await promisify(execFile)(process.execPath, [join(projectFolder, "setup", "stop.mjs"), "--stack", "tutorial"]);
  assert.match(stderr, /The executors of its tasks ran in the slave's container and have ended\. .* Marathon starts the tasks afresh when it is back\./);
  const names = ["marathon", "mesos-master", "mesos-slave", "zookeeper"];
  assert.deepEqual((await standing((name) => names.includes(name))).map(({ name, running }) => ({ name, running })), names.map((name) => ({ name, running: false })));
});
