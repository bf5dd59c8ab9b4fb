/**
 * A second program, unlike the recorded one, on the real command line: a container for each input, made with one value and then
 * changed to another. Docker must have both values, the preview must have said what happens, and nothing is left to do after it.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Json, Properties } from "../../setup/drop-ins/wire";
import { FIELDS, type Found } from "../../setup/drop-ins/docker/container-fields";
import { anotherImage, docker, DOCKER_HOST, ignoreMissing, IMAGE, removeContainers } from "./docker-engine";
import { pulumiHome } from "./plugin-process";
import { Stack } from "./pulumi-cli";

const OTHER_IMAGE = "second-image:2";
const MIB = 1024 * 1024;

/** replace: another container; update: the same one, changed; state: the same one, as it was. */
type Effect = "replace" | "update" | "state";

interface Case {
  first: Json;
  second: Json;
  effect: Effect;
  /** Where Docker shows it. */
  see?: (found: Found) => unknown;
  /** What Docker shows of each value. */
  shown?: [unknown, unknown];
  /** Further inputs of this container. */
  with?: Properties;
}

const config = (name: string) => (found: Found) => (found.Config as unknown as Properties)[name];
const host = (name: string) => (found: Found) => found.HostConfig[name];
const sorted = (value: unknown) => [...((value ?? []) as string[])].sort();
/** Values that Docker shows as they were given. */
const plain = (first: Json, second: Json, see: (found: Found) => unknown, effect: Effect = "replace", more?: Properties): Case => ({
  first,
  second,
  effect,
  see,
  shown: [first, second],
  with: more,
});
const stateOnly = (first: Json, second: Json, more?: Properties): Case => ({ first, second, effect: "state", with: more });
const megabytes = (first: number, second: number, name: string, effect: Effect, more?: Properties): Case => ({
  ...plain(first, second, host(name), effect, more),
  shown: [first * MIB, second * MIB],
});

const HEALTH = { tests: ["CMD", "true"], interval: "1s", retries: 2 };
const NETWORK = { networkMode: "bridge", networksAdvanced: [{ name: "second-net" }] };

const CASES: { [input: string]: Case } = {
  name: plain("second-name-1", "second-name-2", (found) => found.Name.slice(1)),
  image: plain(IMAGE, OTHER_IMAGE, config("Image")),
  command: plain(["sleep", "1000"], ["sleep", "1001"], config("Cmd")),
  entrypoints: plain(["/bin/sh", "-c"], ["/bin/bash", "-c"], config("Entrypoint"), "replace", { command: ["sleep 1000"] }),
  envs: plain(["A=1", "B=2"], ["A=2", "B=2"], (found) => sorted(found.Config.Env).filter((entry) => /^[AB]=/.test(entry))),
  labels: {
    first: [{ label: "l", value: "1" }],
    second: [{ label: "l", value: "2" }],
    effect: "replace",
    see: (found) => found.Config.Labels.l,
    shown: ["1", "2"],
  },
  user: plain("0", "1", config("User")),
  workingDir: plain("/tmp", "/var", config("WorkingDir")),
  hostname: plain("one", "two", config("Hostname")),
  domainname: plain("one.test", "two.test", config("Domainname")),
  tty: plain(false, true, config("Tty")),
  stdinOpen: plain(false, true, config("OpenStdin")),
  stopSignal: plain("SIGINT", "SIGQUIT", config("StopSignal")),
  stopTimeout: plain(1, 2, config("StopTimeout")),
  healthcheck: {
    first: { tests: ["CMD", "true"], interval: "1m30s", timeout: "500ms", startPeriod: "2s", retries: 2 },
    second: { tests: ["CMD-SHELL", "exit 0"], interval: "1h0m0s", retries: 3 },
    effect: "replace",
    see: config("Healthcheck"),
    shown: [
      { Test: ["CMD", "true"], Interval: 90e9, Timeout: 5e8, StartPeriod: 2e9, Retries: 2 },
      { Test: ["CMD-SHELL", "exit 0"], Interval: 3600e9, Retries: 3 },
    ],
  },
  privileged: plain(false, true, host("Privileged")),
  capabilities: {
    first: { drops: ["CHOWN"] },
    second: { drops: ["CHOWN", "FOWNER"] },
    effect: "replace",
    see: (found) => sorted(found.HostConfig.CapDrop).map((name) => name.replace("CAP_", "")),
    shown: [["CHOWN"], ["CHOWN", "FOWNER"]],
  },
  securityOpts: plain(["no-new-privileges"], ["label=disable", "no-new-privileges"], (found) => sorted(found.HostConfig.SecurityOpt)),
  networkMode: plain("none", "host", host("NetworkMode")),
  ipcMode: plain("private", "shareable", host("IpcMode")),
  pidMode: { first: null, second: "host", effect: "replace", see: host("PidMode"), shown: ["", "host"] },
  usernsMode: { first: null, second: "host", effect: "replace", see: host("UsernsMode"), shown: ["", "host"] },
  cgroupnsMode: plain("private", "host", host("CgroupnsMode"), "replace", { start: false }),
  cgroupParent: plain("/second-a", "/second-b", host("CgroupParent"), "replace", { start: false }),
  devices: {
    first: [{ hostPath: "/dev/null", containerPath: "/dev/second", permissions: "r" }],
    second: [{ hostPath: "/dev/zero" }],
    effect: "replace",
    see: (found) => found.HostConfig.Devices,
    shown: [
      [{ PathOnHost: "/dev/null", PathInContainer: "/dev/second", CgroupPermissions: "r" }],
      [{ PathOnHost: "/dev/zero", PathInContainer: "/dev/zero", CgroupPermissions: "rwm" }],
    ],
  },
  groupAdds: plain(["1"], ["1", "2"], (found) => sorted(found.HostConfig.GroupAdd)),
  sysctls: plain({ "net.ipv4.ip_default_ttl": "65" }, { "net.ipv4.ip_default_ttl": "66" }, host("Sysctls")),
  ulimits: {
    first: [{ name: "nofile", soft: 100, hard: 200 }],
    second: [{ name: "nofile", soft: 100, hard: 300 }],
    effect: "replace",
    see: (found) => found.HostConfig.Ulimits,
    shown: [[{ Name: "nofile", Soft: 100, Hard: 200 }], [{ Name: "nofile", Soft: 100, Hard: 300 }]],
  },
  runtime: { first: null, second: "runc", effect: "replace", see: (found) => found.HostConfig.Runtime === "runc", shown: [false, true], with: { start: false } },
  init: plain(true, false, host("Init")),
  readOnly: plain(false, true, host("ReadonlyRootfs")),
  logDriver: plain("json-file", "local", (found) => found.HostConfig.LogConfig?.Type),
  logOpts: plain({ "max-size": "1m" }, { "max-size": "2m" }, (found) => found.HostConfig.LogConfig?.Config, "replace", { logDriver: "json-file" }),
  volumes: {
    first: [
      { volumeName: "second-data", containerPath: "/data" },
      { hostPath: "/etc", containerPath: "/there" },
    ],
    second: [{ volumeName: "second-data", containerPath: "/data", readOnly: true }],
    effect: "replace",
    see: (found) => sorted(found.HostConfig.Binds),
    shown: [["/etc:/there:rw", "second-data:/data:rw"], ["second-data:/data:ro"]],
  },
  mounts: {
    first: [{ type: "volume", source: "second-data", target: "/data" }],
    second: [
      { type: "bind", source: "/etc", target: "/there", readOnly: true, bindOptions: { propagation: "private" } },
      { type: "tmpfs", target: "/quick", tmpfsOptions: { sizeBytes: MIB, mode: 0o700 } },
    ],
    effect: "replace",
    see: (found) => (found.HostConfig.Mounts ?? []).map(({ Type, Source, Target, ReadOnly, BindOptions, TmpfsOptions }) => [Type, Source ?? "", Target, ReadOnly ?? false, BindOptions?.Propagation, TmpfsOptions]).sort(),
    shown: [
      [["volume", "second-data", "/data", false, undefined, undefined]],
      [
        ["bind", "/etc", "/there", true, "private", undefined],
        ["tmpfs", "", "/quick", false, undefined, { SizeBytes: MIB, Mode: 0o700 }],
      ],
    ],
  },
  tmpfs: plain({ "/quick": "size=1m" }, { "/quick": "size=2m" }, host("Tmpfs")),
  ports: {
    first: [
      { internal: 80, external: 18080, ip: "127.0.0.1" },
      { internal: 53, external: 18053, ip: "127.0.0.1", protocol: "udp" },
    ],
    second: [{ internal: 80, external: 18081, ip: "127.0.0.1" }],
    effect: "replace",
    see: (found) => found.NetworkSettings.Ports,
    shown: [
      { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "18080" }], "53/udp": [{ HostIp: "127.0.0.1", HostPort: "18053" }] },
      { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "18081" }] },
    ],
    with: NETWORK,
  },
  publishAllPorts: plain(false, true, host("PublishAllPorts")),
  hosts: {
    first: [{ host: "one", ip: "10.0.0.1" }],
    second: [{ host: "two", ip: "10.0.0.2" }],
    effect: "replace",
    see: (found) => found.HostConfig.ExtraHosts,
    shown: [["one:10.0.0.1"], ["two:10.0.0.2"]],
  },
  dns: plain(["10.0.0.1"], ["10.0.0.1", "10.0.0.2"], (found) => sorted(found.HostConfig.Dns)),
  dnsOpts: plain(["ndots:1"], ["ndots:2"], (found) => sorted(found.HostConfig.DnsOptions)),
  dnsSearches: plain(["one.test"], ["two.test"], (found) => sorted(found.HostConfig.DnsSearch)),
  networksAdvanced: {
    first: [{ name: "second-net", aliases: ["a"], ipv4Address: "172.28.9.10" }],
    second: [{ name: "second-net", aliases: ["b"], ipv4Address: "172.28.9.11" }],
    effect: "replace",
    see: (found) => {
      const network = found.NetworkSettings.Networks["second-net"];
      return [sorted(network?.Aliases).filter((alias) => alias.length === 1), network?.IPAddress];
    },
    shown: [
      [["a"], "172.28.9.10"],
      [["b"], "172.28.9.11"],
    ],
    with: { networkMode: "bridge" },
  },
  restart: plain("no", "unless-stopped", (found) => found.HostConfig.RestartPolicy?.Name, "update"),
  maxRetryCount: plain(1, 2, (found) => found.HostConfig.RestartPolicy?.MaximumRetryCount, "update", { restart: "on-failure" }),
  memory: { ...megabytes(64, 96, "Memory", "update") },
  memorySwap: megabytes(128, 160, "MemorySwap", "update", { memory: 64 }),
  memoryReservation: megabytes(32, 48, "MemoryReservation", "update"),
  cpuShares: plain(512, 256, host("CpuShares"), "update"),
  cpuSet: plain("0", "0-1", host("CpusetCpus"), "update"),
  cpuPeriod: plain(100000, 50000, host("CpuPeriod"), "update"),
  cpuQuota: plain(50000, 25000, host("CpuQuota"), "update"),
  cpus: { first: "0.5", second: "0.25", effect: "replace", see: host("NanoCpus"), shown: [5e8, 2.5e8] },
  shmSize: megabytes(32, 48, "ShmSize", "replace"),
  rm: plain(false, true, host("AutoRemove"), "replace", { start: false }),
  start: stateOnly(true, false),
  mustRun: stateOnly(false, true),
  attach: stateOnly(true, false, { command: ["echo", "said"], logs: true, mustRun: false }),
  logs: stateOnly(false, true),
  wait: stateOnly(true, false, { healthcheck: HEALTH }),
  waitTimeout: stateOnly(120, 180, { healthcheck: HEALTH, wait: true }),
  destroyGraceSeconds: stateOnly(1, 2),
  removeVolumes: stateOnly(true, false),
  containerReadRefreshTimeoutMilliseconds: stateOnly(15000, 10000),
};

const PROGRAM = `
const pulumi = require("@pulumi/pulumi"), docker = require("@pulumi/docker"), command = require("@pulumi/command");
const { containers, volume, network, image, script } = JSON.parse(require("fs").readFileSync("options.json", "utf8"));
const provider = new docker.Provider("engine", { host: ${JSON.stringify(DOCKER_HOST)} });
const made = [new docker.Volume("volume", volume, { provider }), new docker.Network("network", network, { provider })];
exports.image = new docker.RemoteImage("image", image, { provider }).imageId;
exports.logs = {};
for (const [name, { secretly, ...inputs }] of Object.entries(containers)) {
  if (secretly) inputs.envs = [pulumi.secret(secretly)];
  const container = new docker.Container(name, inputs, { provider, dependsOn: made });
  if (inputs.attach) exports.logs = container.containerLogs;
}
exports.said = new command.local.Command("script", script, { dependsOn: made }).stdout;
`;

function optionsFor(which: "first" | "second"): Properties {
  const containers: Properties = {};
  for (const [input, one] of Object.entries(CASES)) {
    const base: Properties = { name: `second-${input}`, image: IMAGE, command: ["sleep", "1000"], networkMode: "none", ...one.with };
    const value = one[which];
    containers[input] = value === null ? base : { ...base, [input]: value };
  }
  containers.secret = { name: "second-secret", image: IMAGE, command: ["sleep", "1000"], networkMode: "none", secretly: `PASSWORD=geheim-${which}` };
  const later = which === "second";
  return {
    containers,
    volume: { name: "second-data" },
    network: { name: "second-net", ipamConfigs: [{ subnet: "172.28.9.0/24", gateway: "172.28.9.1" }], labels: [{ label: "l", value: "n" }], internal: false },
    image: { name: later ? OTHER_IMAGE : IMAGE, keepLocally: true },
    script: { create: "echo first", update: "echo second", environment: { A: which }, logging: "none" },
  };
}

let home: Awaited<ReturnType<typeof pulumiHome>>;
let stack: Stack;
const ids: { first: { [input: string]: string }; second: { [input: string]: string } } = { first: {}, second: {} };

const containerName = (input: string, which: "first" | "second") => (input === "name" ? `second-name-${which === "first" ? 1 : 2}` : `second-${input}`);

before(async () => {
  home = await pulumiHome();
  await clean();
  await anotherImage(OTHER_IMAGE);
  stack = new Stack(home.home, "second", PROGRAM);
  await stack.must("stack", "init", "dev");
});

after(async () => {
  await clean();
  stack?.remove();
  home?.remove();
});

async function clean(): Promise<void> {
  await removeContainers("second-secret", "second-imported", ...Object.keys(CASES).flatMap((input) => [containerName(input, "first"), containerName(input, "second")]));
  await docker.getVolume("second-data").remove().catch(ignoreMissing);
  await docker.getNetwork("second-net").remove().catch(ignoreMissing);
  await docker.getImage(OTHER_IMAGE).remove().catch(ignoreMissing);
}

async function inspect(input: string, which: "first" | "second"): Promise<Found> {
  return (await docker.getContainer(containerName(input, which)).inspect()) as Found;
}

async function nothingLeftToDo(): Promise<void> {
  for (const args of [["preview"], ["refresh", "--yes", "--skip-preview"], ["preview"]]) {
    const { code, text } = await stack.pulumi(...args, "--expect-no-changes", "--diff");
    assert.equal(code, 0, `${args[0]} found something to do:\n${text}`);
  }
}

test("there is a case for every input of a container", () => {
  const inputs = Object.entries(FIELDS).filter(([, field]) => !field.output && !field.unsupported);
  assert.deepEqual(Object.keys(CASES).sort(), inputs.map(([name]) => name).sort());
});

test("every container is made with the first value", async () => {
  stack.options(optionsFor("first"));
  await stack.must("up", "--yes", "--skip-preview");
  for (const [input, { see, shown }] of Object.entries(CASES)) {
    const found = await inspect(input, "first");
    ids.first[input] = found.Id;
    if (see) assert.deepEqual(see(found), shown?.[0], input);
  }
});

test("what an attached container said is an output", async () => {
  assert.equal(JSON.parse((await stack.must("stack", "output", "logs", "--json")).stdout), "said\n");
});

test("a secret environment variable reaches the container and not the state", async () => {
  const found = (await docker.getContainer("second-secret").inspect()) as Found;
  assert.ok(found.Config.Env.includes("PASSWORD=geheim-first"));
  const { stdout } = await stack.must("stack", "export");
  assert.equal(stdout.includes("geheim"), false);
});

test("then there is nothing to do, before and after a refresh", nothingLeftToDo);

test("the preview says of each change what it will do", async () => {
  stack.options(optionsFor("second"));
  const { steps } = JSON.parse((await stack.must("preview", "--json")).stdout) as { steps: { op: string; urn: string }[] };
  const said = Object.fromEntries(steps.filter(({ op, urn }) => urn.includes(":Container::") && ["same", "update", "replace"].includes(op)).map(({ op, urn }) => [urn.split("::").pop() ?? "", op]));
  const wanted = Object.fromEntries(Object.entries(CASES).map(([input, { effect }]) => [input, effect === "replace" ? "replace" : "update"]));
  assert.deepEqual(said, { ...wanted, secret: "replace" });
});

test("every container gets the second value, in the way that was said", async () => {
  await stack.must("up", "--yes", "--skip-preview");
  for (const [input, { see, shown, effect }] of Object.entries(CASES)) {
    const found = await inspect(input, "second");
    ids.second[input] = found.Id;
    if (see) assert.deepEqual(see(found), shown?.[1], input);
    assert.equal(found.Id !== ids.first[input], effect === "replace", `${input}: ${effect}`);
  }
  assert.equal(JSON.parse((await stack.must("stack", "output", "said", "--json")).stdout), "second");
});

test("then again there is nothing to do", nothingLeftToDo);

test("a container that was made elsewhere can be imported", async () => {
  const made = await docker.createContainer({
    name: "second-imported",
    Image: IMAGE,
    Cmd: ["sleep", "1000"],
    Env: ["A=1"],
    Labels: { l: "1" },
    HostConfig: { NetworkMode: "none", Binds: ["second-data:/data:rw"], PidMode: "host", RestartPolicy: { Name: "always" } },
  });
  await made.start();
  const other = new Stack(
    home.home,
    "importing",
    `const docker = require("@pulumi/docker");
     const provider = new docker.Provider("engine", { host: ${JSON.stringify(DOCKER_HOST)} });
     new docker.Container("it", { name: "second-imported", image: ${JSON.stringify((await made.inspect()).Image)}, command: ["sleep", "1000"], envs: ["A=1"],
       labels: [{ label: "l", value: "1" }], networkMode: "none", pidMode: "host", restart: "always",
       volumes: [{ volumeName: "second-data", containerPath: "/data" }] }, { provider, import: "${made.id}" });`,
  );
  try {
    await other.must("stack", "init", "dev");
    const { text } = await other.must("up", "--yes", "--skip-preview");
    assert.match(text, /1 imported/);
    await other.must("preview", "--expect-no-changes");
    await other.must("destroy", "--yes", "--skip-preview");
    await assert.rejects(made.inspect(), { statusCode: 404 });
  } finally {
    other.remove();
  }
});

test("destroy leaves nothing", async () => {
  await stack.must("destroy", "--yes", "--skip-preview");
  const left = (await docker.listContainers({ all: true })).flatMap(({ Names }) => Names).filter((name) => name.startsWith("/second-"));
  assert.deepEqual(left, []);
  await assert.rejects(docker.getVolume("second-data").inspect(), { statusCode: 404 });
  await assert.rejects(docker.getNetwork("second-net").inspect(), { statusCode: 404 });
});
