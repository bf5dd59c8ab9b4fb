import assert from "node:assert/strict";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { projectFolder, TestStack } from "./stack";

let clone: string;
let stack: TestStack;

before(async () => {
  clone = await mkdtemp(join(tmpdir(), "mesos-marathon-clone-"));
  for (const part of ["Pulumi.yaml", "package.json", "tsconfig.json", "index.ts", "configuration", "preflight", "components", "checks"]) {
    await cp(join(projectFolder, part), join(clone, part), { recursive: true });
  }
  await symlink(join(projectFolder, "node_modules"), join(clone, "node_modules"));
  stack = await TestStack.create("clone", {
    "mesos-marathon:imageSet": "rehearsal",
    "mesos-marathon:zookeeperName": "clone-zookeeper",
    "mesos-marathon:mesosMasterName": "clone-master",
    "mesos-marathon:mesosSlaveName": "clone-slave",
    "mesos-marathon:marathonName": "clone-marathon",
    "mesos-marathon:zookeeperPort": 24181,
    "mesos-marathon:mesosMasterPort": 24050,
    "mesos-marathon:mesosSlavePort": 24051,
    "mesos-marathon:marathonPort": 24080,
  });
});

after(async () => {
  await stack.remove();
  await rm(clone, { recursive: true, force: true });
});

test("up in one clone, preview and refresh in another: nothing to do, and no path of a clone in the state", async () => {
  await stack.up();
  const elsewhere = stack.from(clone);
  assert.deepEqual(await elsewhere.preview(), []);
  await elsewhere.mustRun("refresh", "--yes", "--skip-preview", "--expect-no-changes");
  assert.deepEqual(await elsewhere.preview(), []);
  for (const { urn, inputs, outputs } of await stack.resources()) {
    assert.doesNotMatch(JSON.stringify({ inputs, outputs }), new RegExp(`${projectFolder}/(?!\\.local/)`), urn);
  }
  await elsewhere.destroy();
});
