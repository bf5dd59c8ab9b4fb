import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { chromium } from "playwright-core";

import { get, runningTask, startApp, web } from "./app";
import { census, docker, plantLookAlikes, standing } from "./docker";
import { eventually } from "./eventually";
import { network, projectFolder, TestStack } from "./stack";

// One life of a cluster, told in order: each test goes on where the one before it ended.

const ports = { zookeeperPort: 22181, mesosMasterPort: 25050, mesosSlavePort: 25051, marathonPort: 28080 };
const names = { zookeeperName: "life-zookeeper", mesosMasterName: "life-master", mesosSlaveName: "life-slave", marathonName: "life-marathon" };
const ours = Object.values(names);
const mesosUrl = `http://127.0.0.1:${ports.mesosMasterPort}`;
const marathonUrl = `http://127.0.0.1:${ports.marathonPort}`;
const volumes = ["mesos-master-data", "mesos-slave-work", "zookeeper-data", "zookeeper-datalog"].map((suffix) => `mesos-marathon-life-cluster-${suffix}`);
const foreignVolume = "mesos-marathon-lifetime-cluster-zookeeper-data";

let stack: TestStack;
let strangers: Awaited<ReturnType<typeof census>>;

before(async () => {
  await plantLookAlikes(["life-zookeeper-2"], [foreignVolume]);
  strangers = await census();
  stack = await TestStack.create("life", {
    "mesos-marathon:imageSet": "rehearsal",
    ...Object.fromEntries(Object.entries({ ...ports, ...names }).map(([key, value]) => [`mesos-marathon:${key}`, value])),
    "mesos-marathon:mesosSlaveResources": "cpus:2;mem:1024;disk:1024;ports:[31500-31599]",
  });
});

after(() => stack?.remove());

test("up from nothing ends with a cluster that works", async () => {
  await stack.up();

  const { slaves } = await get(`${mesosUrl}/master/slaves`);
  assert.deepEqual(slaves.map(({ pid, active }: any) => ({ pid, active })), [{ pid: `slave(1)@${network.mesosSlave}:${ports.mesosSlavePort}`, active: true }]);
  const { frameworkId } = await get(`${marathonUrl}/v2/info`);
  const { frameworks } = await get(`${mesosUrl}/master/frameworks`);
  assert.deepEqual(frameworks.map(({ id, active }: any) => ({ id, active })), [{ id: frameworkId, active: true }]);
});

test("the outputs say where the cluster is and that it is a stand-in", async () => {
  assert.deepEqual(await stack.outputs(), {
    mesosUrl,
    marathonUrl,
    zookeeperConnectionString: `127.0.0.1:${ports.zookeeperPort}`,
    cluster: {
      schemaVersion: 1,
      imageSet: { name: "rehearsal", standIn: true },
      zookeeper: { connectionString: `127.0.0.1:${ports.zookeeperPort}`, mesosPath: "/mesos", marathonPath: "/marathon" },
      masters: [{ url: mesosUrl, container: names.mesosMasterName, version: "1.11.0" }],
      slaves: [{ url: `http://127.0.0.1:${ports.mesosSlavePort}`, container: names.mesosSlaveName, version: "1.11.0" }],
      marathon: { url: marathonUrl, container: names.marathonName, version: "1.11.0" },
    },
  });
});

test("the pages of the master and of Marathon answer and say that they are stand-ins", async () => {
  for (const url of [`${mesosUrl}/`, `${marathonUrl}/`]) {
    const response = await fetch(url);
    assert.equal(response.status, 200, url);
    assert.match(await response.text(), /stand-in/i, url);
  }
});

test("everything listens on the address that was given, the slave where its links lead to as well, and nothing on any other", async () => {
  const listening = (await Promise.all(["tcp", "tcp6"].map((table) => readFile(`/proc/net/${table}`, "utf8"))))
    .flatMap((table) => table.split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A")
    .map((fields) => fields[1].split(":"))
    // /proc writes an IPv4 address backwards, and the same at the end of the IPv6 one that maps it.
    .map(([address, port]) => ({ address: [...Buffer.from(address.slice(-8), "hex")].reverse().join("."), port: Number.parseInt(port, 16) }))
    .filter(({ port }) => Object.values(ports).includes(port));
  const wanted = [...Object.values(ports).map((port) => `127.0.0.1:${port}`), `${network.taskHost}:${ports.mesosSlavePort}`];
  assert.deepEqual([...new Set(listening.map(({ address, port }) => `${address}:${port}`))].sort(), [...new Set(wanted)].sort());
});

test("an app runs as a container, answers on its dynamic port, and is replaced when it is killed", async () => {
  const first = await startApp(marathonUrl, "/web", web);
  assert.ok(first.ports[0] >= 31500 && first.ports[0] <= 31599, String(first.ports));
  const [container] = await taskContainers();
  await docker.getContainer(container.id).kill();
  const second = await eventually("another task", async () => {
    const task = await runningTask(marathonUrl, "/web");
    return task.id !== first.id && task;
  });
  assert.equal(second.host, network.taskHost);
  await eventually("its answer", async () => (await fetch(`http://${second.host}:${second.ports[0]}/`)).ok);
});

test("in a browser the pages load without an error, show the slave and the app, say that they are stand-ins, and lead to the task's sandbox", async () => {
  const browser = await chromium.launch({
    executablePath: process.env.TEST_BROWSER,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  try {
    for (const [url, shown] of [[mesosUrl, `${network.taskHost}:${ports.mesosSlavePort}`], [marathonUrl, "/web"]]) {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      // A page asks again and again, and who leaves it may break off a question.
      page.on("requestfailed", (request) => request.failure()?.errorText !== "net::ERR_ABORTED" && errors.push(`${request.url()}: ${request.failure()?.errorText}`));
      await page.goto(url);
      await page.getByText(shown).first().waitFor();
      assert.match(await page.locator("body").innerText(), /stand-in/i, url);
      if (url === marathonUrl) {
        const nothing = page.getByText("Nothing is being deployed.");
        await nothing.waitFor();
        assert.equal(await nothing.evaluate((cell: any) => cell.colSpan), await page.locator("table:has(#deployments) th").count());
      } else {
        await page.locator(`a[href*="${network.taskHost}:${ports.mesosSlavePort}"]`).first().click();
        await page.getByText("Mesos slave (stand-in)").first().waitFor();
        await page.getByText("/slaves/").first().waitFor();
      }
      assert.deepEqual(errors, [], url);
    }
  } finally {
    await browser.close();
  }
});

test("a second preview and a second up find nothing to do", async () => {
  const before = await Promise.all([standing(), stack.resources()]);
  assert.deepEqual(await stack.preview(), []);
  await stack.up("--expect-no-changes");
  assert.deepEqual(await Promise.all([standing(), stack.resources()]), before);
});

test("a refresh finds no difference, and the preview after it neither", async () => {
  const before = await Promise.all([standing(), stack.resources()]);
  await stack.mustRun("refresh", "--yes", "--skip-preview", "--expect-no-changes");
  assert.deepEqual(await stack.preview(), []);
  assert.deepEqual(await Promise.all([standing(), stack.resources()]), before);
});

test("another stack deploys an app onto the cluster and is told where it answers", async () => {
  const consumer = await consumerUp("consumer");
  const { urls } = await consumer.outputs();
  assert.equal(urls.length, 1);
  assert.equal((await fetch(urls[0])).status, 200);
  assert.equal((await fetch(`${marathonUrl}/v2/apps/consumer`)).status, 200);
  // A StackReference is read every time.
  assert.deepEqual(await consumer.preview(), ["read organization/mesos-marathon/life: "]);
  await consumer.destroy();
  assert.equal((await fetch(`${marathonUrl}/v2/apps/consumer`)).status, 404);
});

test("destroy removes every container of ours, keeps the data, and touches nothing else", async () => {
  assert.ok((await taskContainers()).length > 0);
  const { output } = await stack.destroy();
  assert.match(output, new RegExp(`kept, with the data of the cluster: volumes ${volumes.join(", ")}\\n`));
  assert.deepEqual(await census(), { ...strangers, volumes: [...strangers.volumes, ...volumes].sort() });
});

test("the next up takes the data up again: the app starts afresh", async () => {
  await stack.up();
  await runningTask(marathonUrl, "/web");
});

test("a stack on the cluster can be destroyed after it", async () => {
  const consumer = await consumerUp("consumer-2");
  await stack.destroy();
  assert.deepEqual(await standing(), strangers.containers);
  const { output } = await consumer.destroy();
  assert.match(output, /\/consumer: does not run any more, as http:\S+ does not answer \(.+\)\. It comes back with the cluster if that kept its data/);
});

async function consumerUp(name: string): Promise<TestStack> {
  const consumer = await TestStack.create(
    name,
    { "mesos-marathon-consumer:clusterStack": "organization/mesos-marathon/life" },
    { project: `${projectFolder}/examples/consumer`, backend: stack },
  );
  await consumer.up();
  return consumer;
}

async function taskContainers() {
  const known = new Set(strangers.containers.map(({ id }) => id));
  return (await standing((name) => name.startsWith("mesos-") && !ours.includes(name) && !name.endsWith(".executor"))).filter(
    ({ id, running }) => running && !known.has(id),
  );
}
