import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { keys } from "../../configuration/keys";
import { pulumiYaml } from "../unit/pulumi-yaml";
import { get, startApp } from "./app";
import { docker, standing, volumeNames } from "./docker";
import { eventually } from "./eventually";
import { dockerHost, network, TestStack } from "./stack";

// For every configuration key: what a change of it replaces, updates and leaves, as the preview says and `up` then does.
// One cluster on the default names and ports, with an app that must not notice; each row goes on where the last one ended.

const base = { "mesos-marathon:imageSet": "rehearsal", "mesos-marathon:networkMode": network.mode };
const engine = dockerHost().slice("unix://".length);
const components = ["zookeeper", "mesos-master", "mesos-slave", "marathon"] as const;
type Component = (typeof components)[number];

interface Row {
  readonly value: () => string | Readonly<Record<string, string>> | readonly string[];
  /** Containers that are replaced; `up` says beforehand what that interrupts. */
  readonly replaces?: readonly Component[];
  /** Gates that are passed anew. */
  readonly proves?: readonly Component[];
  /** Other steps: `op name`. */
  readonly more?: readonly string[];
  /** Why neither `preview` nor `up` goes on. What is announced is then what would happen without preflight. */
  readonly refused?: RegExp;
  /** Not done: what it leads to is another test's. */
  readonly previewOnly?: true;
  /** What differs then in each container that is replaced. Keys that replace the same ones are changed in one go: it tells them apart. */
  readonly shows?: string;
}

/** A key that this cluster cannot change: the file that changes it. */
interface Elsewhere {
  readonly provedIn: string;
}

const all = components;
const aboveZooKeeper: readonly Component[] = ["mesos-master", "mesos-slave", "marathon"];

/** What depends on the network that the cluster is on. */
const onNetwork: Record<"address" | "hostname" | "networkMode", Row> =
  network.mode === "host"
    ? {
        address: {
          value: () => "127.0.0.2",
          replaces: all,
          proves: all,
          more: ["update cluster-marathon-teardown"],
          refused: /kept state forbids that mesos-marathon:address changes from 127\.0\.0\.1 to 127\.0\.0\.2: .* pulumi config set mesosSlaveGeneration 2/,
        },
        hostname: {
          value: () => "localhost",
          replaces: aboveZooKeeper,
          proves: aboveZooKeeper,
          more: ["update cluster-marathon-teardown"],
          refused: /kept state forbids that mesos-marathon:hostname changes from 127\.0\.0\.1 to localhost/,
        },
        networkMode: {
          value: () => "bridge",
          replaces: all,
          proves: all,
          more: ["create cluster-network", "update cluster-marathon-teardown"],
          refused: /kept state forbids that mesos-marathon:networkMode \(bridge\), and with it the slave's host name, changes from 127\.0\.0\.1 to 172\.30\.250\.1/,
        },
      }
    : {
        // The slave goes by the network's gateway still.
        address: { value: () => "127.0.0.2", replaces: all, proves: all, more: ["update cluster-marathon-teardown"], previewOnly: true },
        hostname: {
          value: () => "cluster.test",
          replaces: all,
          proves: all,
          more: ["update cluster-marathon-teardown"],
          refused: /kept state forbids that mesos-marathon:hostname changes from 172\.30\.250\.1 to cluster\.test/,
        },
        networkMode: {
          value: () => "host",
          replaces: all,
          proves: all,
          more: ["delete cluster-network", "update cluster-marathon-teardown"],
          refused: /kept state forbids that mesos-marathon:networkMode \(host\), and with it the slave's host name, changes from 172\.30\.250\.1 to 127\.0\.0\.1/,
        },
      };

const table: Record<(typeof keys)[number], Row | Elsewhere> = {
  ...onNetwork,
  bridgeSubnet: { provedIn: "bridge.test.ts" },
  imageSet: {
    value: () => "tutorial",
    replaces: all,
    proves: all,
    more: [
      ...all.map((component) => `replace cluster-${component}-image`),
      "delete cluster-zookeeper-datalog",
      "update cluster-marathon-teardown",
      "update cluster-mesos-slave-teardown",
    ],
    previewOnly: true,
  },
  customImageSet: { provedIn: "classic.test.ts" },
  imageRegistry: { provedIn: "registry.test.ts" },
  imageRegistryUsername: { provedIn: "registry.test.ts" },
  imageRegistryPassword: { provedIn: "registry.test.ts" },
  // It wants preflight, which other rows do without.
  followImageTags: { provedIn: "names.test.ts" },
  // The slave launches tasks through the same socket.
  dockerHost: {
    value: () => `unix://${door("host")}`,
    replaces: ["mesos-slave"],
    proves: all,
    more: ["update host", "update cluster-marathon-teardown", "update cluster-mesos-slave-teardown"],
  },
  dockerSocket: { value: () => engine, replaces: ["mesos-slave"], proves: ["mesos-slave"] },
  dataFolder: {
    value: () => "/var/tmp/mesos-marathon-preview",
    replaces: ["zookeeper", "mesos-master", "mesos-slave"],
    proves: all,
    more: [...["zookeeper-data", "zookeeper-datalog", "mesos-master-data", "mesos-slave-work"].map((name) => `delete cluster-${name}`), "update cluster-mesos-slave-teardown"],
    refused: /the data of the cluster is in mesos-marathon-preview-cluster-\S+, .* it would begin anew, without apps, beside tasks that nobody tends\. Set it back, or `pulumi destroy` first/,
  },
  restart: { value: () => "unless-stopped", more: all.map((component) => `update cluster-${component}`) },
  logMaxSize: { value: () => "1m", replaces: all, proves: all, shows: 'logOpts["max-size"]' },
  logMaxFiles: { value: () => "2", replaces: all, proves: all, shows: 'logOpts["max-file"]' },
  labels: { value: () => ({ "example.com/team": "payments" }), replaces: all, proves: all, shows: "labels" },
  zookeeperName: { value: () => "preview-zookeeper", replaces: ["zookeeper"], proves: all },
  zookeeperPort: { value: () => "27181", replaces: all, proves: all, more: ["update cluster-marathon-teardown"] },
  zookeeperEnvironment: { value: () => ({ JVMFLAGS: "-Xmx256m" }), replaces: ["zookeeper"], proves: all, shows: "envs" },
  zookeeperMounts: { value: () => ["/etc/hostname:/etc/host-name:ro"], replaces: ["zookeeper"], proves: all, shows: "volumes" },
  zookeeperCpus: { value: () => "1.5", replaces: ["zookeeper"], proves: all, shows: "cpus" },
  zookeeperMemory: { value: () => "512", replaces: ["zookeeper"], proves: all, shows: "memory" },
  // The masters' nodes are made anew; registry, slave and framework are not there.
  mesosZookeeperPath: { value: () => "/clusters/mesos", replaces: aboveZooKeeper, proves: aboveZooKeeper },
  mesosRole: {
    value: () => "batch",
    replaces: ["mesos-slave", "marathon"],
    proves: ["mesos-slave", "marathon"],
    refused: /kept state forbids that mesos-marathon:mesosRole changes from \* to batch/,
  },
  mesosMasterName: { value: () => "preview-master", replaces: ["mesos-master"], proves: aboveZooKeeper, more: ["update cluster-marathon-teardown"] },
  // They find the master through ZooKeeper.
  mesosMasterPort: { value: () => "27050", replaces: ["mesos-master"], proves: aboveZooKeeper, more: ["update cluster-marathon-teardown"] },
  mesosMasterEnvironment: { value: () => ({ MESOS_CLUSTER: "test" }), replaces: ["mesos-master"], proves: aboveZooKeeper, shows: "envs" },
  mesosMasterMounts: { value: () => ["/etc/hostname:/etc/host-name:ro"], replaces: ["mesos-master"], proves: aboveZooKeeper, shows: "volumes" },
  mesosMasterCpus: { value: () => "1.5", replaces: ["mesos-master"], proves: aboveZooKeeper, shows: "cpus" },
  mesosMasterMemory: { value: () => "512", replaces: ["mesos-master"], proves: aboveZooKeeper, shows: "memory" },
  mesosSlaveName: { value: () => "preview-slave", replaces: ["mesos-slave"], proves: ["mesos-slave"], more: ["update cluster-mesos-slave-teardown"] },
  mesosSlavePort: {
    value: () => "27051",
    replaces: ["mesos-slave"],
    proves: ["mesos-slave"],
    refused: /kept state forbids that mesos-marathon:mesosSlavePort changes from 5051 to 27051/,
  },
  mesosSlaveEnvironment: { value: () => ({ MESOS_GC_DELAY: "2days" }), replaces: ["mesos-slave"], proves: ["mesos-slave"], shows: "envs" },
  mesosSlaveMounts: { value: () => ["/etc/hostname:/etc/host-name:ro"], replaces: ["mesos-slave"], proves: ["mesos-slave"], shows: "volumes" },
  mesosSlaveCpus: { value: () => "1.5", replaces: ["mesos-slave"], proves: ["mesos-slave"], shows: "cpus" },
  mesosSlaveMemory: { value: () => "512", replaces: ["mesos-slave"], proves: ["mesos-slave"], shows: "memory" },
  mesosSlaveResources: { value: () => "cpus:3;mem:4096;disk:10240;ports:[31000-32000]", replaces: ["mesos-slave"], proves: ["mesos-slave"] },
  mesosSlaveAttributes: { value: () => "rack:1", replaces: ["mesos-slave"], proves: ["mesos-slave"] },
  // The rehearsal's executors have containers of their own, which get none of the slave's mounts.
  mesosSlaveDockerClient: { provedIn: "classic.test.ts" },
  mesosSlaveGeneration: {
    value: () => "2",
    replaces: ["mesos-slave"],
    proves: ["mesos-slave"],
    more: ["create cluster-mesos-slave-renewal", "create cluster-mesos-slave-work-2", "delete cluster-mesos-slave-work", "update cluster-mesos-slave-teardown"],
    previewOnly: true,
  },
  marathonName: { value: () => "preview-marathon", replaces: ["marathon"], proves: ["marathon"], more: ["update cluster-marathon-teardown"] },
  marathonPort: { value: () => "27080", replaces: ["marathon"], proves: ["marathon"], more: ["update cluster-marathon-teardown"] },
  marathonZookeeperPath: {
    value: () => "/marathon-2",
    replaces: ["marathon"],
    proves: ["marathon"],
    more: ["update cluster-marathon-teardown"],
    previewOnly: true,
  },
  marathonEnvironment: { value: () => ({ MARATHON_TASK_LAUNCH_TIMEOUT: "300000" }), replaces: ["marathon"], proves: ["marathon"], shows: "envs" },
  marathonMounts: { value: () => ["/etc/hostname:/etc/host-name:ro", "/srv:/srv"], replaces: ["marathon"], proves: ["marathon"], shows: "volumes" },
  marathonCpus: { value: () => "1.50", replaces: ["marathon"], proves: ["marathon"], shows: "cpus" },
  marathonMemory: { value: () => "512", replaces: ["marathon"], proves: ["marathon"], shows: "memory" },
  readyTimeout: { value: () => "299", proves: all },
  onDestroy: { value: () => "erase", more: ["update cluster-marathon-teardown", "update cluster-mesos-slave-teardown"], previewOnly: true },
  acceptedWarnings: { value: () => ["low-disk", "exposed"] },
  preflight: { value: () => "false" },
};

/** Another path to the same Docker Engine. */
const door = (name: string) => join(stack.folder, `${name}.sock`);

let stack: TestStack;
let marathonUrl = "http://127.0.0.1:8080";
let standingBefore: Awaited<ReturnType<typeof standing>>;
let app: unknown;
let data: unknown;

before(async () => {
  stack = await TestStack.create("preview", base);
  await symlink(engine, door("host"));
});

after(() => stack.remove());

test("every key has a row", () => {
  assert.deepEqual(Object.keys(table).sort(), [...keys].sort());
  for (const [key, row] of Object.entries(table)) {
    assert.ok(!("provedIn" in row) || readFileSync(join(__dirname, row.provedIn), "utf8").includes(key), key);
  }
});

test("the cluster runs an app", async () => {
  await stack.up();
  await startApp(marathonUrl, "/sleep");
  data = await dataVolumes();
  app = await eventually("its task", runningApp);
});

test("with every key set to its default, there is nothing to do", async () => {
  const { config } = pulumiYaml();
  const explicit = Object.entries(config).map(([key, { default: value }]) => [`mesos-marathon:${key}`, value]);
  await stack.configure({ ...Object.fromEntries(explicit), ...base });
  assert.deepEqual(await stack.wholePreview(), { steps: [], warnings: [] });
  await stack.configure(base);
  assert.deepEqual(await stack.wholePreview(), { steps: [], warnings: [] });
});

/** Steps without what changes in each. */
const named = (steps: readonly string[]) => steps.map((step) => step.split(":")[0]).sort();

/** What is changed in one go: one key, or those that show beside each other. */
const changes = new Map<string, Record<string, Row>>();
for (const [key, row] of Object.entries(table)) {
  if (!("provedIn" in row)) {
    const together = row.shows ? JSON.stringify(row.replaces) : key;
    changes.set(together, { ...changes.get(together), [key]: row });
  }
}

for (const rows of changes.values()) {
  const [{ replaces = [], proves = [], more = [], refused, previewOnly }] = Object.values(rows);
  const expected = [...replaces.map((name) => `replace cluster-${name}`), ...proves.map((name) => `update cluster-${name}-ready`), ...more].sort();
  const what = Object.keys(rows).join(", ");
  const change = async () => {
    for (const [key, { value }] of Object.entries(rows)) {
      await stack.set(`mesos-marathon:${key}`, value());
    }
  };
  const areShown = (steps: string[]) => {
    for (const step of steps.filter((step) => step.startsWith("replace "))) {
      const differences = step.replace(/^\S+ \S+: /, "").split(", ");
      for (const { shows } of Object.values(rows)) {
        assert.ok(!shows || differences.some((difference) => difference === shows || difference.startsWith(`${shows}[`)), `${shows} is not in ${step}`);
      }
    }
  };

  if (refused || previewOnly) {
    test(`${what}: ${refused ? "the change is refused before anything is touched, and " : ""}the preview tells it whole without preflight`, async () => {
      standingBefore = await standing();
      await change();
      if (refused) {
        await assert.rejects(stack.preview(), refused);
        await assert.rejects(stack.up(), refused);
      }
      assert.deepEqual(await standing(), standingBefore);
      await stack.set("mesos-marathon:preflight", false);
      const { steps } = await stack.wholePreview();
      await stack.set("mesos-marathon:preflight", undefined);
      for (const key of Object.keys(rows)) {
        await stack.set(`mesos-marathon:${key}`, base[`mesos-marathon:${key}` as keyof typeof base]);
      }
      assert.deepEqual(named(steps), expected);
      areShown(steps);
    });
    continue;
  }

  test(`${what}: what the preview says is what happens`, async () => {
    standingBefore = await standing();
    await change();
    const { steps, warnings } = await stack.wholePreview();
    assert.deepEqual(named(steps), expected);
    areShown(steps);
    assert.deepEqual(await standing(), standingBefore, "a preview touches nothing");

    // Each interruption is told, by the name that the container still has, and no other.
    const told = warnings.flatMap((text) => /^the container (\S+) is replaced \(changed: .+\): .*tasks keep running$/.exec(text)?.[1] ?? []);
    assert.deepEqual(told.sort(), replaces.map((component) => nameOf(component, standingBefore)).sort());
    assert.equal(warnings.length, told.length, String(warnings));

    assert.deepEqual((await stack.upSteps()).sort(), steps.sort());
    const after = await standing();
    const kept = standingBefore.filter(({ id }) => after.some((container) => container.id === id));
    assert.deepEqual(
      components.filter((component) => !kept.some(({ name }) => name === nameOf(component, standingBefore))),
      replaces,
    );
    ({ marathonUrl } = await stack.outputs());
    // Where ZooKeeper was replaced, Marathon may start again once more.
    await eventually("the app as it was", async () => {
      assert.deepEqual(await runningApp(), app);
      return true;
    });
  });
}

test("Docker has what the keys say", async () => {
  const { HostConfig, Config } = await docker.getContainer("preview-marathon").inspect();
  assert.equal(HostConfig.RestartPolicy?.Name, "unless-stopped");
  assert.deepEqual(HostConfig.LogConfig, { Type: "json-file", Config: { "max-size": "1m", "max-file": "2" } });
  assert.equal(HostConfig.NanoCpus, 1.5e9);
  assert.equal(HostConfig.Memory, 512 * 1024 ** 2);
  assert.deepEqual([...(HostConfig.Binds ?? [])].sort(), ["/etc/hostname:/etc/host-name:ro", "/srv:/srv:rw"]);
  assert.equal(Config.Labels["example.com/team"], "payments");
});

test("nothing is left to do, in whatever order mounts are written, and each volume with data is the one that it was", async () => {
  assert.deepEqual(await stack.preview(), []);
  assert.deepEqual(await dataVolumes(), data);
  await stack.set("mesos-marathon:marathonMounts", ["/srv:/srv", "/etc/hostname:/etc/host-name:ro"]);
  assert.deepEqual(await stack.preview(), []);
  await stack.mustRun("refresh", "--yes", "--skip-preview", "--expect-no-changes");
});

test("each change of labels, mounts, limits and the restart policy is seen, the last one taken away too", async () => {
  const replaced = async (key: string, value?: string | string[] | Record<string, string>) => {
    await stack.set(`mesos-marathon:${key}`, value);
    const steps = await stack.preview();
    return steps.filter((step) => /^(replace|update) cluster-marathon:/.test(step));
  };
  assert.deepEqual(await replaced("labels", { "example.com/team": "shipping" }), ["replace cluster-marathon: labels"]);
  assert.deepEqual(await replaced("labels", { "example.com/team": "payments", more: "1" }), ["replace cluster-marathon: labels"]);
  assert.deepEqual(await replaced("labels"), ["replace cluster-marathon: labels"]);
  await stack.set("mesos-marathon:labels", { "example.com/team": "payments" });
  assert.deepEqual(await replaced("marathonMounts", ["/srv:/srv:ro", "/etc/hostname:/etc/host-name:ro"]), ["replace cluster-marathon: volumes"]);
  assert.deepEqual(await replaced("marathonMounts"), ["replace cluster-marathon: volumes"]);
  await stack.set("mesos-marathon:marathonMounts", ["/srv:/srv", "/etc/hostname:/etc/host-name:ro"]);
  assert.deepEqual(await replaced("marathonCpus"), ["replace cluster-marathon: cpus"]);
  assert.deepEqual(await replaced("marathonCpus", "1.5"), []);
  assert.deepEqual(await replaced("logMaxSize"), ["replace cluster-marathon: logOpts[\"max-size\"]"]);
  await stack.set("mesos-marathon:logMaxSize", "1m");
  assert.deepEqual(await replaced("restart"), ["update cluster-marathon: restart"]);
  await stack.set("mesos-marathon:restart", "unless-stopped");
  assert.deepEqual(await stack.preview(), []);
});

test("another path of Marathon's makes it another framework, which is said before; with the old one its apps are there again", async () => {
  const before = await runningApp();
  await stack.set("mesos-marathon:preflight", undefined);
  await stack.set("mesos-marathon:marathonZookeeperPath", "/marathon-2");
  const { warnings } = await stack.wholePreview();
  assert.match(warnings.join("\n"), /marathonZookeeperPath changes from \/marathon to \/marathon-2: Marathon becomes another framework, with the apps that are at \/marathon-2\. Those at \/marathon are there again when that is set back; until then their tasks run on/);
  const { output } = await stack.up();
  assert.match(output, /where marathonZookeeperPath was changed, the old apps are at the old one: set it back/);
  assert.deepEqual((await get(`${marathonUrl}/v2/apps`)).apps, []);
  assert.equal((await standing((name) => /^mesos-[0-9a-f]{8}-/.test(name))).length, 2);
  await stack.set("mesos-marathon:marathonZookeeperPath", undefined);
  await stack.up();
  assert.deepEqual(await eventually("its task", runningApp), before);
});

test("what the slave's kept state forbids a new slave may have: said before it happens, and the app is there again", async () => {
  const before = await runningApp();
  assert.ok(before);
  await stack.set("mesos-marathon:mesosRole", "batch");
  await stack.set("mesos-marathon:mesosSlavePort", 27051);
  await stack.set("mesos-marathon:address", "127.0.0.2");
  await stack.set("mesos-marathon:mesosSlaveGeneration", 2);
  const { steps, warnings } = await stack.wholePreview();
  const loss = "the container preview-slave is replaced, by another Mesos slave (generation 2): it leaves its master, all of its tasks are lost, and Marathon launches them anew. ";
  assert.ok(warnings.some((text) => text.startsWith(`${loss}Its work directory, with what tasks wrote, stays, as the volume mesos-marathon-preview-cluster-mesos-slave-work`)), String(warnings));

  // The list of variables, a set, has another order as long as the new work directory's path is not known.
  assert.deepEqual(named(await stack.upSteps()), named(steps));
  ({ marathonUrl } = await stack.outputs());
  const { slaves } = await get("http://127.0.0.2:27050/slaves");
  assert.deepEqual(slaves.map(({ active }: { active: boolean }) => active), [true]);
  assert.notEqual(slaves[0].id, before.slaveId);
  assert.equal((await get(`${marathonUrl}/v2/info`)).frameworkId, before.frameworkId);
  assert.deepEqual(await standing((name) => before.containers.some((container) => container.name === name)), [], "what ran on the old one is gone");
  assert.deepEqual(await workVolumes(), ["mesos-marathon-preview-cluster-mesos-slave-work", "mesos-marathon-preview-cluster-mesos-slave-work-2"]);

  // An app keeps the role under which it was made, and is offered nothing of another one's.
  const [waiting] = (await get(`${marathonUrl}/v2/queue`)).queue;
  assert.deepEqual([waiting.app.id, waiting.app.role], ["/sleep", "*"]);
  const response = await fetch(`${marathonUrl}/v2/apps/sleep?force=true`, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ role: "batch" }) });
  assert.equal(response.status, 200);
  const after = await eventually("its task", runningApp);
  assert.equal(after.slaveId, slaves[0].id);

  assert.deepEqual(await stack.preview(), []);
  await stack.set("mesos-marathon:mesosSlaveGeneration", undefined);
  await assert.rejects(stack.preview(), /mesosSlaveGeneration goes back from 2 to 1, and that Mesos slave has left for good: write 2, or 3 for another new one/);
  await stack.set("mesos-marathon:mesosSlaveGeneration", 2);
});

test("a destroy that erases removes the work directories of both slaves", async () => {
  await stack.set("mesos-marathon:onDestroy", "erase");
  await stack.up();
  await stack.destroy();
  assert.deepEqual(await workVolumes(), []);
});

const workVolumes = async () => (await volumeNames()).filter((name) => name.startsWith("mesos-marathon-preview-cluster-mesos-slave-work")).sort();

/** Framework, slave and running task of the app, with its containers, which no change may touch. */
async function runningApp() {
  const [{ frameworkId }, { tasks }, containers] = await Promise.all([
    get(`${marathonUrl}/v2/info`),
    get(`${marathonUrl}/v2/apps/sleep/tasks`),
    standing((name) => /^mesos-[0-9a-f]{8}-/.test(name)),
  ]);
  const [task] = tasks;
  return task?.state === "TASK_RUNNING" && containers.length === 2 && { frameworkId, slaveId: task.slaveId, task: task.id, startedAt: task.startedAt, containers };
}

/** The volumes with data. One that was made anew, as for a new label, is not equal to what it was. */
async function dataVolumes() {
  const names = (await volumeNames()).filter((name) => name.startsWith("mesos-marathon-preview-cluster-") && !name.endsWith("-interlock"));
  const volumes = await Promise.all(names.map((name) => docker.getVolume(name).inspect()));
  // Docker's CreatedAt is the time of the last change in the volume.
  return volumes.map(({ Name, Labels, Mountpoint }) => ({ Name, Labels, made: statSync(Mountpoint).birthtimeMs }));
}

/** The name that a component's container has in a census. */
function nameOf(component: Component, census: typeof standingBefore): string {
  const names = [component, `preview-${component.replace("mesos-", "")}`];
  return census.find(({ name }) => names.includes(name))?.name ?? `no ${component}`;
}
