import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { get, runningTask, startApp } from "./app";
import { census, docker, testImage } from "./docker";
import { eventually } from "./eventually";
import { TestStack } from "./stack";

// What is so only of a cluster on a network of its own, told in order; other files are run in both network modes. One app is on the host's
// network, one on Docker's bridge.

const ports = { zookeeper: 23181, mesosMaster: 26050, mesosSlave: 26051, marathon: 29080 };
const components = ["zookeeper", "mesos-master", "mesos-slave", "marathon"] as const;
const mesosUrl = `http://127.0.0.1:${ports.mesosMaster}`;
const marathonUrl = `http://127.0.0.1:${ports.marathon}`;
const gateway = "172.30.250.1";

// A health check of Marathon's comes from inside the network.
const answering = { mem: 64, healthChecks: [{ protocol: "HTTP", path: "/", portIndex: 0, gracePeriodSeconds: 60, intervalSeconds: 1 }] };
const apps = {
  "/on-host": { ...answering, cmd: "cd /usr && exec python3 -m http.server --bind $HOST $PORT0", ports: [0] },
  "/on-bridge": {
    ...answering,
    cmd: "cd /usr && exec python3 -m http.server 9000",
    container: { type: "DOCKER", docker: { image: testImage, network: "BRIDGE", portMappings: [{ containerPort: 9000, hostPort: 0 }] } },
  },
};
const ids = Object.keys(apps);

let stack: TestStack;
let strangers: Awaited<ReturnType<typeof census>>;

before(async () => {
  strangers = await census();
  stack = await TestStack.create("bridge", {
    "mesos-marathon:imageSet": "rehearsal",
    "mesos-marathon:networkMode": "bridge",
    ...Object.fromEntries(Object.entries(ports).map(([key, port]) => [`mesos-marathon:${key}Port`, port])),
    "mesos-marathon:mesosSlaveResources": "cpus:2;mem:1024;disk:1024;ports:[31600-31699]",
  });
});

after(() => stack?.remove());

test("what the cluster says of itself leads to it", async () => {
  await stack.up();
  const { cluster } = await stack.outputs();
  assert.equal((await get(`${cluster.marathon.url}/v2/info`)).elected, true);
  assert.equal((await fetch(`${cluster.slaves[0].url}/health`)).status, 200);
  const { location } = Object.fromEntries((await fetch(`${mesosUrl}/redirect`, { redirect: "manual" })).headers);
  assert.equal(location, `//127.0.0.1:${ports.mesosMaster}`);
});

test("apps on the host's network and on a bridge are healthy and answer where Marathon says", async () => {
  for (const [id, app] of Object.entries(apps)) {
    await startApp(marathonUrl, id, app);
    const task = await healthy(id);
    assert.equal(task.host, gateway);
    assert.equal((await fetch(`http://${task.host}:${task.ports[0]}/`)).status, 200);
  }
});

test("each container can be replaced, under its old address, and no task notices", async () => {
  const before = [await taskContainers(), await tasks()];
  for (const component of components) {
    const { Id, NetworkSettings } = await docker.getContainer(component).inspect();
    await stack.up("--replace", `**:Container::cluster-${component}`);
    const now = await docker.getContainer(component).inspect();
    assert.notEqual(now.Id, Id);
    assert.equal(Object.values(now.NetworkSettings.Networks)[0].IPAddress, Object.values(NetworkSettings.Networks)[0].IPAddress);
    await Promise.all(ids.map(healthy));
    assert.deepEqual([await taskContainers(), await tasks()], before, component);
  }
  assert.deepEqual(await stack.preview(), []);
});

test("a subnet that others have, or that the slave's kept state forbids, is refused before anything is touched", async () => {
  const before = await census();
  for (const [subnet, sentence] of [
    ["172.27.0.0/16", /172\.27\.0\.0\/16 \(mesos-marathon:bridgeSubnet\) overlaps 172\.27\.0\.0\/24 of the Docker network bridge: choose another/],
    ["127.0.0.0/24", /bridgeSubnet is "127\.0\.0\.0\/24": write a private IPv4 subnet/],
    ["172.30.251.0/24", /kept state forbids that mesos-marathon:bridgeSubnet changes from 172\.30\.250\.1 to 172\.30\.251\.1/],
  ] as const) {
    await stack.set("mesos-marathon:bridgeSubnet", subnet);
    await assert.rejects(stack.preview(), sentence);
    await assert.rejects(stack.up(), sentence);
  }
  await stack.set("mesos-marathon:bridgeSubnet", undefined);
  assert.deepEqual(await census(), before);
});

test("a second cluster is refused the first one's subnet, and comes up beside it on its own", async () => {
  const names = ["zookeeper", "mesosMaster", "mesosSlave", "marathon"].map((key, i) => [`mesos-marathon:${key}Name`, `beside-${components[i]}`]);
  const beside = await TestStack.create(
    "beside",
    {
      "mesos-marathon:imageSet": "rehearsal",
      "mesos-marathon:networkMode": "bridge",
      ...Object.fromEntries(names),
      "mesos-marathon:mesosSlaveResources": "cpus:1;mem:512;disk:512;ports:[31700-31799]",
    },
    { backend: stack },
  );
  const before = [await taskContainers(), await tasks()];
  try {
    const sentence = /172\.30\.250\.0\/24 \(mesos-marathon:bridgeSubnet\) overlaps 172\.30\.250\.0\/24 of the Docker network mesos-marathon-bridge-cluster-network: choose another/;
    await assert.rejects(beside.up(), sentence);
    await beside.set("mesos-marathon:bridgeSubnet", "10.83.1.64/28");
    await beside.set("mesos-marathon:onDestroy", "erase");
    await beside.up();
    const { marathonUrl: url } = await beside.outputs();
    assert.equal((await startApp(url, "/beside")).host, "10.83.1.65");
  } finally {
    await beside.run("destroy", "--yes", "--skip-preview");
  }
  assert.deepEqual([await taskContainers(), await tasks()], before);
});

test("in the other mode, by a destroy or as a new slave: apps and framework are the same ones", async () => {
  const { frameworkId } = await get(`${marathonUrl}/v2/info`);
  const goesOn = async (host: string) => {
    await stack.up();
    assert.equal((await get(`${marathonUrl}/v2/info`)).frameworkId, frameworkId);
    for (const id of ids) {
      assert.equal((await eventually(`${id} at ${host}`, async () => (await healthy(id)).host === host && healthy(id))).host, host);
    }
  };
  await stack.destroy();
  await stack.set("mesos-marathon:networkMode", "host");
  await goesOn("127.0.0.1");
  await stack.set("mesos-marathon:networkMode", "bridge");
  await assert.rejects(stack.up(), /kept state forbids that mesos-marathon:networkMode \(bridge\)/);
  await stack.set("mesos-marathon:mesosSlaveGeneration", 2);
  await goesOn(gateway);
});

test("under a host name that browsers use, the slave says that name, and health checks find it", async () => {
  // On its kept state no slave takes another.
  await stack.destroy();
  await stack.set("mesos-marathon:hostname", "cluster.test");
  await stack.set("mesos-marathon:onDestroy", "erase");
  await stack.up();
  const { slaves } = await get(`${mesosUrl}/master/slaves`);
  assert.deepEqual(slaves.map(({ hostname, active }: any) => ({ hostname, active })), [{ hostname: "cluster.test", active: true }]);
  assert.equal((await stack.outputs()).marathonUrl, `http://cluster.test:${ports.marathon}`);
  const { host } = await healthy("/on-bridge");
  assert.equal(host, "cluster.test");
  assert.deepEqual(await stack.preview(), []);
});

test("a destroy that erases leaves nothing at all", async () => {
  const { output } = await stack.destroy();
  assert.match(output, /framework \S+ torn down/);
  assert.deepEqual(await census(), strangers);
});

async function healthy(id: string): Promise<any> {
  await runningTask(marathonUrl, id);
  return eventually(`a healthy task of ${id}`, async () => {
    const { tasks } = await get(`${marathonUrl}/v2/apps${id}/tasks`);
    return tasks.find(({ healthCheckResults }: any) => healthCheckResults?.some(({ alive }: any) => alive));
  });
}

/** The apps' tasks by id; undefined for one that does not run. */
async function tasks(): Promise<(string | undefined)[]> {
  return Promise.all(
    ids.map(async (id) => (await get(`${marathonUrl}/v2/apps${id}/tasks`)).tasks.find(({ state }: any) => state === "TASK_RUNNING")?.id),
  );
}

/** The tasks' own containers, in the order in which they were made. */
async function taskContainers() {
  const running = await docker.listContainers();
  return running
    .filter(({ Names, Mounts }) => !Names[0].endsWith(".executor") && Mounts.some(({ Source }) => Source?.includes("bridge-cluster-mesos-slave-work/_data/slaves/")))
    .sort((a, b) => a.Created - b.Created || a.Id.localeCompare(b.Id))
    .map(({ Id, Created }) => ({ Id, Created }));
}
