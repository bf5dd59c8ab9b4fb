/** The docker drop-in where things go wrong or are stopped: half-made containers, cancelled waits, time limits, things in use. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type * as grpc from "@grpc/grpc-js";
import { secret, type Properties } from "../../setup/drop-ins/wire";
import { docker, DOCKER_HOST, ignoreMissing, IMAGE, removeContainers } from "./docker-engine";
import { partialFailure, PluginProcess, pulumiHome } from "./plugin-process";

const urn = (type: string, name = "it") => `urn:pulumi:dev::life::docker:index/${type}::${name}`;
const CONTAINER = urn("container:Container");
const NAME = "life-container";
const VOLUME = "life-volume";

let home: Awaited<ReturnType<typeof pulumiHome>>;
let plugin: PluginProcess;

before(async () => {
  home = await pulumiHome();
});

beforeEach(async () => {
  await plugin?.stop();
  await clean();
  plugin = await PluginProcess.start(home.home, "docker");
  await plugin.configure({ host: DOCKER_HOST });
});

after(async () => {
  await plugin?.stop();
  await clean();
  home?.remove();
});

async function clean(): Promise<void> {
  await removeContainers(NAME);
  await docker.getVolume(VOLUME).remove().catch(ignoreMissing);
}

type Made = { id: string; properties: Properties };

async function checked(inputs: Properties): Promise<Properties> {
  const news = { name: NAME, image: IMAGE, networkMode: "none", command: ["sleep", "1000"], ...inputs };
  const answer = await plugin.call("Check", { urn: CONTAINER, news });
  assert.equal(answer.failures, undefined);
  return answer.inputs as Properties;
}

async function create(inputs: Properties, more = {}): Promise<Made> {
  return (await plugin.call("Create", { urn: CONTAINER, properties: await checked(inputs), ...more })) as Made;
}

async function failure(call: Promise<unknown>): Promise<grpc.ServiceError> {
  return call.then(
    (answer) => assert.fail(`it succeeded: ${JSON.stringify(answer)}`),
    (error: grpc.ServiceError) => error,
  );
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await condition()) return;
    await sleep(50);
  }
  assert.fail(`waited in vain until ${what}`);
}

const running = () =>
  docker
    .getContainer(NAME)
    .inspect()
    .then(({ State }) => State.Running, () => false);

const NEVER_HEALTHY = { healthcheck: { tests: ["CMD", "false"], interval: "1s", retries: 1000 }, wait: true, waitTimeout: 600 };

test("a container that cannot be started is kept, with Docker's reason, and replaced by the next update", async () => {
  const inputs = await checked({ command: ["/no/such/program"] });
  const error = await failure(plugin.call("Create", { urn: CONTAINER, properties: inputs }));
  assert.match(error.details, /^Unable to start container: Error response from daemon: .*no such file or directory/);
  const partial = partialFailure(error);
  assert.equal(partial?.id, (await docker.getContainer(NAME).inspect()).Id);
  assert.deepEqual(partial?.reasons, [error.details]);
  const diff = await plugin.call("Diff", { urn: CONTAINER, id: partial?.id, olds: partial?.properties, oldInputs: inputs, news: inputs });
  assert.deepEqual(diff.replaces, ["entrypoints"]);
  await plugin.call("Delete", { urn: CONTAINER, id: partial?.id, properties: partial?.properties });
  assert.equal(await running(), false);
});

test("secrets of a half-made container stay secret", async () => {
  const error = await failure(create({ command: ["/no/such/program"], envs: [secret("A=geheim")] }));
  assert.deepEqual(partialFailure(error)?.properties.envs, secret(["A=geheim"]));
});

test("waiting without a health check, or for a container that ended, fails at once and says why", async () => {
  assert.match((await failure(create({ wait: true }))).details, /has no health check/);
  await clean();
  const ended = await failure(create({ ...NEVER_HEALTHY, command: ["sh", "-c", "exit 7"] }));
  assert.match(ended.details, /ended with exit code 7 before it was healthy/);
  assert.ok(partialFailure(ended));
});

test("waiting ends after waitTimeout with what the health check said", async () => {
  const error = await failure(create({ ...NEVER_HEALTHY, healthcheck: { tests: ["CMD-SHELL", "echo not yet; exit 1"], interval: "1s", retries: 1000 }, waitTimeout: 10 }));
  assert.match(error.details, /^the container was not healthy after 10 s \(starting\); its health check said: not yet$/);
});

test("cancel ends a wait at once; the container is kept", async () => {
  const waiting = failure(create(NEVER_HEALTHY));
  await until(running, "it runs");
  await plugin.cancel();
  const error = await waiting;
  assert.equal(error.details, "cancelled");
  assert.equal(partialFailure(error)?.id, (await docker.getContainer(NAME).inspect()).Id);
  const later = await failure(plugin.call("Read", { urn: CONTAINER, id: NAME, properties: {} }));
  assert.equal(later.details, "cancelled");
});

test("a time limit of the program ends a wait too", async () => {
  const error = await failure(create(NEVER_HEALTHY, { timeout: 3 }));
  assert.equal(error.details, "not finished within the time limit of 3 s");
  assert.ok(partialFailure(error));
});

test("an image that cannot be had is an error that leaves nothing", async () => {
  const error = await failure(create({ image: "127.0.0.1:1/no/such:image" }));
  assert.match(error.details, /^Unable to pull 127\.0\.0\.1:1\/no\/such:image: Error response from daemon: .*127\.0\.0\.1:1/);
  assert.equal(partialFailure(error), undefined);
});

test("a container without a command, of an image without one, is no change", async () => {
  const { command: _, ...inputs } = await checked({ entrypoints: ["sleep", "1000"] });
  const { id, properties } = (await plugin.call("Create", { urn: CONTAINER, properties: inputs })) as Made;
  assert.deepEqual(properties.command, []);
  const diff = await plugin.call("Diff", { urn: CONTAINER, id, olds: properties, oldInputs: inputs, news: inputs });
  assert.equal(diff.changes, "DIFF_NONE");
});

test("a stopped container is found and started again; a removed one is gone", async () => {
  const inputs = await checked({});
  const { id, properties } = await create({});
  await docker.getContainer(id).stop({ t: 0 });
  const read = () => plugin.call("Read", { urn: CONTAINER, id, properties, inputs }) as Promise<{ properties: Properties; inputs: Properties }>;
  const found = await read();
  assert.equal(found.properties.mustRun, false);
  assert.equal(found.inputs.mustRun, false);
  assert.equal((found.inputs.__defaults as string[]).includes("mustRun"), false);
  await plugin.call("Update", { urn: CONTAINER, id, olds: found.properties, oldInputs: found.inputs, news: inputs });
  assert.equal(await running(), true);
  await docker.getContainer(id).remove({ force: true });
  assert.deepEqual(await read(), {});
});

test("a stopped container keeps its ports, and one that shall not be started is as it should be", async () => {
  const ports = [{ internal: 80, external: 18090, ip: "127.0.0.1" }];
  const inputs = await checked({ ports, start: false });
  const { id, properties } = await create({ ports, start: false });
  const found = (await plugin.call("Read", { urn: CONTAINER, id, properties, inputs })) as { properties: Properties; inputs: Properties };
  assert.deepEqual(found.inputs, inputs);
  assert.deepEqual(found.properties.ports, [{ external: 18090, internal: 80, ip: "127.0.0.1", protocol: "tcp" }]);
});

test("drift of what Docker tells is found in the inputs, and nothing is added to them", async () => {
  const inputs = await checked({ memory: 64 });
  const { id, properties } = await create({ memory: 64 });
  await docker.getContainer(id).update({ Memory: 96 * 1024 * 1024, MemorySwap: 192 * 1024 * 1024, CpuShares: 100, RestartPolicy: { Name: "always" } });
  const found = (await plugin.call("Read", { urn: CONTAINER, id, properties, inputs })) as { properties: Properties; inputs: Properties };
  const defaults = (inputs.__defaults as string[]).filter((name) => name !== "restart");
  assert.deepEqual(found.inputs, { ...inputs, memory: 96, restart: "always", __defaults: defaults });
  assert.equal(found.properties.cpuShares, 100);
});

test("destroyGraceSeconds is the time between the stop signal and the end", async () => {
  const trap = ["sh", "-c", 'trap "echo stopped in peace > /said/it; exit 0" TERM; echo ready; while true; do sleep 0.1; done'];
  const use = [{ volumeName: VOLUME, containerPath: "/said" }];
  const reads = async () => {
    const { id, properties } = await create({ command: ["cat", "/said/it"], volumes: use, attach: true, logs: true, mustRun: false });
    await plugin.call("Delete", { urn: CONTAINER, id, properties });
    return properties.containerLogs;
  };
  const graceful = await create({ command: trap, volumes: use, destroyGraceSeconds: 10 });
  const says = async () => String(await docker.getContainer(graceful.id).logs({ stdout: true }));
  await until(async () => (await says()).includes("ready"), "it can be told");
  await plugin.call("Delete", { urn: CONTAINER, id: graceful.id, properties: graceful.properties });
  assert.equal(await reads(), "stopped in peace\n");
});

test("deleting what is gone already is no error", async () => {
  const { id, properties } = await create({});
  await docker.getContainer(id).remove({ force: true });
  assert.deepEqual(await plugin.call("Delete", { urn: CONTAINER, id, properties }), {});
  assert.deepEqual(await plugin.call("Delete", { urn: urn("volume:Volume"), id: "life-none", properties: { name: "life-none" } }), {});
  assert.deepEqual(await plugin.call("Delete", { urn: urn("network:Network"), id: "life-none", properties: { name: "life-none" } }), {});
});

test("a volume in use is tried again until it is free", async () => {
  await plugin.call("Create", { urn: urn("volume:Volume"), properties: { name: VOLUME } });
  const { id } = await create({ volumes: [{ volumeName: VOLUME, containerPath: "/data" }] });
  const deleting = plugin.call("Delete", { urn: urn("volume:Volume"), id: VOLUME, properties: { name: VOLUME } });
  await sleep(1000);
  await docker.getVolume(VOLUME).inspect();
  await docker.getContainer(id).remove({ force: true });
  assert.deepEqual(await deleting, {});
  await assert.rejects(docker.getVolume(VOLUME).inspect(), { statusCode: 404 });
});

test("an image that is to be kept is kept, another one is removed", async () => {
  const image = urn("remoteImage:RemoteImage");
  const made = async (more: Properties) => (await plugin.call("Create", { urn: image, properties: { name: "life-image:1", ...more } })) as Made;
  await docker.getImage(IMAGE).tag({ repo: "life-image", tag: "1" });
  const kept = await made({ keepLocally: true });
  assert.equal(kept.id, `${(await docker.getImage(IMAGE).inspect()).Id}life-image:1`);
  await plugin.call("Delete", { urn: image, id: kept.id, properties: kept.properties });
  await docker.getImage("life-image:1").inspect();
  const dropped = await made({});
  await plugin.call("Delete", { urn: image, id: dropped.id, properties: dropped.properties });
  await assert.rejects(docker.getImage("life-image:1").inspect(), { statusCode: 404 });
});
