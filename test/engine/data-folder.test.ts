import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { get, runningTask, startApp } from "./app";
import { removeVolumes, standing, testImage, volumeNames } from "./docker";
import { projectFolder, TestStack } from "./stack";

// Data in folders of the host instead of volumes: one life of a cluster, each test goes on where the one before it ended.

const base = { "mesos-marathon:imageSet": "rehearsal" };
const marathonUrl = "http://127.0.0.1:8080";
const names = ["mesos-master-data", "mesos-slave-work", "zookeeper-data", "zookeeper-datalog"].map((name) => `mesos-marathon-folder-cluster-${name}`);
/** Not below /tmp, which is no place for it. */
const folder = mkdtempSync("/var/tmp/mesos-marathon-data-");
const dataVolumes = async () => (await volumeNames()).filter((name) => names.includes(name));

let stack: TestStack;
let frameworkId: string;

before(async () => {
  stack = await TestStack.create("folder", { ...base, "mesos-marathon:dataFolder": folder });
});

after(async () => {
  await stack.remove();
  rmSync(folder, { recursive: true, force: true });
});

test("data is in folders named as the volumes would be, and there are no volumes with data", async () => {
  await stack.up();
  await startApp(marathonUrl, "/sleep");
  ({ frameworkId } = await get(`${marathonUrl}/v2/info`));
  assert.deepEqual(readdirSync(folder).sort(), names);
  assert.deepEqual(await dataVolumes(), []);
  for (const name of names) {
    assert.ok(readdirSync(join(folder, name)).length > 0, name);
  }
  assert.deepEqual(await stack.preview(), []);
});

test("all four containers are replaced, and the app's task runs on", async () => {
  const before = await runningTask(marathonUrl, "/sleep");
  const containers = await standing();
  await stack.set("mesos-marathon:logMaxFiles", 2);
  await stack.up();
  const ids = (await standing()).map(({ id }) => id);
  assert.equal(containers.filter(({ id, name }) => /^(zookeeper|mesos-master|mesos-slave|marathon)$/.test(name) && ids.includes(id)).length, 0);
  assert.deepEqual(await runningTask(marathonUrl, "/sleep"), before);
  assert.equal((await get(`${marathonUrl}/v2/info`)).frameworkId, frameworkId);
});

test("a running cluster's data does not change its place", async () => {
  const before = await standing();
  for (const dataFolder of [undefined, `${folder}-2`]) {
    await stack.set("mesos-marathon:dataFolder", dataFolder);
    const refused = new RegExp(`the data of the cluster is in ${folder}/mesos-marathon-folder-cluster-\\S+, .*and mesos-marathon:dataFolder is ${dataFolder ?? "empty"}`);
    await assert.rejects(stack.preview(), refused);
    await assert.rejects(stack.up(), refused);
  }
  assert.deepEqual(await standing(), before);
  assert.equal(existsSync(`${folder}-2`), false);
});

test("erase is refused with the way out", async () => {
  await stack.set("mesos-marathon:dataFolder", folder);
  await stack.set("mesos-marathon:onDestroy", "erase");
  await assert.rejects(stack.preview(), /onDestroy is "erase": nothing removes the folders in mesos-marathon:dataFolder; write keep, and remove them on the Docker host after the destroy/);
  await stack.set("mesos-marathon:onDestroy", undefined);
});

test("a destroy names the folders and keeps them; the next up takes them up again", async () => {
  const { output } = await stack.destroy();
  for (const name of names) {
    assert.match(output, new RegExp(`kept, with the data of the cluster: folders .*${folder}/${name}[ ,.]`));
  }
  assert.deepEqual(await standing(), []);
  assert.deepEqual(readdirSync(folder).sort(), names);
  await stack.up();
  await runningTask(marathonUrl, "/sleep");
  assert.equal((await get(`${marathonUrl}/v2/info`)).frameworkId, frameworkId);
});

test("the data moves into volumes and back as docs/operations.md has it", async () => {
  const [, section] = readFileSync(join(projectFolder, "docs", "operations.md"), "utf8").split("## Move the data\n");
  const [intoFolder, intoVolumes] = [...section.matchAll(/^for volume in [^]*?^done$/gm)].map(([loop]) =>
    loop.replaceAll("STACK", "folder").replaceAll("IMAGE", testImage).replaceAll("/srv/mesos", folder),
  );
  const run = (loop: string) => promisify(execFile)("sh", ["-euc", loop]);
  const comesBack = async () => {
    await stack.up();
    await runningTask(marathonUrl, "/sleep");
    assert.equal((await get(`${marathonUrl}/v2/info`)).frameworkId, frameworkId);
    await stack.destroy();
  };

  await stack.destroy();
  await stack.set("mesos-marathon:dataFolder", undefined);
  await stack.up();
  assert.notEqual((await get(`${marathonUrl}/v2/info`)).frameworkId, frameworkId);
  await stack.destroy();
  await run(intoVolumes);
  await comesBack();

  rmSync(folder, { recursive: true });
  await stack.set("mesos-marathon:dataFolder", folder);
  const { warnings } = await stack.wholePreview();
  assert.match(warnings.join("\n"), new RegExp(`the volumes ${names.join(", ")} hold data of this stack, and with mesos-marathon:dataFolder the cluster takes what is in ${folder}`));
  await run(intoFolder);
  await removeVolumes(names);
  await comesBack();
});
