import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { docker, volumeNames } from "./docker";
import { TestStack } from "./stack";

// One life of a cluster whose containers get further variables and limits, told in order.

const masterUrl = "http://127.0.0.1:27050";
const credentials = "operator:correct-horse-battery";

let stack: TestStack;
const set = (variable: string, value: string, ...flags: string[]) =>
  stack.mustRun("config", "set", "--path", ...flags, `mesos-marathon:${variable}`, value);
const environmentOf = async (container: string) => (await docker.getContainer(container).inspect()).Config.Env;

before(async () => {
  stack = await TestStack.create("containers", {
    "mesos-marathon:imageSet": "rehearsal",
    "mesos-marathon:zookeeperName": "containers-zookeeper",
    "mesos-marathon:mesosMasterName": "containers-master",
    "mesos-marathon:mesosSlaveName": "containers-slave",
    "mesos-marathon:marathonName": "containers-marathon",
    "mesos-marathon:zookeeperPort": 24181,
    "mesos-marathon:mesosMasterPort": 27050,
    "mesos-marathon:mesosSlavePort": 27051,
    "mesos-marathon:marathonPort": 27080,
  });
});

after(() => stack?.remove());

test("variables reach the programs as pulumi config set writes them", async () => {
  await set("marathonEnvironment.MARATHON_FRAMEWORK_NAME", "a b $(c)");
  await set("marathonEnvironment.MARATHON_TASK_LAUNCH_TIMEOUT", "60000");
  await set("mesosMasterEnvironment.MESOS_CLUSTER", "mine");
  await stack.up();
  const { frameworks } = (await (await fetch(`${masterUrl}/master/frameworks`)).json()) as any;
  assert.deepEqual(frameworks.map(({ name, active }: any) => [name, active]), [["a b $(c)", true]]);
  assert.ok((await environmentOf("containers-marathon")).includes("MARATHON_TASK_LAUNCH_TIMEOUT=60000"));
  assert.ok((await environmentOf("containers-master")).includes("MESOS_CLUSTER=mine"));
  assert.deepEqual(await stack.preview(), []);
});

test("a credential in the clear and a misspelt flag are refused together, before anything is touched", async () => {
  const state = await stack.resources();
  await set("marathonEnvironment.MARATHON_HTTP_CREDENTIALS", credentials);
  await set("mesosSlaveEnvironment.MESOS_GC_DELAYS", "2days");
  for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
    const { code, output } = await stack.run(...command);
    assert.notEqual(code, 0, output);
    assert.match(output, /mesosSlaveEnvironment\.MESOS_GC_DELAYS is no setting that version 1\.11\.0 knows, did you mean MESOS_GC_DELAY\?; remove it/);
    assert.match(output, /marathonEnvironment\.MARATHON_HTTP_CREDENTIALS is a credential in the clear: pulumi config set --secret --path/);
    assert.doesNotMatch(output, /^\s+at .+:\d+:\d+\)?$/m, "a stack trace");
    assert.doesNotMatch(output, /correct-horse/);
  }
  assert.deepEqual(await stack.resources(), state);
  // As the errors say.
  await stack.mustRun("config", "rm", "--path", "mesosSlaveEnvironment.MESOS_GC_DELAYS");
});

test("a secret reaches the program, and neither the state nor the output", async () => {
  const status = async (authorization?: string) => (await fetch("http://127.0.0.1:27080/v2/info", { headers: authorization ? { authorization } : {} })).status;
  assert.equal(await status(), 200);
  await set("marathonEnvironment.MARATHON_HTTP_CREDENTIALS", credentials, "--secret");
  // The gate asks with them, or else this would not end well.
  const { output } = await stack.up("--diff");
  assert.deepEqual([await status(), await status(`Basic ${Buffer.from(credentials).toString("base64")}`)], [401, 200]);
  assert.ok((await environmentOf("containers-marathon")).includes(`MARATHON_HTTP_CREDENTIALS=${credentials}`));
  const { stdout: state } = await stack.mustRun("stack", "export");
  assert.match(state, /MESOS_CLUSTER=mine/);
  for (const text of [output, state]) {
    assert.doesNotMatch(text, /correct-horse/);
  }
  assert.deepEqual(await stack.preview(), []);
});

test("taking a variable back replaces the container that had it, and no other", async () => {
  await stack.mustRun("config", "rm", "mesos-marathon:mesosMasterEnvironment");
  const steps = await stack.preview();
  assert.deepEqual(steps.filter((step) => step.startsWith("replace ")).map((step) => step.split(":")[0]), ["replace cluster-mesos-master"]);
  await stack.up();
  assert.deepEqual((await environmentOf("containers-master")).filter((entry) => entry.startsWith("MESOS_CLUSTER=")), []);
  assert.deepEqual(await stack.preview(), []);
});

test("a limit of memory settles, is changed, and is gone when it is taken back", async () => {
  const memory = async () => {
    const { HostConfig } = await docker.getContainer("containers-slave").inspect();
    return [HostConfig.Memory, HostConfig.MemorySwap];
  };
  const mebibyte = 1024 * 1024;
  for (const [limit, expected] of [["256", [256 * mebibyte, -1]], ["128", [128 * mebibyte, -1]], ["0", [0, 0]]] as const) {
    await stack.set("mesos-marathon:mesosSlaveMemory", limit);
    await stack.up();
    assert.deepEqual(await memory(), expected);
    await stack.mustRun("refresh", "--yes", "--skip-preview", "--expect-no-changes");
    assert.deepEqual(await stack.preview(), []);
  }
});

test("a destroy that is to erase gives Marathon its password", async () => {
  await stack.set("mesos-marathon:onDestroy", "erase");
  await stack.up();
  const { output } = await stack.destroy();
  assert.match(output, /there were no apps/);
  assert.doesNotMatch(output, /correct-horse/);
  assert.deepEqual((await volumeNames()).filter((name) => name.startsWith("mesos-marathon-containers-cluster-")), []);
});
