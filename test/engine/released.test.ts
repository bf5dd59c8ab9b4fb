import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { docker, removeVolumes, standing, volumeNames } from "./docker";
import { eventually } from "./eventually";
import { dockerHost, projectFolder, TestStack } from "./stack";

// Pulumi's state as each released version wrote it, imported over containers that are made as it says: what this
// version's preview shows then is what was announced, and nothing else.

/** What this version changes in a stack of an earlier one: version → steps of the preview. CHANGELOG.md tells them in words. */
const announced: Readonly<Record<string, readonly string[]>> = {
  "0.1.0": [],
};

const folder = join(__dirname, "released");
const names = ["marathon", "mesos-master", "mesos-slave", "zookeeper"];

test("every released version has its state here, and its list of announced changes", () => {
  const changelog = readFileSync(join(projectFolder, "CHANGELOG.md"), "utf8");
  const released = [...changelog.matchAll(/^## (\S+), \d{4}-\d\d-\d\d$/gm)].map(([, version]) => version).sort();
  assert.deepEqual(readdirSync(folder).sort(), released.map((version) => `${version}.json`));
  assert.deepEqual(Object.keys(announced).sort(), released);
});

for (const [version, expected] of Object.entries(announced)) {
  describe(`a stack of ${version}`, () => {
    let stack: TestStack;
    let made: Awaited<ReturnType<typeof standing>>;

    before(async () => {
      stack = await TestStack.create("released", { "mesos-marathon:imageSet": "rehearsal", "mesos-marathon:networkMode": "host" });
      const file = join(stack.folder, "state.json");
      writeFileSync(file, await makeAsRecorded(readFileSync(join(folder, `${version}.json`), "utf8")));
      await stack.mustRun("stack", "import", "--file", file);
      await eventually("the cluster", works);
      made = await standing((name) => names.includes(name));
    });

    after(async () => {
      await stack.run("destroy", "--yes", "--skip-preview");
      await stack.remove();
      await removeVolumes((await volumeNames()).filter((name) => name.startsWith("mesos-marathon-released-cluster-")));
    });

    test("the preview shows the announced changes and no other", async () => {
      assert.deepEqual(await stack.wholePreview(), { steps: expected, warnings: [] });
    });

    test("up does the announced changes and no other", async () => {
      assert.deepEqual(await stack.upSteps(), expected);
      const replaced = expected.flatMap((step) => /^replace cluster-(\S+):/.exec(step)?.[1] ?? []);
      const kept = await standing((name) => names.includes(name) && !replaced.includes(name));
      assert.deepEqual(kept, made.filter(({ name }) => !replaced.includes(name)));
    });

    test("what it made can be destroyed, its volumes stay", async () => {
      await stack.destroy();
      assert.deepEqual(await standing((name) => names.includes(name)), []);
      assert.equal((await volumeNames()).filter((name) => name.startsWith("mesos-marathon-released-cluster-")).length, 4);
    });
  });
}

/**
 * Makes the volumes and containers that a recorded state names, each as its recorded inputs say.
 * @returns the state with their ids and with where this Docker Engine is
 */
async function makeAsRecorded(text: string): Promise<string> {
  const { DockerRootDir } = await docker.info();
  let state = text.replaceAll("/released/docker.sock", dockerHost().slice("unix://".length)).replaceAll("/released/", `${DockerRootDir}/`);
  for (const { id, type, inputs } of JSON.parse(state).deployment.resources) {
    if (type === "docker:index/volume:Volume") {
      const { name, driver, labels, __defaults, ...more } = inputs;
      assert.deepEqual(more, {});
      await docker.createVolume({ Name: name, Driver: driver, Labels: labelMap(labels) });
    } else if (type === "docker:index/container:Container") {
      state = state.replaceAll(id, await makeContainer(inputs));
    }
  }
  return state;
}

async function makeContainer(inputs: any): Promise<string> {
  const { __defaults, name, image, command, envs, labels, volumes, networkMode, restart, privileged, pidMode, logDriver, logOpts, stopTimeout, ...more } = inputs;
  // What does not show in the container, or only at its end; anything else would have to be made, too.
  const { attach, containerReadRefreshTimeoutMilliseconds, destroyGraceSeconds, logs, memoryReservation, mustRun, readOnly, removeVolumes, rm, start, stdinOpen, tty, wait, waitTimeout, ...unknown } = more;
  assert.deepEqual(unknown, {});
  const container = await docker.createContainer({
    name,
    Image: image,
    Cmd: command,
    Env: envs,
    Labels: labelMap(labels),
    StopTimeout: stopTimeout,
    HostConfig: {
      NetworkMode: networkMode,
      RestartPolicy: { Name: restart },
      Privileged: privileged,
      PidMode: pidMode,
      Binds: (volumes ?? []).map(({ hostPath, volumeName, containerPath }: any) => `${hostPath ?? volumeName}:${containerPath}:rw`),
      LogConfig: { Type: logDriver, Config: logOpts },
      Init: false,
    },
  });
  await container.start();
  return container.id;
}

const labelMap = (labels: { label: string; value: string }[]) => Object.fromEntries(labels.map(({ label, value }) => [label, value]));

async function works(): Promise<boolean> {
  const get = async (path: string) => (await fetch(`http://127.0.0.1${path}`)).json() as Promise<any>;
  const [{ slaves }, { frameworks }] = await Promise.all([get(":5050/master/slaves"), get(":5050/master/frameworks")]);
  return [slaves, frameworks].every((list) => list.some(({ active }: any) => active));
}
