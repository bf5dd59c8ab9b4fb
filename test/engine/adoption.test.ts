import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { get, runningTask, startApp } from "./app";
import { docker, standing, testImage, volumeNames } from "./docker";
import { eventually } from "./eventually";
import { dockerHost, projectFolder, TestStack } from "./stack";
import { makeTutorialImages } from "./tutorial-images";

// A cluster started by hand with the tutorial's lines, at an address that is not the stack's default, is taken over.

const address = "127.0.0.9";
/** ZooKeeper has no use for it: it stands for any credential. */
const token = "hidden-word";
const names = ["marathon", "mesos-master", "mesos-slave", "zookeeper"];
const always = ["--net=host", "--restart=always"];
const listens = ["-e", `MESOS_HOSTNAME=${address}`, "-e", `MESOS_IP=${address}`];
const lines = [
  ["-e", "MYID=1", "-e", `SERVERS=${address}`, "-e", `AUDIT_TOKEN=${token}`, "--name=zookeeper", ...always, "mesoscloud/zookeeper:3.4.6-ubuntu-14.04"],
  [...listens, "-e", "MESOS_QUORUM=1", "-e", `MESOS_ZK=zk://${address}:2181/mesos`, "--name=mesos-master", ...always, "mesoscloud/mesos-master:0.23.0-ubuntu-14.04"],
  [
    ...[...listens, "-e", `MESOS_MASTER=zk://${address}:2181/mesos`, "-v", "/sys/fs/cgroup:/sys/fs/cgroup"],
    ...["-v", `${dockerHost().slice("unix://".length)}:/var/run/docker.sock`, "--name=mesos-slave", "--privileged", ...always, "mesoscloud/mesos-slave:0.23.0-ubuntu-14.04"],
  ],
  [
    ...["HOSTNAME", "HTTPS_ADDRESS", "HTTP_ADDRESS"].flatMap((name) => ["-e", `MARATHON_${name}=${address}`]),
    ...["-e", `MARATHON_MASTER=zk://${address}:2181/mesos`, "-e", `MARATHON_ZK=zk://${address}:2181/marathon`, "--name=marathon", ...always, "mesoscloud/marathon:0.10.1-ubuntu-14.04"],
  ],
];
const marathonUrl = `http://${address}:8080`;
const masterState = () => get(`http://${address}:5050/master/state.json`);
const cluster = () => standing((name) => names.includes(name));

let folder: string;
let stack: TestStack;
let made: Awaited<ReturnType<typeof standing>>;
let anonymous: string[];
let known: { framework: string; slave: string; task: string };

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mesos-marathon-adoption-"));
  const clone = join(folder, "clone");
  const left = ["node_modules", ".local", ".git", "dist"];
  await cp(projectFolder, clone, { recursive: true, filter: (source) => !left.includes(basename(source)) });
  await symlink(join(projectFolder, "node_modules"), join(clone, "node_modules"));
  // The tutorial's images; what they need of the host does not matter to stand-ins.
  await writeFile(join(folder, "images.json"), JSON.stringify({ like: "tutorial", needs: {} }));
  await makeTutorialImages();
  stack = await TestStack.create(
    "adopted",
    { "mesos-marathon:networkMode": "host", "mesos-marathon:imageSet": "custom", "mesos-marathon:customImageSet": join(folder, "images.json") },
    { project: clone },
  );

  for (const line of lines) {
    await promisify(execFile)("docker", ["run", "-d", ...line], { env: { ...process.env, DOCKER_HOST: dockerHost() } });
  }
  await eventually("the cluster", async () => {
    const { slaves, frameworks } = await masterState();
    return slaves.some(({ active }: any) => active) && frameworks.some(({ active }: any) => active);
  });
  const { id: task } = await startApp(marathonUrl, "/sleep");
  const { slaves: [{ id: slave }], frameworks: [{ id: framework }] } = await masterState();
  known = { framework, slave, task };
  made = await cluster();
  anonymous = (await volumeNames()).filter((name) => /^[0-9a-f]{64}$/.test(name));
  assert.equal(anonymous.length, 3);
});

after(async () => {
  await stack?.remove();
  await rm(folder, { recursive: true, force: true });
  // What the slave's tasks were given as sandboxes, at its work directory's path on this host.
  await rm(`/tmp/mesos/slaves/${known?.slave}`, { recursive: true, force: true });
});

test("what does not fit is told with what to set, and nothing is adopted", async () => {
  const { code, output } = await stack.npmRun("adopt", "--yes");
  assert.notEqual(code, 0);
  assert.match(output, new RegExp(`- mesos-master has MESOS_IP=${address}, and the stack would set 127\\.0\\.0\\.1: pulumi config set address ${address}`));
  assert.match(output, /- zookeeper has AUDIT_TOKEN, which the stack does not set: pulumi config set --secret --path 'zookeeperEnvironment\.AUDIT_TOKEN'/);
  assert.ok(!output.includes(token), output);
  assert.deepEqual(await stack.resources(), []);
  assert.deepEqual(await cluster(), made);
});

test("it is adopted as it runs, after it was told what that means", async () => {
  await stack.set("mesos-marathon:address", address);
  await stack.mustRun("config", "set", "--secret", "--path", "zookeeperEnvironment.AUDIT_TOKEN", token);
  const { code, output } = await stack.npmRun("adopt", "--yes");
  assert.equal(code, 0, output);
  assert.ok(![output, (await stack.mustRun("stack", "export")).stdout].some((text) => text.includes(token)));
  for (const { id, name } of made) {
    assert.match(output, new RegExp(`^  ${name} \\(${id.slice(0, 12)}, mesoscloud/.+, runs since .+\\) as ${name}$`, "m"));
  }
  assert.match(output, /^ {2}mesos-slave: labels, MESOS_RESOURCES=.*, its work directory in a volume of its own, a limit to its log, 30 s to stop$/m);
  assert.deepEqual(await cluster(), made);

  const again = await stack.npmRun("adopt", "--yes");
  assert.match(again.output, /The stack adopted has 4 resources already/);
});

test("the preview tells what the first up replaces, and that the data is carried over", async () => {
  const { steps, warnings } = await stack.wholePreview();
  const told = steps.map((step) => step.split(":")[0]).sort();
  const creations = names.flatMap((name) => [`${name}-adoption`, `${name}-image`, `${name}-ready`]);
  const more = ["zookeeper-data", "mesos-master-data", "mesos-slave-work", ...["mesos-slave", "marathon"].flatMap((name) => [`${name}-teardown`, `${name}-interlock`])];
  assert.deepEqual(told, [...[...creations, ...more].map((name) => `create cluster-${name}`), ...names.map((name) => `replace cluster-${name}`)].sort());
  const interruptions = warnings.flatMap((text) => /^the container (\S+), which was started by hand, is replaced: (.*)$/.exec(text)?.slice(1, 3).join(": ") ?? []);
  assert.equal(interruptions.length, 4);
  assert.ok(interruptions.includes("mesos-slave: all of its tasks are lost, and Marathon launches them anew"));
  assert.ok(!warnings.some((text) => text.includes("tasks of another Mesos slave")), String(warnings));
  assert.deepEqual(await cluster(), made);
  await stack.set("mesos-marathon:preflight", false);
  await assert.rejects(stack.preview(), /mesos-marathon:preflight is false, and it is preflight that looks at the adopted containers/);
  await stack.set("mesos-marathon:preflight", undefined);
});

test("the first up carries the data over: framework, app and registry are there, and the app runs on the new slave", async () => {
  await stack.up();
  const now = await cluster();
  assert.deepEqual(now.map(({ name, running }) => ({ name, running })), names.map((name) => ({ name, running: true })));
  assert.deepEqual(now.filter(({ id }) => made.some((container) => container.id === id)), []);
  assert.equal((await get(`${marathonUrl}/v2/info`)).frameworkId, known.framework);
  // Marathon lists the task that it had until its master has told it that it is lost.
  const { slaveId } = await eventually("another task", async () => {
    const task = await runningTask(marathonUrl, "/sleep");
    return task.id !== known.task && task;
  });
  const { slaves } = await masterState();
  const active = slaves.filter(({ active }: any) => active).map(({ id }: any) => id);
  assert.deepEqual([active.length, active.includes(known.slave)], [1, false]);
  assert.ok(slaveId === undefined || slaveId === active[0]);
  const sandboxes = (await docker.listContainers({ all: true })).flatMap(({ Mounts }) => Mounts.map(({ Source }) => Source ?? ""));
  assert.deepEqual(sandboxes.filter((source) => source.includes(`/slaves/${known.slave}/`)), []);
  assert.deepEqual((await volumeNames()).filter((name) => anonymous.includes(name)), anonymous);
});

test("from then on it is a stack like any other", async () => {
  assert.deepEqual(await stack.wholePreview().then(({ steps }) => steps), []);
  await stack.set("mesos-marathon:preflight", false);
  assert.deepEqual(await stack.preview(), []);
  await stack.set("mesos-marathon:preflight", undefined);
  const { id } = await runningTask(marathonUrl, "/sleep");
  await stack.set("mesos-marathon:zookeeperEnvironment", { JVMFLAGS: "-Xmx200m" });
  const steps = (await stack.upSteps()).map((step) => step.split(":")[0]);
  assert.deepEqual(steps.filter((step) => step.startsWith("replace")), ["replace cluster-zookeeper"]);
  // Marathon, whose ZooKeeper was away, may start again once more.
  await eventually("its framework", async () => (await get(`${marathonUrl}/v2/info`)).frameworkId === known.framework);
  assert.equal((await runningTask(marathonUrl, "/sleep")).id, id);
});

test("what was cut off while data was carried over is done again, from the container that still has it", async () => {
  const names = { container: "adopted-by-hand", volume: "mesos-marathon-adopted-cluster-cut-off" };
  const run = (command: string, ...options: string[]) =>
    promisify(execFile)("docker", ["run", "--network=none", ...options, "--entrypoint=sh", testImage, "-c", command], { env: { ...process.env, DOCKER_HOST: dockerHost() } });
  await docker.createVolume({ Name: names.volume, Labels: { kept: "yes" } });
  await run("echo whole > /data/log; mkdir /data/folder; chown 7:8 /data/folder; exec sleep 3600", "-d", "-v", "/data", `--name=${names.container}`);
  await run("echo half > /data/log; echo old > /data/left", "-v", `${names.volume}:/data`, `--name=${names.volume}-adoption`);
  try {
    const { Id } = await docker.getContainer(names.container).inspect();
    const environment = { COMPONENT: "zookeeper", CONTAINER: Id, DOCKER_HOST: dockerHost(), CARRY: JSON.stringify([{ path: "/data", volume: names.volume }]) };
    for (const attempt of [1, 2]) {
      const { stdout } = await promisify(execFile)(process.execPath, [join(projectFolder, "checks", "adoption.mjs")], { env: { ...process.env, ...environment } });
      assert.match(stdout, /^adopted-by-hand \([0-9a-f]{12}\) has ended; its \/data is in the volume mesos-marathon-adopted-cluster-cut-off$/m);
      const seen = await run("cat /data/log; ls /data; stat --format=%u:%g /data/folder", "--rm", "-v", `${names.volume}:/data`);
      assert.equal(seen.stdout, "whole\nfolder\nlog\n7:8\n", String(attempt));
    }
    assert.deepEqual((await docker.getVolume(names.volume).inspect()).Labels, { kept: "yes" });
    assert.equal((await docker.getContainer(names.container).inspect()).State.Running, false);
    assert.deepEqual((await standing((name) => name.endsWith("-adoption"))), []);
  } finally {
    await docker.getContainer(names.container).remove({ force: true, v: true });
  }
});
