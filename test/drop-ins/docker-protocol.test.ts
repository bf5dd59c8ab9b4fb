/** The docker drop-in's answers that need no Docker: what it is, what it refuses, names, secrets, previews. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import type { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { GetSchemaRequest, type GetSchemaResponse } from "@pulumi/pulumi/proto/provider_pb";
import { secret, UNKNOWN, type Properties } from "../../setup/drop-ins/wire";
import { startLogService, type LogService } from "./engine-log-service";
import { PluginProcess, pulumiHome } from "./plugin-process";
import { recordings } from "./recordings";

const urn = (type: string, name = "it") => `urn:pulumi:dev::rec::docker:index/${type}::${name}`;
const CONTAINER = urn("container:Container");

let home: Awaited<ReturnType<typeof pulumiHome>>;
let plugin: PluginProcess;
let log: LogService;

before(async () => {
  home = await pulumiHome();
  log = await startLogService();
  plugin = await PluginProcess.start(home.home, "docker", log.address);
  await plugin.configure({ host: "unix:///nowhere/docker.sock" });
});

after(async () => {
  await plugin?.stop();
  log?.stop();
  home?.remove();
});

const check = async (news: Properties, type = "container:Container", olds: Properties = {}) => plugin.call("Check", { urn: urn(type), news, olds, randomSeed: "c2VlZA==" });
const reasons = async (news: Properties, type?: string) => ((await check(news, type)).failures as { reason: string }[] | undefined)?.map(({ reason }) => reason) ?? [];

test("it gives the official version and calls itself a drop-in", async () => {
  assert.equal((await plugin.unary<PluginInfo>("getPluginInfo", new Empty())).getVersion(), "5.2.0");
  const schema = JSON.parse((await plugin.unary<GetSchemaResponse>("getSchema", new GetSchemaRequest())).getSchema()) as Properties;
  assert.equal(schema.name, "docker");
  assert.match(String(schema.description), /^drop-in for pulumi-resource-docker 5\.2\.0/);
  const launcher = join(home.home, "plugins/resource-docker-v5.2.0/pulumi-resource-docker");
  assert.match(spawnSync(launcher, ["--version"], { encoding: "utf8" }).stdout, /^5\.2\.0 \(drop-in/);
  // Its first words to the engine.
  await log.until((messages) => messages.some((message) => message.startsWith("drop-in for pulumi-resource-docker")));
});

test("an input that it does not know is refused by name, at any depth", async () => {
  assert.deepEqual(await reasons({ name: "n", image: "i", colour: "red" }), ['docker:index/container:Container has no input "colour"']);
  assert.deepEqual(await reasons({ name: "n", image: "i", volumes: [{ containerPath: "/a", subPath: "b" }] }), [
    'docker:index/container:Container has no input "volumes[0].subPath"',
  ]);
});

test("an input that only the official plugin supports is refused by name", async () => {
  const unsupported: [Properties, string, string][] = [
    [{ name: "n", image: "i", uploads: [{ file: "/a", content: "b" }] }, "container:Container", "uploads"],
    [{ name: "n", image: "i", platform: "linux/amd64" }, "container:Container", "platform"],
    [{ name: "n", image: "i", gpus: "all" }, "container:Container", "gpus"],
    [{ name: "n", build: { context: "." } }, "remoteImage:RemoteImage", "build"],
    [{ name: "n", cluster: {} }, "volume:Volume", "cluster"],
  ];
  for (const [news, type, name] of unsupported) {
    const found = await reasons(news, type);
    assert.equal(found.length, 1, name);
    assert.match(found[0] ?? "", new RegExp(`the input "${name}" of .* is not supported by this drop-in`));
  }
});

test("a missing, mistyped or impossible input is named with what was given", async () => {
  assert.deepEqual(await reasons({ name: "n" }), ['docker:index/container:Container needs the input "image"']);
  assert.deepEqual(await reasons({ name: "n", image: "i", memory: "128" }), ['the input "memory" of docker:index/container:Container must be a number, not "128"']);
  assert.match((await reasons({ name: "n", image: "i", restart: "sometimes" }))[0] ?? "", /"restart".* must be no, always, on-failure or unless-stopped/);
  assert.match((await reasons({ name: "n", image: "i", envs: ["A"] }))[0] ?? "", /"envs".* must be a list of NAME=value/);
  assert.match((await reasons({ name: "n", image: "i", healthcheck: { tests: ["CMD", "true"], interval: "often" } }))[0] ?? "", /"healthcheck.interval".* duration/);
});

test("an unknown or secret input is not judged, and a secret stays one", async () => {
  const news = { name: "n", image: UNKNOWN, memory: UNKNOWN, envs: [secret("A=geheim")], labels: [{ label: "l", value: secret("v") }] };
  const answer = await check(news);
  assert.equal(answer.failures, undefined);
  const inputs = answer.inputs as Properties;
  assert.deepEqual(inputs.envs, [secret("A=geheim")]);
  assert.deepEqual(inputs.labels, [{ __defaults: [], label: "l", value: secret("v") }]);
  assert.equal(inputs.image, UNKNOWN);
});

test("a name that is not given is made up once and then kept", async () => {
  const first = (await check({ image: "i" })).inputs as Properties;
  assert.match(String(first.name), /^it-[0-9a-f]{7}$/);
  assert.ok((first.__defaults as string[]).includes("name"));
  const again = (await plugin.call("Check", { urn: CONTAINER, news: { image: "i" }, olds: first, randomSeed: "b3RoZXI=" })).inputs as Properties;
  assert.equal(again.name, first.name);
  const proposed = (await plugin.call("Check", { urn: CONTAINER, news: { image: "i" }, olds: {}, autonaming: { proposedName: "mine", mode: 1 } })).inputs as Properties;
  assert.equal(proposed.name, "mine");
  const refused = await plugin.call("Check", { urn: CONTAINER, news: { image: "i" }, olds: {}, autonaming: { proposedName: "", mode: 2 } });
  assert.deepEqual(refused.failures, [{ property: "name", reason: 'docker:index/container:Container needs the input "name": automatic names are switched off' }]);
});

test("a made-up name lets the new network come before the old one goes", async () => {
  const inputs = (await check({}, "network:Network")).inputs as Properties;
  const diff = (news: Properties) => plugin.call("Diff", { urn: urn("network:Network"), olds: { ...inputs, internal: false }, oldInputs: inputs, news });
  assert.equal((await diff({ ...inputs, internal: true })).deleteBeforeReplace, undefined);
  assert.equal((await diff({ ...inputs, __defaults: ["ipamDriver"], internal: true })).deleteBeforeReplace, true);
});

test("a preview knows what will be known, needs no Docker and keeps secrets", async () => {
  const inputs = (await check({ name: "n", image: "i", envs: [secret("A=geheim")] })).inputs as Properties;
  const { properties, id } = (await plugin.call("Create", { urn: CONTAINER, properties: inputs, preview: true })) as { properties: Properties; id?: string };
  assert.equal(id, undefined);
  assert.deepEqual(properties.envs, secret(["A=geheim"]));
  assert.equal(properties.name, "n");
  for (const name of ["id", "hostname", "networkDatas", "exitCode", "labels", "healthcheck"]) assert.equal(properties[name], UNKNOWN, name);
  for (const name of ["memory", "capabilities", "dns"]) assert.equal(properties[name], null, name);
});

test("preview answers are the recorded ones", async () => {
  const previews = recordings().filter(({ method, request }) => method === "Create" && request.preview && request.urn.includes("docker:"));
  assert.equal(previews.length, 9);
  for (const { step, request, response } of previews) {
    const answer = (await plugin.call("Create", request)) as { properties: Properties };
    const { __meta: _, ...recorded } = (response as { properties: Properties }).properties;
    assert.deepEqual(answer.properties, recorded, `${step} ${request.urn}`);
  }
});

test("what the user ignores is no difference", async () => {
  const inputs = (await check({ name: "n", image: "i", envs: ["A=1"] })).inputs as Properties;
  const olds = { ...inputs, envs: ["A=0"], command: [], entrypoints: [], networkDatas: [] };
  const request = { urn: CONTAINER, olds, oldInputs: inputs, news: inputs };
  assert.deepEqual((await plugin.call("Diff", request)).replaces, ["envs"]);
  assert.equal((await plugin.call("Diff", { ...request, ignoreChanges: ["envs"] })).changes, "DIFF_NONE");
  // The engine itself puts back what a path below a property names; what then still differs is a change.
  assert.equal((await plugin.call("Diff", { ...request, ignoreChanges: ["envs[1]"] })).changes, "DIFF_SOME");
});

test("what Docker cannot change replaces the container, and a limit is changed in place unless it is taken away", async () => {
  const base = { name: "n", image: "i", memory: 64, tmpfs: { "/t": "size=1m" }, mounts: [{ type: "tmpfs", target: "/m" }], init: false };
  const inputs = (await check(base)).inputs as Properties;
  const olds = { ...inputs, attach: false, logs: false, wait: false, rm: false, readOnly: false, tty: false, stdinOpen: false, memoryReservation: 0, command: [], entrypoints: [], networkDatas: [] };
  const replaces = async (change: Properties) => {
    const news = (await check({ ...base, ...change })).inputs as Properties;
    const answer = await plugin.call("Diff", { urn: CONTAINER, olds, oldInputs: inputs, news });
    return { diffs: answer.diffs ?? [], replaces: answer.replaces ?? [] };
  };
  assert.deepEqual(await replaces({}), { diffs: [], replaces: [] });
  assert.deepEqual(await replaces({ memory: 128 }), { diffs: ["memory"], replaces: [] });
  assert.deepEqual(await replaces({ memory: null }), { diffs: ["memory"], replaces: ["memory"] });
  assert.deepEqual(await replaces({ tmpfs: { "/t": "size=2m" } }), { diffs: ["tmpfs"], replaces: ["tmpfs"] });
  assert.deepEqual(await replaces({ init: true }), { diffs: ["init"], replaces: ["init"] });
  assert.deepEqual(await replaces({ rm: true }), { diffs: ["rm"], replaces: ["rm"] });
  assert.deepEqual(await replaces({ mounts: [{ type: "tmpfs", target: "/other" }] }), { diffs: ["mounts"], replaces: ["mounts"] });
  assert.deepEqual(await replaces({ destroyGraceSeconds: 5 }), { diffs: ["destroyGraceSeconds"], replaces: [] });
});

test("durations are compared by their length", async () => {
  const inputs = (await check({ name: "n", image: "i", healthcheck: { tests: ["CMD", "true"], interval: "60s" } })).inputs as Properties;
  const healthcheck = { ...(inputs.healthcheck as Properties), interval: "1m0s" };
  const olds = { ...inputs, healthcheck, command: [], entrypoints: [], networkDatas: [] };
  assert.equal((await plugin.call("Diff", { urn: CONTAINER, olds, oldInputs: inputs, news: inputs })).changes, "DIFF_NONE");
});

test("another resource type, function or setting is refused by name", async () => {
  await assert.rejects(plugin.call("Check", { urn: urn("service:Service"), news: {} }), /docker:index\/service:Service is not in this drop-in/);
  await assert.rejects(plugin.invoke("docker:index/getRegistryImage:getRegistryImage", { name: "x" }), /getRegistryImage is not in this drop-in/);
  const config = (news: Properties) => plugin.call("CheckConfig", { urn: "urn:pulumi:dev::rec::pulumi:providers:docker::p", news });
  assert.deepEqual((await config({ host: "unix:///x", colour: "red" })).failures, [{ property: "colour", reason: 'the docker provider has no input "colour"' }]);
  assert.match(JSON.stringify((await config({ host: "/var/run/docker.sock" })).failures), /must begin with unix:/);
  assert.equal((await config({ host: "ssh://me@there", registryAuth: '[{"address":"a","username":"u","password":"p"}]' })).failures, undefined);
});

test("a registry needs both its name and its password, and neither is in what is said of them", async () => {
  const config = async (registryAuth: unknown) =>
    ((await plugin.call("CheckConfig", {
      urn: "urn:pulumi:dev::rec::pulumi:providers:docker::p",
      news: { host: "unix:///x", registryAuth: secret(JSON.stringify(registryAuth)) },
    })) as { failures?: unknown }).failures;
  assert.equal(await config([{ address: "a", username: "u", password: "hidden" }]), undefined);
  assert.equal(await config([{ address: "a", authDisabled: true }]), undefined);
  const half = (index: number) => ({
    property: `registryAuth[${index}]`,
    reason: `the input "registryAuth[${index}]" of the docker provider needs username and password here: this drop-in reads no others`,
  });
  assert.deepEqual(await config([{ address: "a" }, { address: "b", username: "u" }, { address: "c", password: "hidden" }]), [half(0), half(1), half(2)]);
  assert.deepEqual(await config([{ address: "a", username: "u", password: ["hidden"] }]), [
    { property: "registryAuth[0].password", reason: 'the input "registryAuth[0].password" of the docker provider must be a string' },
  ]);
  assert.deepEqual(await config("hidden"), [{ property: "registryAuth", reason: 'the input "registryAuth" of the docker provider must be a list of objects' }]);
});

test("a provider without a host takes DOCKER_HOST and keeps it", async () => {
  const other = await PluginProcess.start(home.home, "docker", undefined, { DOCKER_HOST: "unix:///from/environment.sock" });
  try {
    const answer = await other.call("CheckConfig", { urn: "urn:pulumi:dev::rec::pulumi:providers:docker::p", news: { version: "5.2.0" } });
    assert.deepEqual(answer, { inputs: { host: "unix:///from/environment.sock", version: "5.2.0" } });
    await other.configure({});
    await assert.rejects(other.call("Read", { urn: urn("volume:Volume"), id: "v", properties: {} }), /Cannot connect to the Docker daemon at unix:\/\/\/from\/environment\.sock \(ENOENT\)/);
  } finally {
    await other.stop();
  }
});

test("an unreachable daemon is a sentence, and never a code for which the engine fears for its state", async () => {
  const volume = { urn: urn("volume:Volume"), id: "v", properties: { name: "v" } };
  for (const method of ["Create", "Read", "Delete"] as const) {
    await assert.rejects(plugin.call(method, volume), (error: { code: number; details: string }) => {
      assert.match(error.details, /^Cannot connect to the Docker daemon at unix:\/\/\/nowhere\/docker\.sock \(ENOENT\)\. Is it running\?$/);
      return ![2, 13, 15].includes(error.code);
    });
  }
});
