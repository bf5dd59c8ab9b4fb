import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, test } from "node:test";

import { type Known, knownTo, startApp } from "./app";
import { docker, refused, removeVolumes, standing } from "./docker";
import { eventually } from "./eventually";
import { network, TestStack } from "./stack";

// What happens to a cluster behind Pulumi's back: a plain `preview` says it, a plain `up` mends it with as little as
// possible, and what the cluster knew it still knows. One cluster, in order: each blow meets it whole.

// A container that does not answer is started again when a fifth of this is over. Less, and it meets a slave that has merely not found its new
// master yet; much more, and the master has given up a slave that was stopped, after 75 s, before it is started again.
const base = { "mesos-marathon:imageSet": "rehearsal", "mesos-marathon:readyTimeout": 60 };
const names = ["marathon", "mesos-master", "mesos-slave", "zookeeper"];
const mesosUrl = "http://127.0.0.1:5050";
const marathonUrl = "http://127.0.0.1:8080";

let stack: TestStack;
let known: Known;

before(async () => {
  stack = await TestStack.create("drift", base);
  await stack.up();
  await startApp(marathonUrl, "/sleep");
  known = await eventually("a running task", knows);
});

after(() => stack.remove());

const container = (name: string) => docker.getContainer(name);
const knows = () => knownTo({ mesosUrl, marathonUrl }, "/sleep");
/** A gate that is passed anew, and why. */
const gate = (component: string, ...variables: ("AFTER" | "CONTAINER_ID" | "DRIFT")[]) =>
  `update cluster-${component}-ready: ${variables.map((variable) => `environment.${variable}`).join(", ")}`;

interface Blow {
  readonly strike: () => Promise<unknown>;
  /** What the preview warns of. */
  readonly said: readonly RegExp[];
  readonly steps: readonly string[];
  /** Containers that are not the same ones, or not the same run of them, afterwards. */
  readonly touched: readonly string[];
  /** Whether tasks may have been launched anew. */
  readonly endsTasks?: true;
}

const ownNetwork = docker.getNetwork("mesos-marathon-drift-cluster-network");
const networkBlows: Record<string, Blow> = {
  "a container that was taken off its network is replaced": {
    strike: () => ownNetwork.disconnect({ Container: "marathon" }),
    said: [/^the container marathon is not as it should be \(not ready/],
    steps: ["replace cluster-marathon: ports", gate("marathon", "CONTAINER_ID", "DRIFT")],
    touched: ["marathon"],
  },
  "where the network was removed, it and all that was on it are made anew": {
    strike: async () => {
      for (const name of names) {
        await ownNetwork.disconnect({ Container: name });
      }
      await ownNetwork.remove();
    },
    said: names.map((name) => new RegExp(`^the container ${name} is not as it should be \\(not ready`)),
    steps: [
      "create cluster-network: ",
      ...names.map((name) => `replace cluster-${name}: networksAdvanced, ports`),
      gate("zookeeper", "CONTAINER_ID", "DRIFT"),
      ...names.slice(0, 3).map((name) => gate(name, "AFTER", "CONTAINER_ID", "DRIFT")),
    ],
    // And Marathon, as with each blow at these.
    touched: names.slice(1),
  },
};

const blows: Record<string, Blow> = {
  ...(network.mode === "bridge" && networkBlows),
  "a container that was stopped is started": {
    strike: () => container("marathon").stop({ t: 10 }),
    said: [/^the container marathon is not as it should be \(stopped at \S+ with exit code \d+\)/],
    steps: ["update cluster-marathon: mustRun", gate("marathon", "DRIFT")],
    touched: ["marathon"],
  },
  "a container that was killed is started": {
    strike: () => container("mesos-slave").kill(),
    said: [/^the container mesos-slave is not as it should be \(stopped at \S+ with exit code 137\)/],
    steps: ["update cluster-mesos-slave: mustRun", gate("mesos-slave", "DRIFT")],
    touched: ["mesos-slave"],
  },
  "a container that was removed is made anew": {
    strike: () => container("mesos-slave").remove({ force: true }),
    said: [],
    steps: ["create cluster-mesos-slave: ", gate("mesos-slave", "CONTAINER_ID")],
    touched: ["mesos-slave"],
  },
  "a container that was renamed is replaced": {
    strike: () => container("marathon").rename({ name: "marathon-by-hand" }),
    said: [/^the container marathon-by-hand is replaced \(changed: name\): /],
    steps: ["replace cluster-marathon: name", gate("marathon", "CONTAINER_ID")],
    touched: ["marathon"],
  },
  "a container that was paused goes on": {
    strike: () => container("mesos-slave").pause(),
    said: [/^the container mesos-slave is not as it should be \(paused, seen at \S+\)/],
    steps: [gate("mesos-slave", "DRIFT")],
    touched: [],
  },
  "a slave that runs and is not registered any more is started again": {
    strike: () => container("mesos-slave").kill({ signal: "SIGSTOP" }),
    said: [/^the container mesos-slave is not as it should be \(not ready, seen at \S+: http:\/\/127\.0\.0\.1:5051\/state, id: no answer; runs since \S+\)/],
    steps: [gate("mesos-slave", "DRIFT")],
    touched: ["mesos-slave"],
  },
  "the master's container and its volume are made anew, and everybody registers under the old id": {
    // A master that has lost its registry knows no task until the slave is back.
    endsTasks: true,
    strike: async () => {
      await container("mesos-master").remove({ force: true });
      await removeVolumes(["mesos-marathon-drift-cluster-mesos-master-data"]);
    },
    // Whoever needs the master is not ready either, and will be without any help. Marathon ends when it sees that the master is gone.
    said: [/^the container mesos-slave is not as it should be \(not ready/, /^the container marathon is not as it should be \((not ready|in a restart loop with exit code 105)/],
    steps: [
      "create cluster-mesos-master: ",
      "create cluster-mesos-master-data: ",
      gate("mesos-master", "CONTAINER_ID"),
      gate("mesos-slave", "AFTER", "DRIFT"),
      gate("marathon", "AFTER", "DRIFT"),
    ],
    touched: ["mesos-master"],
  },
};

for (const [what, { strike, said, steps, touched, endsTasks }] of Object.entries(blows)) {
  test(what, async () => {
    await strike();
    const before = await standing((name) => names.includes(name));
    const preview = await stack.wholePreview();
    const done = await stack.upSteps();
    const told = said.filter((sentence) => preview.warnings.some((text) => sentence.test(text)));
    assert.deepEqual(told, said, preview.warnings.join("\n"));
    assert.deepEqual(preview.steps.sort(), [...steps].sort());
    assert.deepEqual(done.sort(), [...steps].sort());

    const now = await standing((name) => names.includes(name));
    assert.deepEqual(now.map(({ name, running }) => ({ name, running })), names.map((name) => ({ name, running: true })));
    const same = (name: string) => now.find((one) => one.name === name)?.startedAt === before.find((one) => one.name === name)?.startedAt;
    assert.deepEqual(names.filter((name) => !same(name) && !restartsByItself(name, touched)), touched);
    const knowsNow = await eventually("its task", knows);
    assert.deepEqual(knowsNow, endsTasks ? { ...knowsNow, framework: known.framework, slave: known.slave } : known);
    known = knowsNow;
  });
}

test("the slave's container and its volume are made anew: it is another slave, and leaves nothing of the former one's tasks running", async () => {
  const sandboxes = async (slave: string) => (await docker.listContainers()).filter(({ Mounts }) => Mounts.some(({ Source }) => Source?.includes(`/slaves/${slave}/`))).length;
  // The task, its executor, and what the blow before has not ended yet.
  assert.ok((await sandboxes(known.slave)) >= 2);
  await container("mesos-slave").remove({ force: true });
  await removeVolumes(["mesos-marathon-drift-cluster-mesos-slave-work"]);
  const steps = ["create cluster-mesos-slave: ", "create cluster-mesos-slave-work: ", gate("mesos-slave", "CONTAINER_ID")];
  // A preview does not know the path of a volume that is not there yet.
  const mayChange = "update cluster-mesos-slave-teardown: environment.WORK_DIR";
  assert.deepEqual((await stack.preview()).filter((step) => step !== mayChange).sort(), steps.sort());
  assert.deepEqual((await stack.upSteps()).sort(), steps);
  const former = known;
  known = await eventually("its task on the new slave", async () => {
    const now = await knows();
    return now && now.slave !== former.slave && now.task !== former.task && now;
  });
  assert.equal(known.framework, former.framework);
  assert.deepEqual([await sandboxes(former.slave), await sandboxes(known.slave)], [0, 2]);
});

test("a container that does not come up, as somebody holds its port: it is told who, and when that one has gone, up ends well", async () => {
  await container("marathon").stop({ t: 10 });
  const squatter = createServer((socket) => socket.destroy()).listen(8080, "127.0.0.1");
  try {
    // On a network of its own it is Docker that finds the port taken: it does not start it, and tries no more.
    await container("marathon").start().catch((error) => assert.match(`${network.mode}: ${error.message}`, /^bridge: .*8080.* address already in use/));
    await refused(stack, new RegExp(`port 8080 of 127\\.0\\.0\\.1 .* is held by \\S+ \\(process ${process.pid}\\)`));
  } finally {
    await new Promise((resolve) => squatter.close(resolve));
  }
  const steps = await stack.upSteps();
  if (network.mode === "bridge") {
    assert.deepEqual(steps, ["update cluster-marathon: mustRun", gate("marathon", "DRIFT")]);
  } else {
    // It was in a restart loop, and Docker may have started it meanwhile.
    assert.deepEqual(steps, steps.length === 0 ? [] : [gate("marathon", "DRIFT")]);
  }
  assert.deepEqual(await eventually("its task", knows), known);
});

test("after all of it there is nothing to do", async () => {
  assert.deepEqual(await stack.wholePreview(), { steps: [], warnings: [] });
});

for (const [what, how] of [["the Docker Engine was restarted", "SIGTERM"], ["the machine lost its power", "reboot"]] as const) {
  test(`after ${what}, and Docker brought everything back by itself, there is nothing to do`, async () => {
    const before = await stack.resources();
    const { restartTestEngine } = await import("./docker-engine.mjs");
    await restartTestEngine(process.env.TEST_ENGINE ?? "", how);
    known = await eventually("another task", async () => {
      const now = await knows();
      return now && now.task !== known.task && now;
    });
    assert.deepEqual(await stack.wholePreview(), { steps: [], warnings: [] });
    await stack.up("--expect-no-changes");
    assert.deepEqual(await stack.resources(), before);
  });
}

test("a framework that was torn down at the master is told with the way out, which works", async () => {
  const { framework, slave } = known;
  const response = await fetch(`${mesosUrl}/master/teardown`, { method: "POST", body: `frameworkId=${framework}` });
  assert.equal(response.status, 200);
  const { steps, warnings } = await stack.wholePreview();
  assert.match(warnings.join("\n"), /the container marathon is not as it should be \(not ready, seen at \S+: .*not among the master's frameworks/);
  assert.deepEqual(steps, [gate("marathon", "DRIFT")]);

  const { code, output } = await stack.run("up", "--yes", "--skip-preview");
  assert.notEqual(code, 0);
  assert.match(output, /it ended with exit code 110: its framework was torn down at the master, and ZooKeeper still has the framework's id\. Ways out: remove state\/framework-id and state\/instance below Marathon's path in ZooKeeper/);

  for (const path of ["/marathon/state/framework-id", "/marathon/state/instance"]) {
    const run = await container("zookeeper").exec({ Cmd: ["/usr/share/zookeeper/bin/zkCli.sh", "-server", `${network.zookeeper}:2181`, "deleteall", path], AttachStdout: true, AttachStderr: true });
    const stream = await run.start({});
    await new Promise((resolve) => stream.on("end", resolve).resume());
    assert.equal((await run.inspect()).ExitCode, 0, path);
  }
  await stack.up();
  const now = await eventually("its task", knows);
  assert.notEqual(now.framework, framework);
  assert.equal(now.slave, slave);
});

/** Marathon starts itself again when it loses its master or ZooKeeper. */
function restartsByItself(name: string, touched: readonly string[]): boolean {
  return name === "marathon" && touched.some((other) => ["mesos-master", "zookeeper"].includes(other));
}
