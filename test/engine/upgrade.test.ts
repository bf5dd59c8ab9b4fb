import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { imageSets } from "../../components";
import { get, startApp } from "./app";
import { docker, standing } from "./docker";
import { eventually } from "./eventually";
import { TestStack } from "./stack";

// A cluster whose versions change, under an app that must not notice: one component's, all of them, and back. The other
// versions are the same stand-ins under other tags: what is proved is what the stack does. ZooKeeper 3.9 is a real one,
// Debian 13's on Debian 12's Java; 3.8.1 is 3.8.0 under another tag.

const programs = { zookeeper: "zookeeper", mesosMaster: "mesos-master", mesosSlave: "mesos-slave", marathon: "marathon" } as const;
type Program = keyof typeof programs;
const { rehearsal } = imageSets;
const repository = (program: Program) => rehearsal[program].image.split(":")[0];
const names = Object.values(programs);
const marathonUrl = "http://127.0.0.1:8080";
const newZooKeeper = "3.9.3";

let folder: string;
let stack: TestStack;
let app: unknown;
const tagged: string[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mesos-marathon-upgrade-"));
  await makeNewZooKeeper();
  stack = await TestStack.create("upgrade", { "mesos-marathon:imageSet": "rehearsal" });
  await stack.up();
  await startApp(marathonUrl, "/sleep");
  app = await running();
});

after(async () => {
  await stack.remove();
  await rm(folder, { recursive: true, force: true });
});

/** The rehearsal's ZooKeeper image with the files of a newer ZooKeeper over those that are there. */
async function makeNewZooKeeper(): Promise<void> {
  const container = await docker.createContainer({ Image: rehearsal.zookeeper.image });
  await container.putArchive(process.env.TEST_ZOOKEEPER ?? "", { path: "/" });
  await container.commit({ repo: repository("zookeeper"), tag: newZooKeeper });
  tagged.push(`${repository("zookeeper")}:${newZooKeeper}`);
  await container.remove();
}

/** Configures the rehearsal's images with other versions of these programs. */
async function take(versions: Partial<Record<Program, string>>): Promise<void> {
  const others = await Promise.all(
    (Object.entries(versions) as [Program, string][]).map(async ([program, version]) => {
      const image = `${repository(program)}:${version}`;
      if (!tagged.includes(image)) {
        tagged.push(image);
        await docker.getImage(rehearsal[program].image).tag({ repo: repository(program), tag: version });
      }
      return [program, { ...rehearsal[program], builtFrom: undefined, image, version }];
    }),
  );
  const file = join(folder, "images.json");
  await writeFile(file, JSON.stringify({ like: "rehearsal", ...Object.fromEntries(others) }));
  await stack.configure({ "mesos-marathon:imageSet": "custom", "mesos-marathon:customImageSet": file });
}

const images = async () => Promise.all(names.map(async (name) => (await docker.getContainer(name).inspect()).Config.Image.split(":")[1]));

/** Marathon, which ends when it loses ZooKeeper, is started again in the same container. */
const ids = (containers: readonly string[]) => Promise.all(containers.map(async (name) => (await docker.getContainer(name).inspect()).Id));

/** Framework, slave, app and running task with its containers, which no change of a version may touch. */
async function running() {
  const [{ frameworkId }, { slaves }, { apps }, { tasks }, containers] = await Promise.all([
    get(`${marathonUrl}/v2/info`),
    get("http://127.0.0.1:5050/master/slaves"),
    get(`${marathonUrl}/v2/apps`),
    get(`${marathonUrl}/v2/apps/sleep/tasks`),
    standing((name) => name.startsWith("mesos-") && !names.some((other) => other === name)),
  ]);
  return {
    frameworkId,
    slaves: slaves.filter(({ active }: any) => active).map(({ id }: any) => id),
    apps,
    tasks: tasks.map(({ id, startedAt, state }: any) => ({ id, startedAt, state })),
    containers,
  };
}

/**
 * Where ZooKeeper was away for about ten seconds the master may still end for it, and Marathon with the master, when `up` has ended: what has
 * to be the same is asked for until both are back.
 */
const goesOn = () =>
  eventually("framework, slave, app and task as they were", async () => {
    assert.deepEqual(await running(), app);
    return true;
  });

/** What the running ZooKeeper says of its version and its mode. */
const serving = () =>
  new Promise<string>((resolve, reject) => {
    let text = "";
    const connection = connect(2181, "127.0.0.1", () => connection.write("srvr"));
    connection.on("data", (part) => (text += part)).on("end", () => resolve(text)).on("error", reject);
  }).then((text) => [/^Zookeeper version: ([\d.]+)/m.exec(text)?.[1], /^Mode: (\w+)/m.exec(text)?.[1]]);

test("one component's version: its container alone is replaced", async () => {
  await take({ marathon: "1.11.1" });
  const census = await standing((name) => names.slice(0, 3).some((other) => other === name));
  const steps = (await stack.upSteps()).map((step) => step.split(":")[0]).sort();
  assert.deepEqual(steps, ["replace cluster-marathon", "replace cluster-marathon-image", "update cluster-marathon-ready"]);
  assert.deepEqual(await standing((name) => names.slice(0, 3).some((other) => other === name)), census);
  assert.deepEqual(await images(), ["3.8.0", "1.11.0", "1.11.0", "1.11.1"]);
  assert.deepEqual(await running(), app);
});

test("all versions: ZooKeeper, master, then slave and Marathon, each when what it needs is ready, and the app runs on", async () => {
  await take({ zookeeper: "3.8.1", mesosMaster: "1.11.1", mesosSlave: "1.11.1", marathon: "1.11.2" });
  const order = await ends();
  const at = (what: string) => {
    assert.ok(order.includes(what), `${what} is not among ${order.join(", ")}`);
    return order.indexOf(what);
  };
  for (const [earlier, later] of [
    ["replace cluster-zookeeper", "update cluster-zookeeper-ready"],
    ["update cluster-zookeeper-ready", "replace cluster-mesos-master"],
    ["replace cluster-mesos-master", "update cluster-mesos-master-ready"],
    ["update cluster-mesos-master-ready", "replace cluster-mesos-slave"],
    ["update cluster-mesos-master-ready", "replace cluster-marathon"],
    ["replace cluster-mesos-slave", "update cluster-mesos-slave-ready"],
    ["replace cluster-marathon", "update cluster-marathon-ready"],
  ]) {
    assert.ok(at(earlier) < at(later), order.join(", "));
  }
  assert.deepEqual(await images(), ["3.8.1", "1.11.1", "1.11.1", "1.11.2"]);
  await goesOn();
  assert.deepEqual(await stack.wholePreview(), { steps: [], warnings: [] });
});

test("back to what was before, within the release lines", async () => {
  await stack.configure({ "mesos-marathon:imageSet": "rehearsal" });
  await stack.up();
  assert.deepEqual(await images(), ["3.8.0", "1.11.0", "1.11.0", "1.11.0"]);
  await goesOn();
});

test("ZooKeeper of the next release line goes on with the data: it alone is replaced, and all that stands on it is proved anew", async () => {
  assert.deepEqual(await serving(), ["3.8.0", "standalone"]);
  await take({ zookeeper: newZooKeeper });
  const others = await ids(names.slice(1));
  const { steps, warnings } = await stack.wholePreview();
  assert.deepEqual(steps.sort(), [
    "replace cluster-zookeeper-image: name",
    "replace cluster-zookeeper: image",
    "update cluster-marathon-ready: environment.AFTER",
    "update cluster-mesos-master-ready: environment.AFTER",
    "update cluster-mesos-slave-ready: environment.AFTER",
    "update cluster-zookeeper-ready: environment.CONTAINER_ID",
  ]);
  assert.deepEqual(warnings, ["the container zookeeper is replaced (changed: image): for some ten seconds nothing is launched and Marathon answers nothing; tasks keep running"]);
  assert.deepEqual((await stack.upSteps()).sort(), steps);
  assert.deepEqual(await serving(), [newZooKeeper, "standalone"]);
  assert.deepEqual(await ids(names.slice(1)), others);
  await goesOn();
  assert.deepEqual(await stack.wholePreview(), { steps: [], warnings: [] });
});

test("what its data does not survive is refused before anything is touched, and what it does survive goes", async () => {
  await take({ zookeeper: newZooKeeper, mesosMaster: "1.12.0", mesosSlave: "1.12.0", marathon: "1.12.0" });
  await stack.up();
  assert.deepEqual(await running(), app);
  const census = await standing((name) => names.some((other) => other === name));

  await stack.configure({ "mesos-marathon:imageSet": "rehearsal" });
  const refused = /ZooKeeper 3\.8\.0 \(\S+\) cannot go on with what 3\.9\.3 \(\S+\) has left: nobody promises .*\[version-dead-end\]\s+- Marathon 1\.11\.0 \(\S+\) cannot go on with what 1\.12\.0 \(\S+\) has left: Marathon refuses data/;
  await assert.rejects(stack.preview(), refused);
  await assert.rejects(stack.up(), refused);
  assert.deepEqual(await standing((name) => names.some((other) => other === name)), census);

  await take({ zookeeper: newZooKeeper, marathon: "1.12.0" });
  await stack.up();
  assert.deepEqual(await images(), [newZooKeeper, "1.11.0", "1.11.0", "1.12.0"]);
  await goesOn();
});

/** Runs `up` and tells in which order its steps ended; a replacement when its new resource is there. */
async function ends(): Promise<string[]> {
  const { stdout } = await stack.up("--json");
  const events = stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return events.flatMap(({ resOutputsEvent }) => {
    const { op = "", urn = "" } = resOutputsEvent?.metadata ?? {};
    return op === "create-replacement" ? `replace ${urn.split("::").pop()}` : op === "update" ? `update ${urn.split("::").pop()}` : [];
  });
}
