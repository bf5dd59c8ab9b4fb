import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import * as pulumi from "@pulumi/pulumi";

import { imageSets } from "../../components";
import { loadConfiguration, readConfiguration } from "../../configuration";
import { keys } from "../../configuration/keys";
import { address, dockerHost, inTheClear, port, table } from "./configuration-table";
import { mockedStack } from "./mocked-stack";
import { defaults, pulumiYaml } from "./pulumi-yaml";

const engine = "unix:///var/run/docker.sock";

/** Reads what a stack has where somebody set these keys, some of them with `--secret`, and nobody any other. */
function read(set: Record<string, string> = {}, dockerHost = () => engine, secrets: readonly string[] = []) {
  const all: Record<string, string> = { ...defaults(), ...set };
  return readConfiguration((key) => all[key], Object.keys(all), dockerHost, (key) => secrets.includes(key));
}

test("Pulumi.yaml declares the keys that are read, each with a type, a default of that type and a description", () => {
  const { name, config } = pulumiYaml();
  assert.equal(name, "mesos-marathon");
  assert.deepEqual(Object.keys(config), [...keys]);
  for (const [key, { type, default: value, description, items, ...rest }] of Object.entries(config)) {
    assert.equal(Array.isArray(value) ? "array" : typeof value, type === "integer" ? "number" : type, key);
    assert.deepEqual(items, type === "array" ? { type: "string" } : undefined, key);
    assert.ok(description.length > 20 && description.endsWith("."), key);
    assert.deepEqual(rest, {}, key);
  }
  assert.deepEqual(Object.fromEntries(Object.entries(config).map(([key, { type }]) => [key, type])), {
    address: "string",
    hostname: "string",
    networkMode: "string",
    bridgeSubnet: "string",
    imageSet: "string",
    customImageSet: "string",
    imageRegistry: "string",
    imageRegistryUsername: "string",
    imageRegistryPassword: "string",
    followImageTags: "boolean",
    dockerHost: "string",
    dockerSocket: "string",
    dataFolder: "string",
    restart: "string",
    logMaxSize: "string",
    logMaxFiles: "integer",
    labels: "object",
    zookeeperName: "string",
    zookeeperPort: "integer",
    zookeeperEnvironment: "object",
    zookeeperMounts: "array",
    zookeeperCpus: "string",
    zookeeperMemory: "integer",
    mesosZookeeperPath: "string",
    mesosRole: "string",
    mesosMasterName: "string",
    mesosMasterPort: "integer",
    mesosMasterEnvironment: "object",
    mesosMasterMounts: "array",
    mesosMasterCpus: "string",
    mesosMasterMemory: "integer",
    mesosSlaveName: "string",
    mesosSlavePort: "integer",
    mesosSlaveEnvironment: "object",
    mesosSlaveMounts: "array",
    mesosSlaveCpus: "string",
    mesosSlaveMemory: "integer",
    mesosSlaveResources: "string",
    mesosSlaveAttributes: "string",
    mesosSlaveDockerClient: "string",
    mesosSlaveGeneration: "integer",
    marathonName: "string",
    marathonPort: "integer",
    marathonZookeeperPath: "string",
    marathonEnvironment: "object",
    marathonMounts: "array",
    marathonCpus: "string",
    marathonMemory: "integer",
    readyTimeout: "integer",
    onDestroy: "string",
    acceptedWarnings: "array",
    preflight: "boolean",
  });
});

test("with nothing set: the tutorial's values, and no problem", () => {
  assert.deepEqual(read(), {
    problems: [],
    configuration: {
      host: { address: "127.0.0.1", hostname: "127.0.0.1", dockerHost: engine, dockerSocket: "/var/run/docker.sock" },
      cluster: {
        imageSet: imageSets.tutorial,
        zookeeper: { containerName: "zookeeper", port: 2181, environment: {}, mounts: [], cpus: 0, memory: 0 },
        mesosMaster: { containerName: "mesos-master", port: 5050, environment: {}, mounts: [], cpus: 0, memory: 0 },
        mesosSlave: {
          containerName: "mesos-slave",
          port: 5051,
          environment: {},
          mounts: [],
          cpus: 0,
          memory: 0,
          resources: "cpus:2;mem:2048;disk:10240;ports:[31000-32000]",
          attributes: "",
          dockerClient: "",
          generation: 1,
        },
        marathon: { containerName: "marathon", port: 8080, environment: {}, mounts: [], cpus: 0, memory: 0 },
        mesosZookeeperPath: "/mesos",
        marathonZookeeperPath: "/marathon",
        role: "*",
        dataFolder: "",
        restart: "always",
        logMaxSize: "10m",
        logMaxFiles: 3,
        labels: {},
        networkMode: "host",
        bridgeSubnet: "172.30.250.0/24",
        readyTimeout: 300,
        onDestroy: "keep",
      },
      followImageTags: false,
      acceptedWarnings: [],
      preflight: true,
    },
  });
});

test("each key reaches its own field", () => {
  const { configuration, problems } = read({
    address: "192.0.2.7",
    hostname: "browse.test",
    networkMode: "bridge",
    bridgeSubnet: "10.1.2.16/28",
    imageSet: "rehearsal",
    dockerHost: "tcp://192.0.2.7:2376",
    dockerSocket: "/run/docker.sock",
    zookeeperName: "a1",
    zookeeperPort: "1",
    zookeeperEnvironment: '{"A":"1"}',
    mesosZookeeperPath: "/a/b.c",
    marathonZookeeperPath: "/a/b.c_d",
    mesosRole: "a.b-c",
    dataFolder: "/srv/mesos-1",
    restart: "unless-stopped",
    logMaxSize: "1g",
    logMaxFiles: "1",
    labels: '{"example.com/team":"payments","a_9":1,"x":true}',
    zookeeperMounts: '["/a:/b","/c/d e:/f.g:ro"]',
    mesosMasterMounts: '["/:/host"]',
    mesosSlaveMounts: '["/a:/b"]',
    marathonMounts: '["/a:/c"]',
    zookeeperCpus: "0.01",
    mesosMasterCpus: "1",
    mesosSlaveCpus: "2.50",
    marathonCpus: "9999.99",
    zookeeperMemory: "6",
    mesosMasterMemory: "7",
    mesosSlaveMemory: "1048576",
    marathonMemory: "9",
    mesosMasterEnvironment: '{"MESOS_CLUSTER":"it\'s \\"$(mine)\\""}',
    mesosSlaveEnvironment: '{"MESOS_GC_DELAY":"2days","mesos_strict":true,"_b":2}',
    marathonEnvironment: '{"MARATHON_DISABLE_HA":"","JAVA_OPTS":"-Xmx1g -Xms1g"}',
    mesosMasterName: "B_2.x-",
    mesosMasterPort: "2",
    mesosSlaveName: "c3",
    mesosSlavePort: "3",
    mesosSlaveResources: "cpus:0.5;mem:64;disk:0;gpus:1;ports:[4-5,7-9]",
    mesosSlaveAttributes: "rack:1;zone:eu-1/a",
    mesosSlaveGeneration: "3",
    marathonName: "d4",
    marathonPort: "65535",
    readyTimeout: "3600",
    onDestroy: "keep",
    acceptedWarnings: '["exposed","low-disk"]',
    preflight: "false",
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(configuration, {
    host: { address: "192.0.2.7", hostname: "browse.test", dockerHost: "tcp://192.0.2.7:2376", dockerSocket: "/run/docker.sock" },
    cluster: {
      imageSet: imageSets.rehearsal,
      zookeeper: { containerName: "a1", port: 1, environment: { A: "1" }, mounts: ["/a:/b", "/c/d e:/f.g:ro"], cpus: 0.01, memory: 6 },
      mesosMaster: { containerName: "B_2.x-", port: 2, environment: { MESOS_CLUSTER: "it's \"$(mine)\"" }, mounts: ["/:/host"], cpus: 1, memory: 7 },
      mesosSlave: {
        containerName: "c3",
        port: 3,
        environment: { MESOS_GC_DELAY: "2days", mesos_strict: "true", _b: "2" },
        mounts: ["/a:/b"],
        cpus: 2.5,
        memory: 1048576,
        resources: "cpus:0.5;mem:64;disk:0;gpus:1;ports:[4-5,7-9]",
        attributes: "rack:1;zone:eu-1/a",
        dockerClient: "",
        generation: 3,
      },
      marathon: { containerName: "d4", port: 65535, environment: { MARATHON_DISABLE_HA: "", JAVA_OPTS: "-Xmx1g -Xms1g" }, mounts: ["/a:/c"], cpus: 9999.99, memory: 9 },
      mesosZookeeperPath: "/a/b.c",
      marathonZookeeperPath: "/a/b.c_d",
      role: "a.b-c",
      dataFolder: "/srv/mesos-1",
      restart: "unless-stopped",
      logMaxSize: "1g",
      logMaxFiles: 1,
      labels: { "example.com/team": "payments", a_9: "1", x: "true" },
      networkMode: "bridge",
      bridgeSubnet: "10.1.2.16/28",
      readyTimeout: 3600,
      onDestroy: "keep",
    },
    followImageTags: false,
    acceptedWarnings: ["exposed", "low-disk"],
    preflight: false,
  });
});

test("on a bridge network an image that knows one port only is published under another, and host mode takes what bridge mode sets itself", () => {
  assert.deepEqual(read({ networkMode: "bridge", zookeeperPort: "2182" }).problems, []);
  const variables = '{"MESOS_EXECUTOR_ENVIRONMENT_VARIABLES":"{}"}';
  assert.deepEqual(read({ imageSet: "rehearsal", mesosSlaveEnvironment: variables }).problems, []);
});

test("a set of somebody's own that does not say how a network mode or a host name is told is refused with the reason", () => {
  const folder = mkdtempSync(join(tmpdir(), "image-set-"));
  try {
    const customImageSet = join(folder, "set.json");
    const slave = { image: "some/slave:1", version: "1.11.0", environment: { MESOS_HOSTNAME: "{address}", MESOS_DOCKER_MESOS_IMAGE: "{image}" } };
    writeFileSync(customImageSet, JSON.stringify({ like: "rehearsal", mesosSlave: slave }));
    const own = { imageSet: "custom", customImageSet };
    const unasked = (key: string, value: string, setting: string) =>
      `mesos-marathon:${key} is "${value}": the image set custom does not say how its mesosSlave is told {${setting}}: give that a variable in its environment`;
    assert.deepEqual(read(own).problems, []);
    assert.deepEqual(read({ ...own, networkMode: "bridge" }).problems, [unasked("networkMode", "bridge", "hostname"), unasked("networkMode", "bridge", "executorAddress")]);
    assert.deepEqual(read({ ...own, hostname: "a.test" }).problems, [unasked("hostname", "a.test", "hostname")]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the Docker Engine is the configured one, else the docker CLI's; its socket as its own host sees it", () => {
  const hosts = (set: Record<string, string>, ambient = engine) => {
    const { configuration, problems } = read({ address: "192.0.2.7", ...set }, () => ambient);
    assert.deepEqual(problems, []);
    return [configuration.host.dockerHost, configuration.host.dockerSocket];
  };
  assert.deepEqual(hosts({}, "unix:///run/user/1000/docker.sock"), ["unix:///run/user/1000/docker.sock", "/run/user/1000/docker.sock"]);
  assert.deepEqual(hosts({ dockerHost: "unix:///run/mine.sock" }, "ssh://other"), ["unix:///run/mine.sock", "/run/mine.sock"]);
  assert.deepEqual(hosts({ dockerHost: "unix:///run/mine.sock", dockerSocket: "/srv/d.sock" }), ["unix:///run/mine.sock", "/srv/d.sock"]);
  assert.deepEqual(hosts({}, "ssh://me@192.0.2.7"), ["ssh://me@192.0.2.7", "/var/run/docker.sock"]);
  // Docker Desktop: what the socket in the home folder leads to has the usual path in the virtual machine.
  assert.deepEqual(hosts({}, "unix:///home/me/.docker/run/docker.sock"), ["unix:///home/me/.docker/run/docker.sock", "/var/run/docker.sock"]);
});

test("bad input: the key, the value as found, and what to write instead", async (t) => {
  for (const [set, ...sentences] of table) {
    await t.test(Object.entries(set).map(([key, value]) => `${key}=${JSON.stringify(value).slice(0, 200)}`).join(" "), () =>
      assert.deepEqual(read(set).problems.sort(), sentences.map((sentence) => `mesos-marathon:${sentence}`).sort()));
  }

  await t.test("a credential passes where its key has a secret, and every variable beside it is one then", async () => {
    const { configuration, problems } = read({ marathonEnvironment: JSON.stringify({ MESOSPHERE_HTTP_CREDENTIALS: "me:p4ss", A: "1" }) }, undefined, ["marathonEnvironment"]);
    assert.deepEqual(problems, []);
    const { environment } = configuration.cluster.marathon;
    assert.deepEqual(Object.keys(environment), ["MESOSPHERE_HTTP_CREDENTIALS", "A"]);
    for (const value of Object.values(environment)) {
      assert.ok(await pulumi.isSecret(value as pulumi.Output<string>));
    }
    const others = read({ mesosMasterEnvironment: JSON.stringify({ SECRET: "p4ss" }) }, undefined, ["marathonEnvironment"]);
    assert.deepEqual(others.problems, [`mesos-marathon:mesosMasterEnvironment.SECRET ${inTheClear("mesosMasterEnvironment.SECRET")}`]);
  });

  await t.test("no value of a variable is ever told", () => {
    for (const [set] of table.filter(([set]) => Object.keys(set).some((key) => key.endsWith("Environment")))) {
      assert.ok(!read(set).problems.join().includes("p4ss"));
    }
  });

  await t.test("a docker CLI's context that is not there is told with all the rest", () =>
    assert.deepEqual(
      read({ marathonPort: "0" }, () => {
        throw new Error("the context is gone");
      }).problems.sort(),
      [`mesos-marathon:marathonPort is "0": ${port}`, "the context is gone"],
    ));

  await t.test("an endpoint that the stack did not set is told as what it is", () =>
    assert.deepEqual(read({}, () => "fd://").problems, [
      `DOCKER_HOST, or else the docker CLI's context, is "fd://": ${dockerHost}, there or as mesos-marathon:dockerHost`,
    ]));
});

test("onDestroy may be erase where the data is in volumes", () => {
  const { configuration, problems } = read({ onDestroy: "erase" });
  assert.deepEqual([configuration.cluster.onDestroy, problems], ["erase", []]);
});

test("a registry renames the images, and its credentials are for its host", () => {
  const { configuration, problems } = read(
    { imageRegistry: "registry.test:5000/mirror", imageRegistryUsername: "me", imageRegistryPassword: "hidden" },
    undefined,
    ["imageRegistryPassword"],
  );
  assert.deepEqual(problems, []);
  assert.equal(configuration.cluster.imageSet.marathon.image, "registry.test:5000/mirror/mesoscloud/marathon:0.10.1-ubuntu-14.04");
  assert.deepEqual(configuration.host.registryAuth, { address: "registry.test:5000", username: "me", password: "hidden" });
  assert.equal("registryAuth" in read({ imageRegistry: "registry.test" }).configuration.host, false);
});

test("images of somebody's own are read from their file", () => {
  const { configuration, problems } = read({ imageSet: "custom", customImageSet: "examples/custom-images.json", zookeeperPort: "2182" });
  assert.deepEqual(problems, []);
  assert.equal(configuration.cluster.imageSet.name, "custom");
  assert.equal(configuration.cluster.imageSet.zookeeper.image, "zookeeper:3.4.13");
});

/** There is nothing to choose where a set is named. */
const noChoice = () => Promise.reject(new Error("an image set was to be chosen"));

test("a role is refused with images that are not told of it", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "images-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "set.json");
  writeFileSync(file, JSON.stringify({ like: "classic", marathon: { image: "marathon:1", version: "1.8.222", environment: { MARATHON_ZK: "{zk}" } } }));
  const custom = { imageSet: "custom", customImageSet: file };
  assert.deepEqual(read(custom).problems, []);
  assert.deepEqual(read({ ...custom, mesosRole: "batch" }).problems, [
    'mesos-marathon:mesosRole is "batch": the image set custom has no variable with {role} for marathon: add one to it, or write *',
  ]);
});

test("a password in the clear is refused without being told", async () => {
  const config = { ...defaults(), imageRegistry: "registry.test", imageRegistryUsername: "me", imageRegistryPassword: "hidden" };
  const thrown = async (secrets: string[]) => {
    let error: any;
    await mockedStack(
      async () => {
        pulumi.runtime.setAllConfig(Object.fromEntries(Object.entries(config).map(([key, value]) => [`mesos-marathon:${key}`, value])), secrets);
        try {
          await loadConfiguration(() => engine, noChoice);
        } catch (problem) {
          error = problem;
        }
      },
      { config },
    );
    return error?.message;
  };
  assert.equal(
    await thrown([]),
    "The configuration of stack dev cannot be used:\n" +
      "  - mesos-marathon:imageRegistryPassword is in the clear: pulumi config set --secret imageRegistryPassword, and take a new one if others could read that",
  );
  assert.equal(await thrown(["mesos-marathon:imageRegistryPassword"]), undefined);
});

test("the program ends with every problem at once, without a stack trace, before it declares anything", async () => {
  let error: any;
  const program = require("../../index");
  const stack = await mockedStack(() => program().catch((thrown: unknown) => void (error = thrown)), {
    stack: "mine",
    config: { ...defaults(), address: "localhost", marathonPort: "0", marathonName: "zookeeper", quorum: "3" },
  });
  assert.ok(pulumi.RunError.isInstance(error));
  assert.equal(error.stack, undefined);
  assert.equal(
    error.message,
    [
      "The configuration of stack mine cannot be used:",
      "  - mesos-marathon:quorum is not a key of this project; remove it: pulumi config rm quorum",
      `  - mesos-marathon:address is "localhost": ${address}`,
      `  - mesos-marathon:marathonPort is "0": ${port}`,
      '  - mesos-marathon:marathonName is "zookeeper": mesos-marathon:zookeeperName is the same; give each its own',
    ].join("\n"),
  );
  assert.equal(stack.resources.size, 0);
});

test("the docker CLI is asked for its engine only where the stack names none", async () => {
  let asked = 0;
  const ask = () => {
    asked++;
    return engine;
  };
  for (const [dockerHost, times] of [["", 1], ["unix:///run/mine.sock", 1]] as const) {
    await mockedStack(() => void loadConfiguration(ask, noChoice), { config: { ...defaults(), dockerHost } });
    assert.equal(asked, times);
  }
});

test("keys of other projects are nobody's business", async () => {
  const stack = await mockedStack(
    async () => {
      pulumi.runtime.setConfig("docker:host", "tcp://192.0.2.7:2376");
      return { address: (await loadConfiguration(() => engine, noChoice)).host.address };
    },
    { config: defaults() },
  );
  assert.deepEqual(await stack.outputs, { address: "127.0.0.1" });
});
