import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test } from "node:test";

import * as pulumi from "@pulumi/pulumi";

import { imageSets } from "../../components";
import { keys, loadConfiguration, readConfiguration } from "../../config";
import { mockedStack } from "./mocked-stack";
import { defaults, pulumiYaml } from "./pulumi-yaml";

const engine = "unix:///var/run/docker.sock";

/** Reads what a stack has where somebody set these keys and nobody any other. */
function read(set: Record<string, string> = {}, dockerHost = () => engine) {
  const all: Record<string, string> = { ...defaults(), ...set };
  return readConfiguration((key) => all[key], Object.keys(all), dockerHost);
}

test("Pulumi.yaml declares the keys that are read, each with a type, a default of that type and a description", () => {
  const { name, config } = pulumiYaml();
  assert.equal(name, "mesos-marathon");
  assert.deepEqual(Object.keys(config), [...keys]);
  for (const [key, { type, default: value, description, ...rest }] of Object.entries(config)) {
    assert.equal(typeof value, type === "integer" ? "number" : type, key);
    assert.ok(description.length > 20 && description.endsWith("."), key);
    assert.deepEqual(rest, {}, key);
  }
  assert.deepEqual(Object.fromEntries(Object.entries(config).map(([key, { type }]) => [key, type])), {
    address: "string",
    imageSet: "string",
    dockerHost: "string",
    dockerSocket: "string",
    zookeeperName: "string",
    zookeeperPort: "integer",
    mesosMasterName: "string",
    mesosMasterPort: "integer",
    mesosSlaveName: "string",
    mesosSlavePort: "integer",
    mesosSlaveResources: "string",
    mesosSlaveAttributes: "string",
    marathonName: "string",
    marathonPort: "integer",
    readyTimeout: "integer",
    onDestroy: "string",
    preflight: "boolean",
  });
});

test("with nothing set: the tutorial's values, and no problem", () => {
  assert.deepEqual(read(), {
    problems: [],
    configuration: {
      host: { address: "127.0.0.1", dockerHost: engine, dockerSocket: "/var/run/docker.sock" },
      cluster: {
        imageSet: imageSets.tutorial,
        zookeeper: { containerName: "zookeeper", port: 2181 },
        mesosMaster: { containerName: "mesos-master", port: 5050 },
        mesosSlave: {
          containerName: "mesos-slave",
          port: 5051,
          resources: "cpus:2;mem:2048;disk:10240;ports:[31000-32000]",
          attributes: "",
        },
        marathon: { containerName: "marathon", port: 8080 },
        readyTimeout: 300,
        onDestroy: "keep",
      },
      preflight: true,
    },
  });
});

test("each key reaches its own field", () => {
  const { configuration, problems } = read({
    address: "192.0.2.7",
    imageSet: "rehearsal",
    dockerHost: "tcp://192.0.2.7:2376",
    dockerSocket: "/run/docker.sock",
    zookeeperName: "a1",
    zookeeperPort: "1",
    mesosMasterName: "B_2.x-",
    mesosMasterPort: "2",
    mesosSlaveName: "c3",
    mesosSlavePort: "3",
    mesosSlaveResources: "cpus:0.5;gpus:1;ports:[1-2,4-5]",
    mesosSlaveAttributes: "rack:1;zone:eu-1/a",
    marathonName: "d4",
    marathonPort: "65535",
    readyTimeout: "3600",
    onDestroy: "erase",
    preflight: "false",
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(configuration, {
    host: { address: "192.0.2.7", dockerHost: "tcp://192.0.2.7:2376", dockerSocket: "/run/docker.sock" },
    cluster: {
      imageSet: imageSets.rehearsal,
      zookeeper: { containerName: "a1", port: 1 },
      mesosMaster: { containerName: "B_2.x-", port: 2 },
      mesosSlave: { containerName: "c3", port: 3, resources: "cpus:0.5;gpus:1;ports:[1-2,4-5]", attributes: "rack:1;zone:eu-1/a" },
      marathon: { containerName: "d4", port: 65535 },
      readyTimeout: 3600,
      onDestroy: "erase",
    },
    preflight: false,
  });
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

const name = "write a container name: letters, digits, _ . -, two to 128 of them, beginning with a letter or digit";
const task = "names like mesos-<uuid> are those of Mesos tasks, and a recovering slave stops the ones it does not know; write another";
const port = "write a port from 1 to 65535";
const seconds = "write seconds from 1 to 3600";
const address = "write an IPv4 address of the host, such as 127.0.0.1";
const resources = "write resources as Mesos takes them, such as cpus:2;mem:2048;disk:10240;ports:[31000-32000]";
const attributes = "write attributes as Mesos takes them, such as rack:1;zone:a";
const dockerHost = "write unix:///path/to/docker.sock, tcp://host:port or ssh://user@host";
const socket = "write an absolute path without colons and spaces, such as /var/run/docker.sock";

/** What somebody set, and every sentence that comes of it, less the `mesos-marathon:` in front. */
const table: [set: Record<string, string>, ...sentences: string[]][] = [
  // The address.
  [{ address: "" }, `address is "": ${address}`],
  [{ address: "localhost" }, `address is "localhost": ${address}`],
  [{ address: "127.0.0.1 " }, `address is "127.0.0.1 ": ${address}`],
  [{ address: "127.0.0.256" }, `address is "127.0.0.256": ${address}`],
  [{ address: "::1" }, `address is "::1": ${address}`],
  [{ address: "http://127.0.0.1" }, `address is "http://127.0.0.1": ${address}`],
  [{ address: "127.0.0.1\nMESOS_X=1" }, `address is "127.0.0.1\\nMESOS_X=1": ${address}`],
  [{ address: "0.0.0.0" }, 'address is "0.0.0.0": nobody can be reached at it; write the one address that slaves, frameworks and browsers use'],
  // The image set.
  [{ imageSet: "" }, 'imageSet is "": there is no such image set; write tutorial or rehearsal'],
  [{ imageSet: "tutorail" }, 'imageSet is "tutorail": there is no such image set, did you mean tutorial?; write tutorial or rehearsal'],
  [{ imageSet: "Rehearsal" }, 'imageSet is "Rehearsal": there is no such image set, did you mean rehearsal?; write tutorial or rehearsal'],
  [{ imageSet: "constructor" }, 'imageSet is "constructor": there is no such image set; write tutorial or rehearsal'],
  // The Docker Engine.
  [{ dockerHost: "/var/run/docker.sock" }, `dockerHost is "/var/run/docker.sock": ${dockerHost}`],
  [{ dockerHost: "npipe:////./pipe/docker_engine" }, `dockerHost is "npipe:////./pipe/docker_engine": ${dockerHost}`],
  [{ dockerHost: "tcp://" }, `dockerHost is "tcp://": ${dockerHost}`],
  [{ dockerSocket: "docker.sock" }, `dockerSocket is "docker.sock": ${socket}`],
  [{ dockerSocket: "/run/docker.sock:ro" }, `dockerSocket is "/run/docker.sock:ro": ${socket}`],
  [{ dockerSocket: "/run/my docker.sock" }, `dockerSocket is "/run/my docker.sock": ${socket}`],
  // Names.
  [{ zookeeperName: "" }, `zookeeperName is "": ${name}`],
  [{ mesosMasterName: "m" }, `mesosMasterName is "m": ${name}`],
  [{ mesosSlaveName: "-slave" }, `mesosSlaveName is "-slave": ${name}`],
  [{ marathonName: "mar/athon" }, `marathonName is "mar/athon": ${name}`],
  [{ marathonName: "x".repeat(129) }, `marathonName is "${"x".repeat(129)}": ${name}`],
  [{ marathonName: "mára" }, `marathonName is "mára": ${name}`],
  [{ mesosSlaveName: "mesos-0123abcd-slave" }, `mesosSlaveName is "mesos-0123abcd-slave": ${task}`],
  [{ marathonName: "my marathon" }, `marathonName is "my marathon": ${name}`],
  [{ marathonName: "marathon'; true '" }, `marathonName is "marathon'; true '": ${name}`],
  [{ marathonName: 'mara"thon' }, `marathonName is "mara\\"thon": ${name}`],
  [{ marathonName: "$(reboot)" }, `marathonName is "$(reboot)": ${name}`],
  [{ marathonName: "marathon\n" }, `marathonName is "marathon\\n": ${name}`],
  [{ marathonName: "zookeeper" }, 'marathonName is "zookeeper": mesos-marathon:zookeeperName is the same; give each its own'],
  // Ports and the time limit.
  [{ marathonPort: "" }, `marathonPort is "": ${port}`],
  [{ mesosMasterPort: "0" }, `mesosMasterPort is "0": ${port}`],
  [{ mesosSlavePort: "65536" }, `mesosSlavePort is "65536": ${port}`],
  [{ marathonPort: "-8080" }, `marathonPort is "-8080": ${port}`],
  [{ marathonPort: "80.5" }, `marathonPort is "80.5": ${port}`],
  [{ marathonPort: "0x50" }, `marathonPort is "0x50": ${port}`],
  [{ marathonPort: "http" }, `marathonPort is "http": ${port}`],
  [{ marathonPort: "8080\n" }, `marathonPort is "8080\\n": ${port}`],
  [{ mesosSlavePort: "5050" }, 'mesosSlavePort is "5050": mesos-marathon:mesosMasterPort is the same; give each its own'],
  [{ zookeeperPort: "2182" }, 'zookeeperPort is "2182": the image set tutorial knows no other port than 2181'],
  [{ readyTimeout: "0" }, `readyTimeout is "0": ${seconds}`],
  [{ readyTimeout: "3601" }, `readyTimeout is "3601": ${seconds}`],
  [{ readyTimeout: "5m" }, `readyTimeout is "5m": ${seconds}`],
  // Resources and attributes.
  [{ mesosSlaveResources: "" }, `mesosSlaveResources is "": ${resources}`],
  [{ mesosSlaveResources: "cpus=2" }, `mesosSlaveResources is "cpus=2": ${resources}`],
  [{ mesosSlaveResources: "cpus:2; mem:1" }, `mesosSlaveResources is "cpus:2; mem:1": ${resources}`],
  [{ mesosSlaveResources: "cpus:1.2.3" }, `mesosSlaveResources is "cpus:1.2.3": ${resources}`],
  [{ mesosSlaveResources: "mem:2G" }, `mesosSlaveResources is "mem:2G": ${resources}`],
  [{ mesosSlaveResources: "ports:[31000]" }, `mesosSlaveResources is "ports:[31000]": ${resources}`],
  [{ mesosSlaveResources: "cpus:2;" }, `mesosSlaveResources is "cpus:2;": ${resources}`],
  [{ mesosSlaveResources: "cpus:$(nproc)" }, `mesosSlaveResources is "cpus:$(nproc)": ${resources}`],
  [{ mesosSlaveResources: "cpus:2\nMESOS_X=1" }, `mesosSlaveResources is "cpus:2\\nMESOS_X=1": ${resources}`],
  [{ mesosSlaveAttributes: "rack" }, `mesosSlaveAttributes is "rack": ${attributes}`],
  [{ mesosSlaveAttributes: "rack:1;" }, `mesosSlaveAttributes is "rack:1;": ${attributes}`],
  [{ mesosSlaveAttributes: "rack:a b" }, `mesosSlaveAttributes is "rack:a b": ${attributes}`],
  [{ mesosSlaveAttributes: "rack:'1'" }, `mesosSlaveAttributes is "rack:'1'": ${attributes}`],
  [{ mesosSlaveAttributes: "rack:$(id)" }, `mesosSlaveAttributes is "rack:$(id)": ${attributes}`],
  [{ mesosSlaveAttributes: "rack:1\n" }, `mesosSlaveAttributes is "rack:1\\n": ${attributes}`],
  // Loopback is this machine's, the Docker Engine's host another one.
  ...["tcp://192.0.2.7:2376", "ssh://me@far.example", "tcp://[2001:db8::7]:2376"].map((dockerHost): [Record<string, string>, ...string[]] => [
    { dockerHost },
    `address is "127.0.0.1": the Docker Engine is on another machine (${dockerHost}), whose own loopback cannot be reached from here; write that machine's IPv4 address`,
  ]),
  ...["tcp://127.0.0.1:2375", "tcp://localhost:2375", "tcp://[::1]:2375", "ssh://me@localhost", `tcp://${hostname()}:2375`, `ssh://me@${hostname()}.example`].map((dockerHost): [Record<string, string>] => [{ dockerHost }]),
  [{ dockerHost: "tcp://192.0.2.7:2376", address: "192.0.2.7" }],
  // The switches.
  [{ onDestroy: "delete" }, 'onDestroy is "delete": write keep or erase'],
  [{ onDestroy: "" }, 'onDestroy is "": write keep or erase'],
  [{ preflight: "no" }, 'preflight is "no": write true or false'],
  [{ preflight: "" }, 'preflight is "": write true or false'],
  // Keys that are none.
  [{ marathonport: "8080" }, "marathonport is not a key of this project, did you mean marathonPort?; remove it: pulumi config rm marathonport"],
  [{ adress: "127.0.0.1" }, "adress is not a key of this project, did you mean address?; remove it: pulumi config rm adress"],
  [{ quorum: "3" }, "quorum is not a key of this project; remove it: pulumi config rm quorum"],
  // Several at once.
  [
    { address: "0.0.0.0", marathonPort: "99999" },
    'address is "0.0.0.0": nobody can be reached at it; write the one address that slaves, frameworks and browsers use',
    `marathonPort is "99999": ${port}`,
  ],
  [
    { zookeeperPort: "5050", quorum: "3" },
    "quorum is not a key of this project; remove it: pulumi config rm quorum",
    'mesosMasterPort is "5050": mesos-marathon:zookeeperPort is the same; give each its own',
    'zookeeperPort is "5050": the image set tutorial knows no other port than 2181',
  ],
  // Two that are no ports are not the same port.
  [{ zookeeperPort: "a", marathonPort: "b" }, `zookeeperPort is "a": ${port}`, `marathonPort is "b": ${port}`],
  // Three of one name: each but the first is told whose it is.
  [
    { mesosMasterName: "same", mesosSlaveName: "same", marathonName: "same" },
    'mesosSlaveName is "same": mesos-marathon:mesosMasterName is the same; give each its own',
    'marathonName is "same": mesos-marathon:mesosSlaveName is the same; give each its own',
  ],
  // The port that only the tutorial's image holds fast to; with an unknown image set nobody knows.
  [{ imageSet: "rehearsal", zookeeperPort: "2182" }],
  [{ imageSet: "other", zookeeperPort: "2182" }, 'imageSet is "other": there is no such image set; write tutorial or rehearsal'],
];

test("bad input: the key, the value as found, and what to write instead", async (t) => {
  for (const [set, ...sentences] of table) {
    await t.test(Object.entries(set).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(" "), () =>
      assert.deepEqual(read(set).problems.sort(), sentences.map((sentence) => `mesos-marathon:${sentence}`).sort()));
  }

  await t.test("a docker CLI's context that is not there is told with all the rest", () =>
    assert.deepEqual(
      read({ marathonPort: "0" }, () => {
        throw new Error("the context is gone");
      }).problems,
      ["the context is gone", `mesos-marathon:marathonPort is "0": ${port}`],
    ));

  await t.test("an endpoint that the stack did not set is told as what it is", () =>
    assert.deepEqual(read({}, () => "fd://").problems, [
      `DOCKER_HOST, or else the docker CLI's context, is "fd://": ${dockerHost}, there or as mesos-marathon:dockerHost`,
    ]));
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
    await mockedStack(() => void loadConfiguration(ask), { config: { ...defaults(), dockerHost } });
    assert.equal(asked, times);
  }
});

test("keys of other projects are nobody's business", async () => {
  const stack = await mockedStack(
    () => {
      pulumi.runtime.setConfig("docker:host", "tcp://192.0.2.7:2376");
      return { address: loadConfiguration(() => engine).host.address };
    },
    { config: defaults() },
  );
  assert.deepEqual(await stack.outputs, { address: "127.0.0.1" });
});
