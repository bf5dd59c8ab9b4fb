/**
 * The whole recorded conversation once more, on a real Docker Engine: every Create, Read, Update and Delete in its order, with
 * what was done from outside between the steps, and answers of the same shape and, but for ids and times, the same values.
 */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { after, before, test } from "node:test";
import type * as grpc from "@grpc/grpc-js";
import { isObject, type Json, type Properties } from "../../setup/drop-ins/wire";
import { anotherImage, docker, DOCKER_HOST, ignoreMissing, IMAGE, removeContainers, SOCKET } from "./docker-engine";
import { partialFailure, PluginProcess, pulumiHome, type Method } from "./plugin-process";
import { deviations, logicalName, pluginOf, recordings, type Exchange } from "./recordings";

/** The ids of the two images that the recorded program used, and the names under which it knew them. */
const FIRST_IMAGE = "sha256:e1251d12990c26ba0250f9012d894f9265062f56db791efe4a870c009c7eb982";
const OTHER_IMAGE = "sha256:187c0ee3baa5ae72c48454b3e1fe663c5df4019dc69a82ac87c34b455dff3c8e";
const TAGS = { "base:1": FIRST_IMAGE, "base:3": OTHER_IMAGE, "mesosreal:1.11.0": OTHER_IMAGE };
const STRANGER_PORT = 12181;

let home: Awaited<ReturnType<typeof pulumiHome>>;
const plugins = {} as { docker: PluginProcess; command: PluginProcess };
/** Recorded texts and what stands for them here. */
const substitutes = new Map<string, string>();
/** The id of the resource now, by logical name. */
const current = new Map<string, string>();
let portHolder: Server | undefined;

before(async () => {
  home = await pulumiHome();
  plugins.docker = await PluginProcess.start(home.home, "docker");
  plugins.command = await PluginProcess.start(home.home, "command");
  await plugins.docker.configure({ host: DOCKER_HOST });
  await plugins.command.configure({});
  await clean();
  await docker.getImage(IMAGE).tag({ repo: "base", tag: "1" });
  await anotherImage("base:3");
  await docker.getImage("base:3").tag({ repo: "mesosreal", tag: "1.11.0" });
  for (const [tag, recorded] of Object.entries(TAGS)) substitutes.set(recorded, (await docker.getImage(tag).inspect()).Id);
  substitutes.set("/var/run/docker.sock", SOCKET);
  // The recorded health check looks every ten seconds; nothing here depends on how often.
  substitutes.set('"interval":"10s"', '"interval":"1s"');
});

after(async () => {
  portHolder?.close();
  await Promise.all(Object.values(plugins).map((plugin) => plugin.stop()));
  await clean();
  home?.remove();
});

async function clean(): Promise<void> {
  await removeContainers("rec-slave", "rec-bridge", "rec-taken");
  await docker.getVolume("rec-data").remove().catch(ignoreMissing);
  await docker.getNetwork("rec-net").remove().catch(ignoreMissing);
  for (const tag of Object.keys(TAGS)) await docker.getImage(tag).remove().catch(ignoreMissing);
}

/** What was done from outside before a step. */
const OUTSIDE: { [step: string]: () => Promise<unknown> } = {
  "10-stopped-noop": () => docker.getContainer("rec-slave").stop({ t: 1 }),
  "13-removed-up-refresh": () => removeContainers("rec-slave"),
  "23-name-taken": () => stranger("rec-taken"),
  "24-after-name-taken": () => removeContainers("rec-taken"),
  "27-port-taken": async () => {
    await removeContainers("rec-bridge");
    portHolder = createServer().listen(STRANGER_PORT, "127.0.0.1");
    await new Promise((resolve) => portHolder?.once("listening", resolve));
  },
  "29b-port-free-up": () => new Promise((resolve) => portHolder?.close(resolve)),
  "36-after-cancel": async () => {
    await removeContainers("rec-bridge");
    await stranger("rec-bridge");
  },
  "40-sigint": () => removeContainers("rec-bridge"),
};

const stranger = (name: string) => docker.createContainer({ name, Image: "base:1", Cmd: ["true"] });

function here<T>(recorded: T): T {
  return substitute(recorded, substitutes);
}

function recordedForm<T>(actual: T): T {
  return substitute(actual, new Map([...substitutes].map(([from, to]) => [to, from])));
}

function substitute<T>(value: T, by: Map<string, string>): T {
  let text = JSON.stringify(value);
  for (const [from, to] of by) text = text.replaceAll(from, to);
  return JSON.parse(text) as T;
}

/** The form in which two answers are compared: without what differs from machine to machine, and nothing is nothing. */
function comparable(answer: Properties): Json {
  const properties = isObject(answer.properties) ? { ...answer.properties } : {};
  delete properties.__pulumi_raw_state_delta;
  for (const name of ["hostname", "runtime", "bridge"]) if (name in properties) properties[name] = typeof properties[name];
  if (typeof properties.mountpoint === "string") properties.mountpoint = properties.mountpoint.replace(/^.*\/volumes\//, ".../volumes/");
  if (Array.isArray(properties.networkDatas)) {
    properties.networkDatas = properties.networkDatas.map((data) => ({ ...(data as Properties), macAddress: typeof (data as Properties).macAddress }));
  }
  return essence({ ...answer, properties }) ?? null;
}

/** Zero, false, empty and absent are one: the official plugin itself writes now this, now that. */
function essence(value: Json): Json | undefined {
  if (Array.isArray(value)) {
    const items = value.map((item) => essence(item) ?? null);
    return items.length > 0 ? items.sort((a, b) => (isObject(a) || isObject(b) ? compareTexts(JSON.stringify(a), JSON.stringify(b)) : 0)) : undefined;
  }
  if (isObject(value)) {
    const members = Object.entries(value).flatMap(([name, item]) => {
      const left = essence(item);
      return left === undefined ? [] : [[name, left] as const];
    });
    return members.length > 0 ? Object.fromEntries(members) : undefined;
  }
  return value === null || value === "" || value === 0 || value === false ? undefined : value;
}

const compareTexts = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const used = new Set<string>();

/** The recorded answer, changed as the deviations that apply say. */
function expected(exchange: Exchange): Properties {
  const answer = structuredClone(exchange.response ?? {});
  for (const { id, recorded = [] } of deviations()) {
    for (const { steps, method, resource, answer: instead } of recorded) {
      if (!steps.includes(exchange.step) || method !== exchange.method || resource !== logicalName(exchange)) continue;
      used.add(`${id} ${exchange.step} ${method} ${resource}`);
      Object.assign(answer.properties as Properties, instead.properties);
    }
  }
  return answer;
}

/** What the next request takes for granted though no recorded call made it: made here with the same inputs. */
async function provide(exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const name = logicalName(exchange);
  if (!request.id || substitutes.has(request.id) || exchange.method === "Create") return;
  if (exchange.method === "Read" && response?.id && name === "net") {
    await docker.getNetwork("rec-net").remove().catch(ignoreMissing);
    const made = await plugins.docker.call("Create", here({ ...request, properties: request.inputs }));
    current.set(name, String(made.id));
  }
  substitutes.set(request.id, current.get(name) ?? "0".repeat(64));
}

const isMutation = ({ method, request }: Exchange) => ["Create", "Read", "Update", "Delete"].includes(method) && !request.preview;
/** An import answers differently on purpose (deviation import-reads-everything): tested with the real command line. */
const isImport = ({ method, request }: Exchange) => method === "Read" && !request.inputs;

const conversation = recordings().filter((exchange) => isMutation(exchange) && !isImport(exchange));
const steps = [...new Set(recordings().map(({ step }) => step))];

test("the recordings hold what they held", () => assert.equal(conversation.length, 117));

for (const step of steps) {
  const exchanges = conversation.filter((exchange) => exchange.step === step);
  if (exchanges.length === 0 && !(step in OUTSIDE)) continue;
  test(`step ${step}: ${exchanges.length} calls are answered as they were`, async () => {
    await OUTSIDE[step]?.();
    for (const exchange of exchanges) await replay(exchange);
  });
}

async function replay(exchange: Exchange): Promise<void> {
  await provide(exchange);
  const { request, method, errors } = exchange;
  const name = logicalName(exchange);
  const where = `${exchange.step} ${method} ${name}`;
  const calling = plugins[pluginOf(exchange)].call(method as Method, here(request));
  if (errors) {
    const error = await calling.then(
      (answer) => assert.fail(`${where} succeeded: ${JSON.stringify(answer)}`),
      (error: grpc.ServiceError) => error,
    );
    assert.equal(error.details.replace(/[0-9a-f]{64}/g, "ID"), essenceOfError(errors[0] ?? ""), where);
    assert.ok(![2, 13, 15].includes(error.code), `${where}: code ${error.code} makes the engine fear for its state`);
    const partial = partialFailure(error);
    assert.equal(partial !== undefined, /Unable to start/.test(errors[0] ?? ""), where);
    if (partial) current.set(name, partial.id);
    return;
  }
  const answer = await calling;
  if (method === "Create") {
    const recordedId = String(exchange.response?.id);
    if (pluginOf(exchange) === "command") assert.match(String(answer.id), new RegExp(`^${name}[0-9a-f]{8}$`));
    // Set anew each time: the steps were not all recorded in the order of their numbers.
    if (!Object.keys(TAGS).some((tag) => recordedId.endsWith(tag))) substitutes.set(recordedId, String(answer.id));
    current.set(name, String(answer.id));
  }
  assert.deepEqual(comparable(recordedForm(answer)), comparable(expected(exchange)), where);
}

/** The official text without its frame: no gRPC prefix, no urn, no numbered list. */
function essenceOfError(text: string): string {
  const bare = text.replace(/^rpc error: code = \w+ desc = /, "").replace(/^creating \S+: /, "");
  const listed = /^1 error occurred:\n\t\* ([\s\S]*?)\n\n$/.exec(bare);
  return (listed?.[1] ?? bare).replace(/[0-9a-f]{64}/g, "ID");
}

test("every deviation in these answers was met in each step that it names", () => {
  for (const { id, recorded = [] } of deviations()) {
    for (const { steps, method, resource } of recorded) {
      if (!["Create", "Read", "Update", "Delete"].includes(method)) continue;
      for (const step of steps) assert.ok(used.has(`${id} ${step} ${method} ${resource}`), `${id} was not met in ${step}`);
    }
  }
});
