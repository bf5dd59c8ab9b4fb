import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { imageSets, imagesOf } from "../../components";
import { startApp } from "./app";
import { docker } from "./docker";
import { eventually } from "./eventually";
import { TestStack } from "./stack";

// The image sets classic and modern, then one of somebody's own like classic. The images are stand-ins under the sets'
// names, in the tests' own Docker Engine only.

const run = promisify(execFile);
const originals = imagesOf(imageSets.rehearsal);
const sets = ["classic", "modern"] as const;
const names = { zookeeperName: "classic-zookeeper", mesosMasterName: "classic-master", mesosSlaveName: "classic-slave", marathonName: "classic-marathon" };
const ports = { zookeeperPort: 25181, mesosMasterPort: 28050, mesosSlavePort: 28051, marathonPort: 31080 };

const config = (more: object) =>
  Object.fromEntries(
    Object.entries({ ...names, ...ports, mesosSlaveResources: "cpus:1;mem:512;disk:512;ports:[31800-31899]", preflight: false, ...more }).map(
      ([key, value]) => [`mesos-marathon:${key}`, value],
    ),
  );

let folder: string;
let stack: TestStack;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mesos-marathon-classic-"));
  for (const set of sets) {
    for (const [index, image] of imagesOf(imageSets[set]).entries()) {
      const [repo, tag] = image.split(":");
      await docker.getImage(originals[index]).tag({ repo, tag });
    }
  }
  stack = await TestStack.create("classic", config({ imageSet: "modern" }));
});

after(async () => {
  await stack?.remove();
  await rm(folder, { recursive: true, force: true });
});

const registered = async () => {
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${ports.mesosMasterPort}${path}`)).json() as Promise<any>;
  const [{ slaves }, { frameworks }] = await Promise.all([get("/master/slaves"), get("/master/frameworks")]);
  return { slaves: slaves.map(({ active }: any) => active), frameworks: frameworks.map(({ name, active }: any) => ({ name, active })) };
};
const working = { slaves: [true], frameworks: [{ name: "marathon", active: true }] };
const containers = () => Promise.all(Object.values(names).map((name) => docker.getContainer(name).inspect()));

test("modern comes up, its slave among the host's processes and cgroups, and a second preview finds nothing", async () => {
  await stack.up();
  assert.deepEqual(await registered(), working);
  const found = await containers();
  assert.deepEqual(found.map(({ Config }) => Config.Image), imagesOf(imageSets.modern));
  const slave: any = found[2].HostConfig;
  assert.deepEqual([slave.PidMode, slave.CgroupnsMode], ["host", "host"]);
  assert.ok(found[2].Config.Env.includes(`MESOS_DOCKER_MESOS_IMAGE=${imageSets.modern.mesosSlave.image}`));
  assert.deepEqual(await stack.preview(), []);
});

test("classic takes its place, its master with the command that keeps the registry, and a second preview finds nothing", async () => {
  // The slave keeps its id and its work directory, and both sets' stand-ins know them.
  await stack.set("mesos-marathon:imageSet", "classic");
  await stack.up();
  assert.deepEqual(await registered(), working);
  const found = await containers();
  assert.deepEqual(found.map(({ Config }) => Config.Image), imagesOf(imageSets.classic));
  assert.deepEqual(found.map(({ Config }) => Config.Cmd), [null, ["--registry=replicated_log"], null, null]);
  assert.deepEqual(await stack.preview(), []);
});

/** The newest version of the API that both Mesos and this Docker Engine go along with. */
const api = async () => {
  const { ApiVersion } = await docker.version();
  return Number(ApiVersion.split(".")[1]) > 44 ? "1.44" : ApiVersion;
};

test("the slave starts tasks with a docker client of the host's, which it can only read", async () => {
  const client = join(folder, "docker");
  await copyFile((await run("which", ["docker"])).stdout.trim(), client);
  await stack.set("mesos-marathon:mesosSlaveDockerClient", client);
  await stack.set("mesos-marathon:mesosSlaveEnvironment", { DOCKER_API_VERSION: await api() });
  await stack.up();
  assert.deepEqual(await registered(), working);
  const { Config, Mounts } = await docker.getContainer(names.mesosSlaveName).inspect();
  assert.ok(Config.Env.includes(`MESOS_DOCKER=${client}`));
  assert.deepEqual(Mounts.filter(({ Source }) => Source === client).map(({ Destination, RW }) => [Destination, RW]), [[client, false]]);
  await startApp(`http://127.0.0.1:${ports.marathonPort}`, "/with-client");
  assert.deepEqual(await stack.preview(), []);
});

test("tasks whose executors end with the slave: a replaced or killed slave leaves none of their containers running", async () => {
  const tasks = async () => {
    const all = await docker.listContainers();
    return all.filter(({ Mounts }) => Mounts.some(({ Source }) => /-cluster-mesos-slave-work\/_data\/slaves\//.test(Source))).map(({ Id }) => Id);
  };
  const anew = (before: string[]) =>
    eventually("the task's successor, and it alone", async () => {
      const now = await tasks();
      return now.length === 1 && !before.includes(now[0]) && now;
    });
  const first = await tasks();
  assert.equal(first.length, 1);
  await stack.set("mesos-marathon:mesosSlaveEnvironment", { DOCKER_API_VERSION: await api(), MESOS_GC_DELAY: "2days" });
  const { output } = await stack.up();
  assert.match(output, /; 1 orphaned task container removed/);
  const second = await anew(first);

  // As after a crash, from which Docker starts it again.
  const slave = docker.getContainer(names.mesosSlaveName);
  await slave.kill();
  await slave.start();
  await eventually("a successor beside the orphan", async () => (await tasks()).length === 2);
  await stack.set("mesos-marathon:preflight", true);
  assert.deepEqual(await stack.upSteps(), ["update cluster-mesos-slave-ready: environment.DRIFT"]);
  await anew(second);
  assert.deepEqual(await stack.preview(), []);
  await stack.set("mesos-marathon:preflight", false);
});

test("a docker client that the Docker Engine does not answer keeps the slave from starting, and the gate says so", async () => {
  await stack.set("mesos-marathon:mesosSlaveEnvironment", { DOCKER_API_VERSION: "1.11" });
  const { code, output } = await stack.run("up", "--yes", "--skip-preview", "--config", "mesos-marathon:readyTimeout=20");
  assert.notEqual(code, 0);
  assert.match(output, /Failed to run '\/.*\/docker -H unix:\/\/.* ps -a': exited with status 1; stderr='.*client version 1\.11 is too old\. Minimum supported API version is 1\.\d+/);
  await stack.set("mesos-marathon:readyTimeout", undefined);
  await stack.set("mesos-marathon:mesosSlaveEnvironment", undefined);
  await stack.set("mesos-marathon:mesosSlaveDockerClient", undefined);
  await stack.up();
  assert.deepEqual(await registered(), working);
});

test("images of somebody's own take the place of one program's, with its variables", async () => {
  const file = join(folder, "images.json");
  const environment = { ...imageSets.classic.mesosMaster.environment, MESOS_CLUSTER: "mine on {port}" };
  await writeFile(file, JSON.stringify({ like: "classic", mesosMaster: { image: originals[1], version: "1.11.0", environment, command: [] } }));
  const { output } = await stack.up("--config", "mesos-marathon:imageSet=custom", "--config", `mesos-marathon:customImageSet=${file}`);
  assert.match(output, /cluster-mesos-master replaced|\+-.*cluster-mesos-master/);
  assert.deepEqual(await registered(), working);
  const { Config } = await docker.getContainer(names.mesosMasterName).inspect();
  assert.equal(Config.Image, originals[1]);
  assert.ok(Config.Env.includes(`MESOS_CLUSTER=mine on ${ports.mesosMasterPort}`));
  assert.deepEqual((await stack.outputs()).cluster.imageSet, { name: "custom", standIn: false });
});

test("the last variable that is taken out of a container is gone from it", async () => {
  // Of the four, ZooKeeper can do without any, on the port that it has by itself.
  const file = join(folder, "bare.json");
  await writeFile(file, JSON.stringify({ like: "classic", zookeeper: { image: originals[0], version: "3.6.4", environment: {}, builtIn: { port: "2181" } } }));
  const bare = { imageSet: "custom", customImageSet: file, zookeeperPort: 2181 };
  const isGiven = async () => (await docker.getContainer(names.zookeeperName).inspect()).Config.Env.includes("JVMFLAGS=-Xmx128m");
  await stack.configure(config({ ...bare, zookeeperEnvironment: { JVMFLAGS: "-Xmx128m" } }));
  await stack.up();
  assert.equal(await isGiven(), true);
  await stack.configure(config(bare));
  assert.ok((await stack.upSteps()).includes("replace cluster-zookeeper: envs"));
  assert.equal(await isGiven(), false);
  assert.deepEqual(await registered(), working);
  assert.deepEqual(await stack.preview(), []);
});
