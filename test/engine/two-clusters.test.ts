import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";

import { get, startApp, web } from "./app";
import { docker, volumeNames } from "./docker";
import { eventually } from "./eventually";
import { projectFolder, type Run, TestStack } from "./stack";

// Two clusters on one Docker Engine: whatever is done to one leaves the other as it is, its tasks included. The name of
// one stack begins with the other's, as the names of its volumes do.

const components = ["zookeeper", "mesos-master", "mesos-slave", "marathon"];

class TestCluster {
  stack!: TestStack;

  constructor(readonly name: string, private readonly firstPort: number, private readonly subnet: string, readonly resources: string) {}

  get marathonUrl(): string {
    return `http://127.0.0.1:${this.firstPort + 3}`;
  }

  get mesosUrl(): string {
    return `http://127.0.0.1:${this.firstPort + 1}`;
  }

  get config(): Record<string, string | number> {
    const keys = ["zookeeper", "mesosMaster", "mesosSlave", "marathon"];
    return {
      "mesos-marathon:imageSet": "rehearsal",
      ...Object.fromEntries(keys.map((key, i) => [`mesos-marathon:${key}Name`, this.container(components[i])])),
      ...Object.fromEntries(keys.map((key, i) => [`mesos-marathon:${key}Port`, this.firstPort + i])),
      "mesos-marathon:bridgeSubnet": this.subnet,
      "mesos-marathon:mesosSlaveResources": this.resources,
    };
  }

  container(component: string): string {
    return `${this.name}-${component}`;
  }

  /** Starts an app that answers on a port of its own. */
  async deploy(id: string): Promise<void> {
    await startApp(this.marathonUrl, id, web);
    await this.answers();
  }

  /** Waits until the cluster has a task and it answers. */
  async answers(): Promise<void> {
    await eventually(`an answer of ${this.name}'s task`, async () => {
      const [task] = (await get(`${this.marathonUrl}/v2/tasks`)).tasks;
      return (await fetch(`http://${task.host}:${task.ports[0]}/`)).ok;
    });
  }

  /** All there is of it: a container that was started again and another task are not equal to what they were. */
  async census() {
    const work = `/mesos-marathon-${this.name}-cluster-mesos-slave-work/`;
    const listed = await docker.listContainers({ all: true });
    const own = listed.filter(({ Labels, Mounts }) => Labels["mesos-marathon.stack"] === this.name || Mounts.some(({ Source }) => Source?.includes(work)));
    const containers = await Promise.all(own.map(({ Id }) => docker.getContainer(Id).inspect()));
    const { Volumes } = await docker.listVolumes({ filters: { label: [`mesos-marathon.stack=${this.name}`] } });
    const [slaves, { frameworkId }, tasks] = await Promise.all([get(`${this.mesosUrl}/master/slaves`), get(`${this.marathonUrl}/v2/info`), get(`${this.marathonUrl}/v2/tasks`)]);
    return {
      containers: containers.map(({ Id, Name, State }) => [Name, Id, State.StartedAt, State.Running]).sort(),
      // One that was made anew would have lost the ids below.
      volumes: Volumes.map(({ Name }) => Name).sort(),
      slaves: slaves.slaves.map(({ id, active }: any) => [id, active]),
      frameworkId,
      tasks: tasks.tasks.map(({ id, state, ports }: any) => [id, state, ports]),
    };
  }
}

const left = new TestCluster("pair", 27180, "172.30.250.0/24", "cpus:1;mem:512;disk:512;ports:[30100-30149]");
const right = new TestCluster("pair-cluster", 27280, "172.30.251.0/24", "cpus:1;mem:512;disk:512;ports:[30150-30199]");


/** Runs an npm script of the project's, as npm does. */
function script(name: "logs" | "stop", ...args: string[]): Promise<Run> {
  return new Promise((resolve) =>
    execFile(process.execPath, [join(projectFolder, "setup", `${name}.mjs`), ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: `${stdout}${stderr}`, stdout }),
    ),
  );
}

/** Does something to one cluster and expects all of the other one to stay as it is. */
async function beside<T>(other: TestCluster, work: () => Promise<T>): Promise<T> {
  const before = await other.census();
  assert.equal(before.tasks.length, 1);
  const result = await work();
  assert.deepEqual(await other.census(), before);
  return result;
}

before(async () => {
  left.stack = await TestStack.create(left.name, left.config);
  right.stack = await TestStack.create(right.name, { ...right.config, "mesos-marathon:mesosSlaveResources": left.resources }, { backend: left.stack });
});

after(() => left.stack?.remove());

test("a second cluster whose tasks would get the first one's ports is refused before anything is made", async () => {
  await left.stack.up();
  await left.deploy("/consumer");
  const { code, output } = await beside(left, () => right.stack.run("up", "--yes", "--skip-preview"));
  assert.notEqual(code, 0);
  assert.match(output, /the ports 30100-30149 are offered to tasks by the Mesos slave pair-mesos-slave of stack pair, and by this stack's \(mesos-marathon:mesosSlaveResources\)/);
  assert.deepEqual(await right.stack.resources().then((resources) => resources.filter(({ type }) => type.startsWith("docker:"))), []);
});

test("a second cluster comes up beside the first, and neither is warned of the other", async () => {
  await right.stack.set("mesos-marathon:mesosSlaveResources", right.resources);
  const { output } = await beside(left, () => right.stack.up());
  await right.deploy("/web");
  for (const text of [output, (await beside(right, () => left.stack.up("--expect-no-changes"))).output]) {
    assert.doesNotMatch(text, /^ *warning:/m);
  }
});

test("up, refresh and a slave that starts on kept state leave the other cluster alone, in both directions", async () => {
  for (const [one, other] of [[left, right], [right, left]]) {
    await beside(other, () => one.stack.mustRun("refresh", "--yes", "--skip-preview", "--expect-no-changes"));
    const before = await one.census();
    await one.stack.set("mesos-marathon:mesosSlaveAttributes", "rack:1");
    const { output } = await beside(other, () => one.stack.up());
    assert.match(output, /cluster-mesos-slave.* replaced/);
    const { slaves, tasks } = await one.census();
    assert.deepEqual([slaves, tasks], [before.slaves, before.tasks]);
  }
});

test("a container can be replaced on request, which takes an image that moved behind its name, and the tasks go on", async () => {
  const name = right.container("marathon");
  const image = docker.getImage("mesos-marathon/stand-in-marathon:1.11.0");
  const [{ tasks }, { Id }, container] = await Promise.all([right.census(), image.inspect(), docker.getContainer(name).inspect()]);
  // Another image of the same name, as a pull brings it.
  const source = await docker.createContainer({ Image: Id });
  await source.commit({ repo: "mesos-marathon/stand-in-marathon", tag: "1.11.0", comment: "moved" });
  await source.remove();
  const movedImage = (await image.inspect()).Id;
  try {
    assert.deepEqual(await right.stack.preview(), []);
    await beside(left, () => right.stack.up("--replace", "**:Container::cluster-marathon"));
    const now = await docker.getContainer(name).inspect();
    assert.notEqual(now.Id, container.Id);
    assert.deepEqual([container.Image, now.Image], [Id, movedImage]);
    assert.deepEqual((await right.census()).tasks, tasks);
  } finally {
    await docker.getImage(Id).tag({ repo: "mesos-marathon/stand-in-marathon", tag: "1.11.0" });
  }
});

test("another stack does not take over an app that it did not make", async () => {
  const consumer = await TestStack.create(
    "consumer",
    { "mesos-marathon-consumer:clusterStack": "organization/mesos-marathon/pair" },
    { project: `${projectFolder}/examples/consumer`, backend: left.stack },
  );
  const { code, output } = await beside(left, () => consumer.run("up", "--yes", "--skip-preview"));
  assert.notEqual(code, 0);
  assert.match(output, /\/consumer: there is an app of that id on http:\/\/127\.0\.0\.1:27183 already, which no stack made: choose another id, or remove that app/);
  await beside(left, () => consumer.destroy());
});

test("the logs of one cluster's containers are shown by component", async () => {
  const all = await script("logs", "--stack", right.name);
  assert.equal(all.code, 0, all.output);
  for (const component of components) {
    assert.match(all.output, new RegExp(`^${component.padEnd("mesos-master".length)} \\| .*\\S`, "m"));
  }
  const one = await script("logs", "mesos-slave", "--stack", right.name, "--tail", "1");
  assert.match(one.output, /^.* stand-in\] .*\n$/);

  const { code, output } = await script("logs");
  assert.equal(code, 1);
  assert.match(output, /^There are containers of the stacks pair and pair-cluster: add -- --stack NAME\.$/m);
  assert.match((await script("logs", "mesos")).output, /There is no component mesos\. There are: zookeeper, mesos-master, mesos-slave, marathon\./);
});

test("logs can be followed", async () => {
  const followed = spawn(process.execPath, [join(projectFolder, "setup", "logs.mjs"), "mesos-slave", "--stack", right.name, "--follow", "--tail", "1"], { stdio: ["ignore", "pipe", "pipe"] });
  try {
    let lines = 0;
    for (const stream of [followed.stdout, followed.stderr]) {
      createInterface({ input: stream }).on("line", () => lines++);
    }
    await eventually("the last line", async () => lines > 0);
    const seen = lines;
    await fetch(`${right.marathonUrl}/v2/apps/web/restart`, { method: "POST" });
    await eventually("more lines", async () => lines > seen);
  } finally {
    followed.kill();
    await once(followed, "close");
  }
  // The restart is part of what the next test finds: its deployment is over before the old task's executor has ended.
  await eventually("the end of the restart", async () => (await get(`${right.marathonUrl}/v2/deployments`)).length === 0);
  await right.answers();
  await eventually("one task and its executor alone", async () => {
    const { containers } = await right.census();
    return containers.filter(([name, , , runs]) => /^\/mesos-/.test(String(name)) && runs).length === 2;
  });
});

test("stop ends one cluster's containers in order and leaves its tasks; up starts it again with all ids and tasks", async () => {
  const before = await right.census();
  const { code, output } = await beside(left, () => script("stop", "--stack", right.name));
  assert.equal(code, 0, output);
  assert.match(output, /The stack pair-cluster is stopped; data, ids and containers are kept\. Tasks run on for 15 minutes/);

  const states = await Promise.all([...components].reverse().map(async (component) => (await docker.getContainer(right.container(component)).inspect()).State));
  const ends = states.map(({ FinishedAt }) => FinishedAt);
  assert.deepEqual(states.map(({ Status }) => Status), ["exited", "exited", "exited", "exited"]);
  // Nobody had to be killed.
  assert.deepEqual(states.filter(({ ExitCode }) => ExitCode === 137), []);
  assert.deepEqual(ends, [...ends].sort());
  assert.match((await script("logs", "--stack", right.name, "--tail", "1")).output, /^pair-cluster-marathon does not run: Exited/m);
  const tasks = before.containers.filter(([name]) => /^\/mesos-/.test(String(name)));
  for (const [name, , startedAt] of tasks.filter((task) => task[3])) {
    const { State } = await docker.getContainer(String(name).slice(1)).inspect();
    assert.deepEqual([State.Running, State.StartedAt], [true, startedAt], String(name));
  }

  await beside(left, () => right.stack.up());
  const after = await right.census();
  assert.deepEqual(after.containers.filter(([name]) => /^\/mesos-/.test(String(name))), tasks);
  assert.deepEqual(after.containers.map(([name, id]) => [name, id]), before.containers.map(([name, id]) => [name, id]));
  assert.deepEqual({ ...after, containers: [] }, { ...before, containers: [] });
  assert.deepEqual(await right.stack.preview(), []);
});

test("destroy and the up after it leave the other cluster alone, in both directions", async () => {
  await beside(left, () => right.stack.destroy());
  assert.match((await script("stop", "--stack", right.name)).output, /There are no containers of the stack pair-cluster here\. There are containers of the stack pair: add -- --stack NAME\./);
  await beside(left, () => right.stack.up());
  await right.answers();
  // The other one not only goes, but erases its app, its framework and its volumes.
  await left.stack.set("mesos-marathon:onDestroy", "erase");
  await beside(right, () => left.stack.up());
  const { output } = await beside(right, () => left.stack.destroy());
  assert.match(output, /apps deleted: \/consumer/);
  const volumes = (await volumeNames()).filter((name) => name.startsWith("mesos-marathon-pair-"));
  assert.deepEqual(volumes.filter((name) => !name.startsWith("mesos-marathon-pair-cluster-cluster-")), []);
  assert.ok(volumes.length >= 4, String(volumes));
});
