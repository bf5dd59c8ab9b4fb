import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { imageSets, imagesOf } from "../../components";
import { docker, removeVolumes, volumeNames } from "./docker";
import { TestStack } from "./stack";

// The image set classic, then one of somebody's own like it. The images are stand-ins under classic's names, in the tests'
// own Docker Engine only.

const originals = imagesOf(imageSets.rehearsal);
const images = imagesOf(imageSets.classic);
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
  for (const [index, name] of images.entries()) {
    const [repo, tag] = name.split(":");
    await docker.getImage(originals[index]).tag({ repo, tag });
  }
  stack = await TestStack.create("classic", config({ imageSet: "classic" }));
});

after(async () => {
  await stack?.run("destroy", "--yes", "--skip-preview");
  await stack?.remove();
  await removeVolumes((await volumeNames()).filter((name) => name.startsWith("mesos-marathon-classic-cluster-")));
  for (const name of images) {
    await docker.getImage(name).remove();
  }
  await rm(folder, { recursive: true, force: true });
});

const registered = async () => {
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${ports.mesosMasterPort}${path}`)).json() as Promise<any>;
  const [{ slaves }, { frameworks }] = await Promise.all([get("/master/slaves"), get("/master/frameworks")]);
  return { slaves: slaves.map(({ active }: any) => active), frameworks: frameworks.map(({ name, active }: any) => ({ name, active })) };
};
const working = { slaves: [true], frameworks: [{ name: "marathon", active: true }] };

test("classic comes up, its master with the command that keeps the registry, and a second preview finds nothing", async () => {
  await stack.up();
  assert.deepEqual(await registered(), working);
  const containers = await Promise.all(Object.values(names).map((name) => docker.getContainer(name).inspect()));
  assert.deepEqual(containers.map(({ Config }) => Config.Image), images);
  assert.deepEqual(containers.map(({ Config }) => Config.Cmd), [null, ["--registry=replicated_log"], null, null]);
  assert.deepEqual(await stack.preview(), []);
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
