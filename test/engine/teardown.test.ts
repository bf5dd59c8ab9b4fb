import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import { get, runningTask, startApp } from "./app";
import { census, docker, plant, plantLookAlikes, removeVolumes, standing } from "./docker";
import { eventually } from "./eventually";
import { TestStack } from "./stack";

// One cluster that is destroyed again and again, told in order: each test goes on where the one before it ended.

const ports = { zookeeperPort: 23181, mesosMasterPort: 26050, mesosSlavePort: 26051, marathonPort: 29080 };
const names = { zookeeperName: "end-zookeeper", mesosMasterName: "end-master", mesosSlaveName: "end-slave", marathonName: "end-marathon" };
const master = `http://127.0.0.1:${ports.mesosMasterPort}`;
const marathon = `http://127.0.0.1:${ports.marathonPort}`;
const onDestroy = "mesos-marathon:onDestroy";
const volumes = ["mesos-master-data", "mesos-slave-work", "zookeeper-data", "zookeeper-datalog"].map((suffix) => `mesos-marathon-end-cluster-${suffix}`);
const foreignVolumes = ["end-cluster-zookeeper-data", "mesos-marathon-ending-cluster-zookeeper-data"];

let stack: TestStack;
let strangers: Awaited<ReturnType<typeof census>>;

before(async () => {
  await plantLookAlikes(["end-marathon-2"], foreignVolumes);
  strangers = await census();
  stack = await TestStack.create("end", {
    "mesos-marathon:imageSet": "rehearsal",
    ...Object.fromEntries(Object.entries({ ...ports, ...names }).map(([key, value]) => [`mesos-marathon:${key}`, value])),
    "mesos-marathon:mesosSlaveResources": "cpus:2;mem:1024;disk:1024;ports:[31700-31799]",
  });
});

after(() => stack?.remove());

test("a destroy that was not told otherwise ends the tasks and keeps apps, framework and data, and says so", async () => {
  await stack.up();
  await startApp(marathon, "/web");
  // Setting it is not enough: a destroy does what the last up applied.
  await stack.set(onDestroy, "erase");
  const frameworkId = await activeFramework();
  const { output } = await stack.destroy();
  said(output, "kept: Marathon's apps and its framework", "end-slave has left; 2 task containers removed", `kept, with the data of the cluster: volumes ${volumes.join(", ")}`, "onDestroy was keep at the last up");
  assert.deepEqual(await census(), { ...strangers, volumes: [...strangers.volumes, ...volumes].sort() });

  await stack.set(onDestroy, "keep");
  await stack.up();
  assert.equal(await activeFramework(), frameworkId);
  await runningTask(marathon, "/web");
});

test("a teardown runs at destroy and never else: not where any resource is replaced", async () => {
  const before = await tasks();
  const frameworkId = await activeFramework();
  // Volumes with data here, where they are kept.
  await replace((urn) => /pulumi:providers:|Volume::cluster-.*-(data|datalog|work)$/.test(urn));
  assert.deepEqual(await tasks(), before);
  assert.equal(await activeFramework(), frameworkId);
});

test("onDestroy can be changed under a running cluster: the teardowns are told, nothing else happens", async () => {
  const before = await standing();
  await stack.set(onDestroy, "erase");
  assert.deepEqual(await stack.preview(), [
    "update cluster-mesos-slave-teardown: environment.ON_DESTROY",
    "update cluster-marathon-teardown: environment.ON_DESTROY",
  ]);
  const { output } = await stack.up();
  assert.match(output, /mesos-marathon:onDestroy is erase: the next destroy deletes every app/);
  assert.deepEqual(await standing(), before);
  assert.deepEqual(await stack.preview(), []);
});

test("nor does a teardown that would erase run at any replacement", async () => {
  const before = await tasks();
  const frameworkId = await activeFramework();
  said(await replace((urn) => urn.includes("command:local:Command::")), "end-slave stays: its teardown was replaced", "end-marathon stays: its teardown was replaced");
  await replace((urn) => /Container::|RemoteImage::|-interlock$/.test(urn));
  assert.deepEqual(await tasks(), before);
  assert.equal(await activeFramework(), frameworkId);
});

test("ZooKeeper's data lost under a living cluster is told: what still runs, and the ways out", async () => {
  const lost = await activeFramework();
  const before = await tasks();
  await docker.getContainer(names.zookeeperName).remove({ force: true });
  await removeVolumes(volumes.filter((name) => name.includes("zookeeper")));
  const { output } = await stack.up();
  said(output, `and has forgotten the apps of ${lost}.`, "Tasks of that one run on", `curl -X POST -d frameworkId=${lost} ${master}/master/teardown`);
  assert.notEqual(await activeFramework(), lost);
  assert.deepEqual(await tasks(), before);
});

test("to be erased: apps deleted, every framework of this Marathon torn down, volumes removed; nothing else is touched", async () => {
  await startApp(marathon, "/two");
  const { frameworks } = await get(`${master}/master/frameworks`);
  assert.equal(frameworks.length, 2);
  const { output } = await stack.destroy();
  said(output, "apps deleted: /two", ...frameworks.map(({ id }: any) => `framework ${id} torn down`), "end-slave has left", `erased, as soon as their containers are gone: volumes ${volumes.join(", ")}`);
  assert.deepEqual(await census(), strangers);
});

const alone = {
  marathonName: ({ frameworkId }: Dead) => [`its apps were not deleted: ${names.marathonName} is exited`, `framework ${frameworkId} torn down`, `${names.mesosSlaveName} has left`],
  mesosMasterName: () => ["its apps were not deleted: ", `no framework was torn down: ${names.mesosMasterName} is exited`, `${names.mesosSlaveName} has left`],
};
interface Dead {
  readonly frameworkId: string;
}

for (const [dead, told] of Object.entries(alone)) {
  test(`${names[dead as keyof typeof alone]} dead alone: a destroy that is to erase does the rest, says what it could not do, and leaves no task`, async () => {
    await stack.up();
    await startApp(marathon, "/web");
    const frameworkId = await activeFramework();
    assert.notDeepEqual(await tasks(), []);
    const container = docker.getContainer(names[dead as keyof typeof alone]);
    await container.update({ RestartPolicy: { Name: "no" } });
    await container.kill();
    const { output } = await stack.destroy();
    said(output, ...told({ frameworkId }), `erased, as soon as their containers are gone: volumes ${volumes.join(", ")}`);
    assert.deepEqual(await census(), strangers);
  });
}

test("a framework torn down under its apps: up explains it, and a destroy erases even a cluster of which nothing answers", async () => {
  await stack.set(onDestroy, "keep");
  await stack.up();
  assert.deepEqual((await get(`${marathon}/v2/apps`)).apps, []);
  await startApp(marathon, "/web");
  const frameworkId = await activeFramework();
  await fetch(`${master}/master/teardown`, { method: "POST", body: new URLSearchParams({ frameworkId }) });
  await docker.getContainer(names.marathonName).stop();
  await stack.set(onDestroy, "erase");
  const failed = await stack.run("up", "--yes", "--skip-preview");
  assert.notEqual(failed.code, 0);
  said(failed.output, "exit code 110: its framework was torn down at the master");

  // And worse: all have been killed, and of the slave there is nothing but a task that it left behind.
  const { Mountpoint } = await docker.getVolume("mesos-marathon-end-cluster-mesos-slave-work").inspect();
  const orphan = await plant(`mesos-${randomUUID()}`, {
    Entrypoint: ["sh", "-c", "trap exit TERM; sleep 3600 & wait"],
    Cmd: [],
    HostConfig: { Binds: [`${Mountpoint}/slaves/S0/frameworks/F0:/mnt/mesos/sandbox`], NetworkMode: "none" },
  });
  assert.ok((await tasks()).includes(orphan.id));
  await docker.getContainer(names.mesosSlaveName).remove({ force: true });
  for (const name of [names.marathonName, names.mesosMasterName, names.zookeeperName]) {
    await docker.getContainer(name).stop({ t: 0 });
  }
  const { output } = await stack.destroy();
  said(
    output,
    `its apps were not deleted: ${names.marathonName} is exited`,
    `no framework was torn down: ${names.mesosMasterName} is exited`,
    `${names.mesosSlaveName} does not exist any more`,
  );
  assert.deepEqual(await census(), strangers);
});

function said(output: string, ...sentences: string[]) {
  for (const sentence of sentences) {
    assert.ok(output.includes(sentence), `${sentence}\nis not in\n${output}`);
  }
}

/** The framework that Marathon says it is, once it is the master's active one. */
function activeFramework(): Promise<string> {
  return eventually("an active framework", async () => {
    const { frameworkId } = await get(`${marathon}/v2/info`);
    const { frameworks } = await get(`${master}/master/frameworks`);
    return frameworks.some(({ id, active }: any) => id === frameworkId && active) && frameworkId;
  });
}

/** The containers that run for the slave's tasks. */
async function tasks() {
  const listed = await docker.listContainers();
  const ours = listed.filter(({ Mounts }) => Mounts.some(({ Source }) => Source?.includes("-end-cluster-mesos-slave-work/_data/slaves/")));
  return ours.map(({ Id }) => Id).sort();
}

/** Replaces these resources, and sees that no teardown ran. */
async function replace(chosen: (urn: string) => boolean) {
  const urns = (await stack.resources()).map(({ urn }) => urn as string).filter(chosen);
  assert.ok(urns.length > 1, urns.join(" "));
  const { output } = await stack.up(...urns.flatMap((urn) => ["--replace", urn]));
  for (const word of ["has left", "apps deleted", "torn down", "kept:", "kept, "]) {
    assert.ok(!output.includes(word), output);
  }
  return output;
}
