/** What is found before the first change: the rules on what was seen, and the seeing on this machine. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, Socket } from "node:net";
import { hostname } from "node:os";
import { test, type TestContext } from "node:test";

import * as pulumi from "@pulumi/pulumi";

import { imageSets, imagesOf } from "../../components";
import { type Configuration, readConfiguration } from "../../configuration";
import { preflight } from "../../preflight";
import { judge } from "../../preflight/judge";
import { look } from "../../preflight/look";
import type { Engine, Here, Recorded, Seen, SeenBridge, SeenContainer } from "../../preflight/seen";
import { FakeEngine } from "./fake-engine";
import { mockedStack } from "./mocked-stack";
import { defaults } from "./pulumi-yaml";

const owner = { project: "mesos-marathon", stack: "dev" };
const ours = (component: string) => ({
  "mesos-marathon.project": "mesos-marathon",
  "mesos-marathon.stack": "dev",
  "mesos-marathon.component": component,
});
/** As Docker tells labels of a container. */
const borne = (labels: Record<string, string>) => Object.entries(labels).map((pair) => pair.join("="));
const otherStacks = { ...ours("marathon"), "mesos-marathon.stack": "dev-2" };

function configured(set: Record<string, string> = {}): Configuration {
  const all: Record<string, string> = { ...defaults(), ...set };
  const { configuration, problems } = readConfiguration((key) => all[key], Object.keys(all), () => "unix:///var/run/docker.sock", (key) => ["imageRegistryPassword", "marathonEnvironment"].includes(key));
  assert.deepEqual(problems, []);
  return configuration;
}

const rehearsalImages = [
  "mesos-marathon/rehearsal-zookeeper:3.8.0",
  "mesos-marathon/stand-in-mesos-master:1.11.0",
  "mesos-marathon/stand-in-mesos-slave:1.11.0",
  "mesos-marathon/stand-in-marathon:1.11.0",
];
const tutorialImages = [
  "mesoscloud/zookeeper:3.4.6-ubuntu-14.04",
  "mesoscloud/mesos-master:0.23.0-ubuntu-14.04",
  "mesoscloud/mesos-slave:0.23.0-ubuntu-14.04",
  "mesoscloud/marathon:0.10.1-ubuntu-14.04",
];
/** As an engine lists them, each with an id of its own. */
const there = (images: readonly string[]) => Object.fromEntries(images.map((name) => [name, `sha256:${name}`]));
/** An engine and a machine on which the rehearsal's images run. */
const fit: Engine = {
  version: "20.10.24",
  minApiVersion: "1.12",
  cgroupVersion: "2",
  architecture: "amd64",
  defaultRuntime: "runc",
  limitsMemory: true,
  clockAhead: 0,
  operatingSystem: "Debian GNU/Linux 12 (bookworm)",
  forwardsPackets: true,
  withoutTls: false,
  authorizationPlugins: [],
  bridges: [{ id: "docker0", name: "bridge", labels: {}, subnets: ["172.17.0.0/16"], gateways: ["172.17.0.1"], device: "docker0" }],
  limitsCpus: true,
  cpus: 2,
  rootDirectory: "/var/lib/docker",
  securityOptions: ["name=seccomp,profile=default"],
  containers: [],
  images: there(rehearsalImages),
  volumes: [],
};
const gigabyte = 1024 ** 3;
const here: Here = { addresses: ["127.0.0.1", "192.0.2.7"], listeners: [], routes: [], freeBytes: 20 * gigabyte, lacksCapabilities: false };

const container = (name: string, more: Partial<SeenContainer> = {}): SeenContainer => ({
  id: `${name}-0123456789abcdef`,
  name,
  image: "nginx:1",
  created: "2026-01-01T00:00:00.000Z",
  labels: {},
  mountSources: [],
  publishedPorts: [],
  runs: true,
  ...more,
});
const made = { image: "nginx:1", imageId: "sha256:0", environment: [], imageEnvironment: [], labels: [], imageLabels: [], cpus: 0, memory: 0, logLimits: [], binds: [], ports: [] };
/** What is said of it, beside its name. */
const told = (id: string, more = "") => `(${id}, image nginx:1, created 2026-01-01T00:00:00Z${more})`;
const slaveThatRan = (...environment: string[]) =>
  container("mesos-slave", {
    labels: ours("mesos-slave"),
    made: { ...made, environment: ["MESOS_HOSTNAME=127.0.0.1", "MESOS_RESOURCES=cpus:2;mem:2048;disk:10240;ports:[31000-32000]", ...environment] },
  });
const forbidden = (...changes: string[]) =>
  `error: the Mesos slave would end at every start, as its kept state forbids that ${changes.map((change) => `mesos-marathon:${change}`).join(", and that ")}: ` +
  "set it back, or make it a new slave, whose tasks are all lost and launched anew: pulumi config set mesosSlaveGeneration 2";
/** The second slave of its stack. */
const secondSlave = { ...slaveThatRan("MESOS_PORT=5052"), made: { ...slaveThatRan("MESOS_PORT=5052").made!, labels: ["mesos-marathon.generation=2"] } };
const uuid = "01234567-89ab-cdef-0123-456789abcdef";
const sandbox = (stack: string) => `/var/lib/docker/volumes/mesos-marathon-${stack}-cluster-mesos-slave-work/_data/slaves/S0/frameworks/F/executors/E/runs/R`;

const howToMove = "Nothing is carried over by itself: docs/operations.md, *Move the data*, says how";
const staysBehind = (data: string, folder: string) =>
  `error: the data of the cluster is in ${data}, and mesos-marathon:dataFolder is ${folder}: it would begin anew, without apps, ` +
  `beside tasks that nobody tends. Set it back, or \`pulumi destroy\` first. ${howToMove}`;
const withData = (source: string, name = "zookeeper", labels: Record<string, string> = ours("zookeeper")) =>
  container(name, { labels, made: { ...made, binds: ["/etc/hosts:/etc/hosts", `${source}:/data`] } });
const dataVolume = { name: "mesos-marathon-dev-cluster-zookeeper-data", labels: ours("zookeeper") };
const takenVolume = (name: string, whose = "") =>
  `error: the volume ${name}${whose} would be taken for this stack's, but does not bear its labels: remove it once nobody needs what is in it (docker volume rm ${name}), ` +
  "or choose another name for this stack (pulumi stack init NAME)";
const marathonAt = (path: string) => container("marathon", { labels: ours("marathon"), made: { ...made, environment: [`MARATHON_ZK=zk://127.0.0.1:2181${path}`] } });

interface Case {
  readonly config?: Record<string, string>;
  readonly engine?: Partial<Engine>;
  readonly recorded?: Recorded;
  readonly resolved?: Seen["resolved"];
  /** null: Pulumi runs elsewhere. */
  readonly here?: Partial<Here> | null;
  /** Each as `level: sentence`. */
  readonly found: readonly string[];
}

const held = (what: string, key: string, program: string, by: string) =>
  `error: port ${what} (mesos-marathon:${key}, for ${program}) is held by ${by}: end that, or choose another port: pulumi config set ${key} PORT`;
const exposedZooKeeper =
  "warning: without a password and open to every network of this host: ZooKeeper (2181), because the image cannot be told to listen on 127.0.0.1 only. " +
  "Who reaches it can change what Mesos and Marathon do: close the port in the firewall";
const untried =
  "note: the image set tutorial was put together from the images' sources; nobody has been seen to run it with this stack. " +
  "Known limits: on the host's network ZooKeeper listens on every address, on port 2181 and no other; replacing the slave's container ends its tasks";
const tutorial = { cgroupVersion: "1", images: there(tutorialImages) };
const missing = (paths: string, key: string, program: string) =>
  `warning: this host has no ${paths} (mesos-marathon:${key}Mounts): when Docker makes the container of ${program}, it makes an empty folder there, owned by root. ` +
  "Put there what is meant, or write another path";
const notSeen = "note: ports, addresses, disk, memory and capabilities of the Docker host cannot be seen from here and were not checked";
const rootless = "error: the Docker Engine runs rootless or with user namespaces, and the Mesos slave needs a privileged container of the real root: use an Engine without";
const foreignTask = (name: string) =>
  `warning: ${name}: tasks of another Mesos slave, it seems. This cluster leaves them alone; the other slave, when it starts on kept state, stops this cluster's tasks unless its MESOS_DOCKER_KILL_ORPHANS is false`;

const otherSlave = (slaveResources: string) =>
  container("other-slave", {
    labels: { ...otherStacks, "mesos-marathon.component": "mesos-slave" },
    mountSources: ["/sys/fs/cgroup", "/var/lib/docker/volumes/mesos-marathon-dev-2-cluster-mesos-slave-work/_data"],
    made: { ...made, environment: slaveResources ? [`MESOS_RESOURCES=${slaveResources}`] : [] },
  });
const sharedPorts = (range: string) =>
  `error: the ports ${range} are offered to tasks by the Mesos slave other-slave of stack dev-2, and by this stack's (mesos-marathon:mesosSlaveResources): ` +
  "two tasks would get the same port. Give this one others, such as ports:[30000-30999]: pulumi config set mesosSlaveResources RESOURCES";

const ownNetwork: SeenBridge = { id: "own", name: "mesos-marathon-dev-cluster-network", labels: ours("network"), subnets: ["172.30.250.0/24"], gateways: [], device: "br-own" };
const stranger = (more: Partial<SeenBridge>): SeenBridge => ({ id: "stranger", name: "stranger", labels: {}, subnets: [], gateways: [], device: "br-stranger", ...more });

const table: Record<string, Case> = {
  "all is well": { found: [] },
  "the next destroy erases": {
    config: { onDestroy: "erase" },
    found: [
      "warning: mesos-marathon:onDestroy is erase: the next destroy deletes every app and the volumes with all data of the cluster; " +
        "until then an up that replaces or drops a volume deletes that one, too",
    ],
  },

  // Names.
  "a name is taken by a stranger": {
    engine: { containers: [container("marathon"), container("other")] },
    found: [
      "error: the container name marathon (mesos-marathon:marathonName) is taken by a container that this stack did not make " +
        `${told("marathon-012")}: ` +
        "remove or rename that one, or choose another name: pulumi config set marathonName NAME",
    ],
  },
  "a name is taken by another stack": {
    engine: { containers: [container("zk", { labels: otherStacks })] },
    config: { zookeeperName: "zk" },
    found: [
      "error: the container name zk (mesos-marathon:zookeeperName) is taken by a container that this stack did not make " +
        `${told("zk-012345678", ", of stack dev-2 of project mesos-marathon")}: ` +
        "remove or rename that one, or choose another name: pulumi config set zookeeperName NAME",
    ],
  },
  "own containers and volumes": {
    engine: {
      containers: ["zookeeper", "mesos-master", "mesos-slave", "marathon"].map((name) => container(name, { labels: ours(name) })),
      volumes: [{ name: "mesos-marathon-dev-cluster-zookeeper-data", labels: ours("zookeeper") }],
    },
    found: [],
  },
  "a volume of the name that this stack's will have": {
    engine: {
      volumes: [
        { name: "mesos-marathon-dev-cluster-zookeeper-data", createdAt: "2026-01-01T00:00:00.000Z", labels: { "com.docker.compose.project": "shop" } },
        { name: "mesos-marathon-dev-cluster-mesos-master-data", labels: {} },
        { name: "mesos-marathon-dev-2-cluster-zookeeper-data", labels: otherStacks },
        // Of a stack called dev-cluster.
        { name: "mesos-marathon-dev-cluster-cluster-zookeeper-data", labels: { ...otherStacks, "mesos-marathon.stack": "dev-cluster" } },
        { name: "other", labels: {} },
      ],
    },
    found: [
      takenVolume("mesos-marathon-dev-cluster-zookeeper-data", " (CreatedAt 2026-01-01T00:00:00Z, of Docker Compose project shop)"),
      takenVolume("mesos-marathon-dev-cluster-mesos-master-data"),
    ],
  },

  "versions that the data of what runs does not survive": {
    engine: {
      containers: [
        container("zookeeper", { labels: ours("zookeeper"), made: { ...made, image: "zookeeper:3.9.4" } }),
        container("mesos-master", { labels: ours("mesos-master"), made: { ...made, image: "mine/mesos-master:1.12.0" } }),
        container("marathon", { labels: ours("marathon"), made: { ...made, image: "sha256:0123" } }),
      ],
    },
    found: [
      "error: ZooKeeper 3.8.0 (mesos-marathon/rehearsal-zookeeper:3.8.0) cannot go on with what 3.9.4 (zookeeper:3.9.4) has left: " +
        "nobody promises that a release reads the data of a later one. Set it back; or take the data of a backup from before (docs/operations.md); " +
        "or give the data up: onDestroy erase, `pulumi up`, `pulumi destroy`, and only then the other version",
    ],
  },
  "a container that followed its tag is made from an id: the state has its version": {
    engine: { containers: [container("zookeeper", { labels: ours("zookeeper"), made: { ...made, image: "sha256:0123" } })] },
    recorded: {
      containers: { "zookeeper-0123456789abcdef": { component: "zookeeper", adopted: false } },
      adoptions: {},
      networks: [],
      gates: [],
      images: { zookeeper: "zookeeper:3.9.4@sha256:9" },
    },
    found: [
      "error: ZooKeeper 3.8.0 (mesos-marathon/rehearsal-zookeeper:3.8.0) cannot go on with what 3.9.4 (zookeeper:3.9.4) has left: " +
        "nobody promises that a release reads the data of a later one. Set it back; or take the data of a backup from before (docs/operations.md); " +
        "or give the data up: onDestroy erase, `pulumi up`, `pulumi destroy`, and only then the other version",
    ],
  },
  "containers that were started by hand, and are in this stack's state": {
    engine: {
      containers: [
        container("marathon", { made }),
        container("mesos-slave", { made: { ...made, environment: ["MESOS_IP=127.0.0.1", "MESOS_RESOURCES=cpus:9"] } }),
        container(`mesos-${uuid}`, { mountSources: ["/tmp/mesos/slaves/S0/frameworks/F/executors/E/runs/R"] }),
      ],
    },
    recorded: {
      containers: {
        "marathon-0123456789abcdef": { component: "marathon", adopted: true },
        "mesos-slave-0123456789abcdef": { component: "mesos-slave", adopted: true },
      },
      adoptions: {},
      networks: [],
      gates: [],
      images: {},
    },
    here: { listeners: [{ address: "127.0.0.1", port: 8080, holder: { pid: 1, command: "java", containerId: "marathon-0123456789abcdef" } }] },
    found: [],
  },
  "a container that bears this stack's labels, and that its state does not know": {
    engine: { containers: ["zookeeper", "other-marathon"].map((name) => container(name, { labels: ours("zookeeper") })) },
    recorded: { containers: { "zookeeper-0123456789abcdef": { component: "zookeeper", adopted: false } }, adoptions: {}, networks: [], gates: [], images: {} },
    found: [
      `error: the container other-marathon ${told("other-marath", ", of stack dev of project mesos-marathon")} bears this stack's labels, but is not in its state: ` +
        "it belongs to a stack of the same name in another clone, whose data this one would take for its own, or an `up` that was cut off left it. " +
        "Go on in that clone, choose another name for this stack (pulumi stack init NAME), or let npm run recover mend it",
    ],
  },

  // The network.
  "a network of the stack's own, and others beside it": {
    config: { networkMode: "bridge" },
    recorded: { containers: {}, adoptions: {}, networks: ["own"], gates: [], images: {} },
    engine: { bridges: [ownNetwork, stranger({ subnets: ["172.30.251.0/24", "10.0.0.0/8"] })] },
    here: { routes: [{ subnet: "172.30.250.0/24", device: "br-own" }, { subnet: "192.0.2.0/24", device: "eth0" }] },
    found: [],
  },
  "a network of that name which is a stranger's, one of another clone's, and a subnet that is taken three times": {
    config: { networkMode: "bridge" },
    recorded: { containers: {}, adoptions: {}, networks: [], gates: [], images: {} },
    engine: { bridges: [stranger({ name: ownNetwork.name, labels: otherStacks }), { ...ownNetwork, created: "2026-01-01T00:00:00.000Z" }, stranger({ subnets: ["172.30.0.0/16"] }), stranger({ name: "other", subnets: ["172.30.250.128/25"] })] },
    here: { routes: [{ subnet: "172.30.250.64/26", device: "tun0" }, { subnet: "172.30.250.0/25", device: "br-stranger" }] },
    found: [
      "error: the network mesos-marathon-dev-cluster-network (stranger, of stack dev-2 of project mesos-marathon) would be this stack's, but does not bear its labels: " +
        "remove it (docker network rm stranger), or choose another name for this stack (pulumi stack init NAME)",
      "error: the network mesos-marathon-dev-cluster-network (own, created 2026-01-01T00:00:00Z, of stack dev of project mesos-marathon) bears this stack's labels, " +
        "but is not in its state: it belongs to a stack of the same name in another clone, " +
        "or an `up` that was cut off left it. Go on in that clone, choose another name for this stack (pulumi stack init NAME), or let npm run recover mend it",
      "error: 172.30.250.0/24 (mesos-marathon:bridgeSubnet) overlaps 172.30.0.0/16 of the Docker network stranger and 172.30.250.128/25 of the Docker network other and " +
        "172.30.250.64/26 of the host's route through tun0: choose another: pulumi config set bridgeSubnet SUBNET",
    ],
  },
  "on a bridge network a program listens inside, and is published on the address only": {
    config: { networkMode: "bridge", imageSet: "tutorial" },
    engine: tutorial,
    here: { listeners: [{ address: "192.0.2.7", port: 2181, holder: { pid: 1, command: "other" } }] },
    found: [],
  },
  "the network mode changes under a slave's kept state": {
    config: { networkMode: "bridge" },
    engine: { containers: [slaveThatRan()] },
    found: [forbidden("networkMode (bridge), and with it the slave's host name, changes from 127.0.0.1 to 172.30.250.1")],
  },
  "the host is called by a name that leads to it": { config: { hostname: "a.test" }, resolved: { addresses: ["127.0.0.1", "192.0.2.7"] }, found: [] },
  "a name that leads elsewhere": {
    config: { hostname: "a.test" },
    resolved: { addresses: ["127.0.1.1"] },
    found: [
      "warning: a.test (mesos-marathon:hostname) resolves to 127.0.1.1 on this host, and the cluster answers on 127.0.0.1 (mesos-marathon:address): " +
        "links lead nowhere unless something forwards from there",
    ],
  },
  "a name that nobody knows": {
    config: { hostname: "a.test" },
    resolved: { problem: "ENOTFOUND" },
    found: [
      "error: a.test (mesos-marathon:hostname) cannot be resolved on this host (ENOTFOUND): Marathon's health checks and browsers must find it. " +
        "Write a name that DNS or /etc/hosts knows, or take it away: pulumi config rm hostname",
    ],
  },
  "a name that nobody knows here, and that the containers are told": {
    config: { hostname: "a.test", networkMode: "bridge" },
    resolved: { problem: "ENOTFOUND" },
    found: [
      "warning: a.test (mesos-marathon:hostname) cannot be resolved here (ENOTFOUND): browsers must find it. " +
        "Write a name that DNS or /etc/hosts knows, or take it away: pulumi config rm hostname",
    ],
  },

  // Drift.
  "a slave whose former life left tasks running": {
    engine: { containers: [container("mesos-slave", { labels: ours("mesos-slave"), made: { ...made, orphans: "mesos-0, mesos-1, seen at T" } })] },
    found: ["warning: containers of tasks whose executors ended with a former life of mesos-slave run on (mesos-0, mesos-1, seen at T): `up` removes them"],
  },
  "a container that has drifted": {
    engine: { containers: [container("marathon", { labels: ours("marathon"), made: { ...made, drift: "paused, seen at T" } })] },
    found: ["warning: the container marathon is not as it should be (paused, seen at T): `up` brings it back and waits until it is ready"],
  },

  // What the slave's kept state allows.
  "the slave's settings as they were": { engine: { containers: [slaveThatRan()] }, found: [] },
  "the slave offers more, and has an attribute": {
    engine: { containers: [slaveThatRan()] },
    config: { mesosSlaveResources: "cpus:2.5;mem:2048;disk:10240;gpus:1;ports:[30000-33000]", mesosSlaveAttributes: "rack:1" },
    found: [],
  },
  "the slave's role as it was": { engine: { containers: [slaveThatRan("MESOS_DEFAULT_ROLE=batch")] }, config: { mesosRole: "batch" }, found: [] },
  "the slave's resources get another role": {
    engine: { containers: [slaveThatRan()] },
    config: { mesosRole: "batch" },
    found: [forbidden("mesosRole changes from * to batch")],
  },
  "the slave's resources get no role any more": {
    engine: { containers: [slaveThatRan("MESOS_DEFAULT_ROLE=batch")] },
    found: [forbidden("mesosRole changes from batch to *")],
  },

  // Data that would stay where it is.
  "data in volumes, and a folder for it": {
    engine: { containers: [withData("mesos-marathon-dev-cluster-zookeeper-data"), withData("mesos-marathon-dev-2-cluster-zookeeper-data", "other", otherStacks)], volumes: [dataVolume] },
    config: { dataFolder: "/srv/mesos" },
    found: [staysBehind("mesos-marathon-dev-cluster-zookeeper-data", "/srv/mesos")],
  },
  "data in a folder, and volumes for it": {
    engine: { containers: [withData("/srv/mesos/mesos-marathon-dev-cluster-zookeeper-data")] },
    found: [staysBehind("/srv/mesos/mesos-marathon-dev-cluster-zookeeper-data", "empty, for volumes")],
  },
  "data in a folder, and another folder for it": {
    engine: { containers: [withData("/srv/mesos/mesos-marathon-dev-cluster-zookeeper-data")] },
    config: { dataFolder: "/srv/mesos-2" },
    found: [staysBehind("/srv/mesos/mesos-marathon-dev-cluster-zookeeper-data", "/srv/mesos-2")],
  },
  "data in the folder that is for it": {
    engine: { containers: [withData("/srv/mesos/mesos-marathon-dev-cluster-zookeeper-data")], volumes: [dataVolume] },
    config: { dataFolder: "/srv/mesos" },
    found: [],
  },
  "data of a cluster that was destroyed, in volumes, and a folder for it": {
    engine: { volumes: [dataVolume] },
    config: { dataFolder: "/srv/mesos" },
    found: [
      "warning: the volumes mesos-marathon-dev-cluster-zookeeper-data hold data of this stack, and with mesos-marathon:dataFolder the cluster takes what is in /srv/mesos. " + howToMove,
    ],
  },
  "data of a cluster that was destroyed, in volumes": { engine: { volumes: [dataVolume] }, found: [] },
  "Marathon at another path": {
    engine: { containers: [marathonAt("/marathon")] },
    config: { marathonZookeeperPath: "/m/2" },
    found: [
      "warning: mesos-marathon:marathonZookeeperPath changes from /marathon to /m/2: Marathon becomes another framework, with the apps that are at /m/2. " +
        "Those at /marathon are there again when that is set back; until then their tasks run on, and nobody tends them",
    ],
  },
  "Marathon at the path where it was": { engine: { containers: [marathonAt("/m/2")] }, config: { marathonZookeeperPath: "/m/2" }, found: [] },
  "an attribute gets another value": {
    engine: { containers: [slaveThatRan("MESOS_ATTRIBUTES=rack:1;zone:a")] },
    config: { mesosSlaveAttributes: "zone:b;rack:2" },
    found: [],
  },
  "the slave offers less, loses an attribute, and listens elsewhere": {
    engine: { containers: [slaveThatRan("MESOS_ATTRIBUTES=rack:1;zone:a", "MESOS_PORT=5052")] },
    config: { address: "127.0.0.2", mesosSlaveResources: "cpus:1;mem:2048;disk:10240;ports:[31000-32000]", mesosSlaveAttributes: "zone:a" },
    found: [
      forbidden(
        "address changes from 127.0.0.1 to 127.0.0.2",
        "mesosSlavePort changes from 5052 to 5051",
        "mesosSlaveResources changes from cpus:2;mem:2048;disk:10240;ports:[31000-32000] to cpus:1;mem:2048;disk:10240;ports:[31000-32000]",
        "mesosSlaveAttributes changes from rack:1;zone:a to zone:a",
      ),
    ],
  },
  "the slave offers fewer ports": {
    engine: { containers: [slaveThatRan()] },
    config: { mesosSlaveResources: "cpus:2;mem:2048;disk:10240;ports:[31000-31500,31600-32000]" },
    found: [
      forbidden("mesosSlaveResources changes from cpus:2;mem:2048;disk:10240;ports:[31000-32000] to cpus:2;mem:2048;disk:10240;ports:[31000-31500,31600-32000]"),
    ],
  },
  "Mesos 0.23 allows no change": {
    engine: { ...tutorial, containers: [slaveThatRan()] },
    config: { imageSet: "tutorial", mesosSlaveAttributes: "rack:1" },
    found: [forbidden("mesosSlaveAttributes changes from nothing to rack:1"), exposedZooKeeper],
  },
  "a new slave may have any settings": { engine: { containers: [slaveThatRan("MESOS_PORT=5052")] }, config: { mesosSlaveGeneration: "2" }, found: [] },
  "the second slave keeps state of its own": {
    engine: { containers: [secondSlave] },
    config: { mesosSlaveGeneration: "2" },
    found: [forbidden("mesosSlavePort changes from 5052 to 5051").replace("Generation 2", "Generation 3")],
  },
  "a slave that has left does not come back": {
    engine: { containers: [secondSlave] },
    config: { mesosSlavePort: "5052" },
    found: ["error: mesos-marathon:mesosSlaveGeneration goes back from 2 to 1, and that Mesos slave has left for good: write 2, or 3 for another new one"],
  },
  "a slave that was stopped had come up with its settings": {
    engine: { containers: [{ ...slaveThatRan("MESOS_PORT=5052"), made: { ...slaveThatRan("MESOS_PORT=5052").made!, drift: "stopped at 2026-01-01T00:00:00Z with exit code 143" } }] },
    found: [
      "warning: the container mesos-slave is not as it should be (stopped at 2026-01-01T00:00:00Z with exit code 143): `up` brings it back and waits until it is ready",
      forbidden("mesosSlavePort changes from 5052 to 5051"),
    ],
  },
  "a slave that has ended may have been told what it could not bear": {
    engine: { containers: [{ ...slaveThatRan("MESOS_PORT=5052"), made: { ...slaveThatRan("MESOS_PORT=5052").made!, drift: "in a restart loop" } }] },
    found: ["warning: the container mesos-slave is not as it should be (in a restart loop): `up` brings it back and waits until it is ready"],
  },

  // Ports.
  "a port is held by a process": {
    here: { listeners: [{ address: "127.0.0.1", port: 8080, holder: { pid: 42, command: "java" } }] },
    found: [held("8080 of 127.0.0.1", "marathonPort", "Marathon", "java (process 42)")],
  },
  "a port is held by a process at every address": {
    here: { listeners: [{ address: "0.0.0.0", port: 5050, holder: { pid: 42, command: "java" } }, { address: "::", port: 5051, holder: { pid: 43, command: "nc" } }] },
    found: [
      held("5050 of 0.0.0.0", "mesosMasterPort", "the Mesos master", "java (process 42)"),
      held("5051 of ::", "mesosSlavePort", "the Mesos slave", "nc (process 43)"),
    ],
  },
  "a port is held by somebody whom only root can see": {
    here: { listeners: [{ address: "127.0.0.1", port: 2181 }] },
    found: [held("2181 of 127.0.0.1", "zookeeperPort", "ZooKeeper", "a process that only root can see")],
  },
  "the port is held at another address": {
    here: { listeners: [{ address: "192.0.2.7", port: 8080, holder: { pid: 42, command: "java" } }] },
    found: [],
  },
  "the port is held at another address, and the image listens at every one": {
    engine: tutorial,
    config: { imageSet: "tutorial" },
    here: {
      listeners: [
        { address: "192.0.2.7", port: 2181, holder: { pid: 42, command: "java" } },
        { address: "192.0.2.7", port: 5050, holder: { pid: 42, command: "java" } },
      ],
    },
    found: [held("2181 of 192.0.2.7", "zookeeperPort", "ZooKeeper", "java (process 42)"), exposedZooKeeper],
  },
  "a configured port is held": {
    config: { marathonPort: "18080" },
    here: { listeners: [{ address: "127.0.0.1", port: 18080, holder: { pid: 42, command: "java" } }, { address: "127.0.0.1", port: 8080, holder: { pid: 42, command: "java" } }] },
    found: [held("18080 of 127.0.0.1", "marathonPort", "Marathon", "java (process 42)")],
  },
  "a port is held by a stranger's container": {
    engine: { containers: [container("their-web")] },
    here: { listeners: [{ address: "127.0.0.1", port: 8080, holder: { pid: 42, command: "node", containerId: "their-web-0123456789abcdef" } }] },
    found: [held("8080 of 127.0.0.1", "marathonPort", "Marathon", `the container their-web ${told("their-web-01")}`)],
  },
  "a port is published by a stranger's container": {
    engine: { containers: [container("their-web", { publishedPorts: [{ address: "127.0.0.1", port: 8080 }], labels: { "com.docker.compose.project": "shop" } })] },
    here: { listeners: [{ address: "127.0.0.1", port: 8080, holder: { pid: 42, command: "docker-proxy" } }] },
    found: [held("8080 of 127.0.0.1", "marathonPort", "Marathon", `the container their-web ${told("their-web-01", ", of Docker Compose project shop")}`)],
  },
  "a port is held by the same program of another stack": {
    engine: { containers: [container("marathon-2", { labels: otherStacks })] },
    here: { listeners: [{ address: "127.0.0.1", port: 8080, holder: { pid: 42, command: "java", containerId: "marathon-2-0123456789abcdef" } }] },
    found: [held("8080 of 127.0.0.1", "marathonPort", "Marathon", `the container marathon-2 ${told("marathon-2-0", ", of stack dev-2 of project mesos-marathon")}`)],
  },
  "a name and its port are those of the same program of another stack": {
    engine: { containers: [container("marathon", { labels: otherStacks })] },
    here: { listeners: [{ address: "127.0.0.1", port: 8080, holder: { pid: 42, command: "java", containerId: "marathon-0123456789abcdef" } }] },
    found: [
      `error: the container name marathon (mesos-marathon:marathonName) is taken by a container that this stack did not make ${told("marathon-012", ", of stack dev-2 of project mesos-marathon")}: ` +
        "remove or rename that one, or choose another name: pulumi config set marathonName NAME",
      held("8080 of 127.0.0.1", "marathonPort", "Marathon", "the container marathon"),
    ],
  },
  "names and ports are those of another stack": {
    engine: { containers: [container("marathon", { labels: otherStacks }), container("mesos-master", { labels: otherStacks }), container("zookeeper")] },
    here: {
      listeners: [
        { address: "127.0.0.1", port: 5050, holder: { pid: 41, command: "mesos-master", containerId: "mesos-master-0123456789abcdef" } },
        { address: "127.0.0.1", port: 5051, holder: { pid: 42, command: "mesos-slave" } },
        { address: "127.0.0.1", port: 8080, holder: { pid: 43, command: "java", containerId: "marathon-0123456789abcdef" } },
      ],
    },
    found: [
      "error: the container names marathon (mesos-marathon:marathonName), mesos-master (mesos-marathon:mesosMasterName) are taken by stack dev-2 of project mesos-marathon: " +
        "end that, or choose other names: pulumi config set marathonName NAME, and so on",
      `error: the container name zookeeper (mesos-marathon:zookeeperName) is taken by a container that this stack did not make ${told("zookeeper-01")}: ` +
        "remove or rename that one, or choose another name: pulumi config set zookeeperName NAME",
      "error: the ports 5050 (mesos-marathon:mesosMasterPort), 8080 (mesos-marathon:marathonPort) are held by stack dev-2 of project mesos-marathon: " +
        "end that, or choose other ports: pulumi config set mesosMasterPort PORT, and so on",
      held("5051 of 127.0.0.1", "mesosSlavePort", "the Mesos slave", "mesos-slave (process 42)"),
    ],
  },
  "ports that the slave is to offer to tasks are held": {
    engine: {
      containers: [
        container("their-web", { publishedPorts: [{ address: "0.0.0.0", port: 31002 }] }),
        container("task", { mountSources: ["/w/slaves/S0/frameworks/F1/executors/e"] }),
      ],
    },
    here: {
      listeners: [
        { address: "127.0.0.1", port: 31001, holder: { pid: 42, command: "nc" } },
        { address: "0.0.0.0", port: 31002, holder: { pid: 43, command: "docker-proxy" } },
        { address: "127.0.0.1", port: 31003, holder: { pid: 44, command: "python3", containerId: "task-0123456789abcdef" } },
        { address: "127.0.0.1", port: 31004 },
        ...[31005, 31006, 31007, 31008].map((port) => ({ address: "127.0.0.1", port, holder: { pid: 42, command: "nc" } })),
      ],
    },
    found: [
      "warning: of the ports that the Mesos slave offers to tasks (mesos-marathon:mesosSlaveResources) some are held: 31001 by nc (process 42), 31002 by the container their-web, " +
        "31005 by nc (process 42), 31006 by nc (process 42), 31007 by nc (process 42) and 1 more. A task that is given one cannot listen there. " +
        "End that, or offer others: pulumi config set mesosSlaveResources RESOURCES",
    ],
  },
  "what listens there once there is a slave are its tasks": {
    engine: { containers: [slaveThatRan()] },
    here: { listeners: [{ address: "127.0.0.1", port: 31001, holder: { pid: 42, command: "python3" } }] },
    found: [],
  },
  "own ports, as root sees them": {
    engine: { containers: [container("marathon", { labels: ours("marathon") })] },
    here: { listeners: [{ address: "127.0.0.1", port: 8080, holder: { pid: 42, command: "java", containerId: "marathon-0123456789abcdef" } }] },
    found: [],
  },
  "a stranger's container publishes the same port of another address": {
    engine: { containers: [container("their-web", { publishedPorts: [{ address: "192.0.2.7", port: 8080 }] }), container("marathon", { labels: ours("marathon") })] },
    here: { listeners: [{ address: "127.0.0.1", port: 8080, holder: { pid: 42, command: "java", containerId: "marathon-0123456789abcdef" } }] },
    found: [],
  },
  "an own port that is published, while its container is being started again": {
    engine: { containers: [container("marathon", { labels: ours("marathon"), made: { ...made, ports: ["127.0.0.1:8080"] } })] },
    here: { listeners: [{ address: "127.0.0.1", port: 8080, holder: { pid: 42, command: "docker-proxy" } }] },
    found: [],
  },
  "own containers are stopped, and somebody has the port that one published": {
    engine: { containers: [container("marathon", { labels: ours("marathon"), runs: false, made: { ...made, ports: ["127.0.0.1:8080"] } })] },
    here: { listeners: [{ address: "127.0.0.1", port: 8080, holder: { pid: 42, command: "nc" } }] },
    found: [held("8080 of 127.0.0.1", "marathonPort", "Marathon", "nc (process 42)")],
  },
  "own ports, as everybody else sees them": {
    engine: { containers: [container("marathon", { labels: ours("marathon") })] },
    here: { listeners: [{ address: "127.0.0.1", port: 8080 }] },
    found: [],
  },
  "own containers are stopped, and somebody has the port": {
    engine: { containers: [container("marathon", { labels: ours("marathon"), runs: false })] },
    here: { listeners: [{ address: "127.0.0.1", port: 8080 }] },
    found: [held("8080 of 127.0.0.1", "marathonPort", "Marathon", "a process that only root can see")],
  },

  // The address, and who reaches it.
  "an address of another host": {
    config: { address: "192.0.2.8" },
    found: [
      "error: 192.0.2.8 (mesos-marathon:address) is not an address of this host, which has 127.0.0.1, 192.0.2.7: write one of these: pulumi config set address ADDRESS",
      "warning: without a password and open to whoever reaches 192.0.2.8: ZooKeeper (2181), Mesos master (5050), Mesos slave (5051), Marathon (8080). " +
        "Who reaches the Mesos master or Marathon can start privileged containers on this host",
    ],
  },
  "an address that opens the cluster": {
    config: { address: "192.0.2.7", marathonPort: "18080" },
    found: [
      "warning: without a password and open to whoever reaches 192.0.2.7: ZooKeeper (2181), Mesos master (5050), Mesos slave (5051), Marathon (18080). " +
        "Who reaches the Mesos master or Marathon can start privileged containers on this host",
    ],
  },
  "another loopback address": { config: { address: "127.0.0.9" }, found: [] },
  "an address of Docker's own": {
    config: { address: "172.17.0.1", marathonEnvironment: '{"MESOSPHERE_HTTP_CREDENTIALS":"me:hidden"}' },
    here: { addresses: ["127.0.0.1", "172.17.0.1"] },
    found: [
      "warning: 172.17.0.1 (mesos-marathon:address) belongs to Docker's network bridge: it is there only while Docker runs, and no other machine reaches it: " +
        "write an address of the host's own: pulumi config set address ADDRESS",
      "warning: without a password and open to whoever reaches 172.17.0.1: ZooKeeper (2181), Mesos master (5050), Mesos slave (5051). " +
        "Who reaches the Mesos master can start privileged containers on this host",
    ],
  },
  "nobody goes by the host's name": { here: { name: { name: "debian", address: "127.0.1.1" } }, found: [] },
  "the tutorial's ZooKeeper listens everywhere": { config: { imageSet: "tutorial" }, engine: tutorial, found: [exposedZooKeeper] },

  // The disk, and capabilities.
  "room enough": { here: { freeBytes: 2 * gigabyte }, found: [] },
  "little room": {
    here: { freeBytes: 1.5 * gigabyte },
    found: ["warning: 1.5 GiB are free in /var/lib/docker, where Docker keeps its data: make room"],
  },
  "no room": {
    here: { freeBytes: 0.4 * gigabyte },
    found: ["error: 0.4 GiB are free in /var/lib/docker, where Docker keeps its data: make room"],
  },
  "nobody knows how much room": { here: { freeBytes: undefined }, found: [] },
  "little memory": {
    here: { availableBytes: 0.7 * gigabyte },
    found: ["warning: 0.7 GiB of memory are available on this host, and Marathon's heap alone may grow to half of one: end something, or the kernel will"],
  },
  "little memory is left, and this stack runs in the rest": {
    here: { availableBytes: 0.7 * gigabyte },
    engine: { containers: [container("marathon", { labels: ours("marathon") })] },
    found: [],
  },
  "tasks are promised all the memory that there is": { engine: { memoryBytes: 2 * gigabyte }, found: [] },
  "tasks are promised more": {
    engine: { memoryBytes: 2 * gigabyte - 1 },
    found: [
      "warning: the Mesos slave offers 2048 MiB of memory to tasks (mesos-marathon:mesosSlaveResources), and the Docker host has 2047: " +
        "where tasks take what they were promised, the kernel kills some. Offer less: pulumi config set mesosSlaveResources RESOURCES",
    ],
  },
  "cgroup v1 without the controller that Mesos asks for": {
    config: { imageSet: "tutorial" },
    engine: tutorial,
    here: { mountsCpuCgroup: false },
    found: [
      "error: Mesos 0.23.0 needs the cgroup v1 controller cpu, and this host has not mounted it: the slave would end at every start. " +
        "Mount it: mkdir -p /sys/fs/cgroup/cpu && mount -t cgroup -o cpu cgroup /sys/fs/cgroup/cpu",
      exposedZooKeeper,
    ],
  },
  "cgroup v1 without it, for the stand-ins": { engine: { cgroupVersion: "1" }, here: { mountsCpuCgroup: false }, found: [] },
  "the machine lacks a capability": {
    here: { lacksCapabilities: true },
    found: [
      "error: this machine lacks a capability that privileged containers ask for, so the Mesos slave cannot start: " +
        "give the machine all capabilities, or let `npm run up` start a Docker Engine that asks for fewer",
    ],
  },
  "the machine lacks a capability, and the engine knows": { here: { lacksCapabilities: true }, engine: { defaultRuntime: "fewer-capabilities" }, found: [] },

  "a clock that differs little": { engine: { clockAhead: -59.9 }, found: [] },
  "a clock that is ahead": {
    engine: { clockAhead: 60 },
    found: [
      "warning: the clock of the Docker host is 60 s ahead of this machine's: times in logs and in Marathon do not agree, and certificates may seem to have expired. " +
        "Have both set by NTP (timedatectl set-ntp true)",
    ],
  },
  "a clock that is behind, in Docker Desktop": {
    here: null,
    engine: { clockAhead: -3600, operatingSystem: "Docker Desktop" },
    found: [
      "warning: the clock of the Docker host is 3600 s behind this machine's: times in logs and in Marathon do not agree, and certificates may seem to have expired. " +
        "Have both set by NTP (timedatectl set-ntp true)",
      "warning: in Docker Desktop the host's network is that of its virtual machine, and nothing would answer here, unless host networking is switched on " +
        "(Settings, Resources, Network; Docker Desktop 4.34 and later). Else: pulumi config set networkMode bridge",
      notSeen,
    ],
  },
  "a kernel that forwards no packets": {
    engine: { forwardsPackets: false },
    found: ["warning: the Docker host's kernel does not forward IPv4 packets, so tasks in Docker's networks are cut off from other machines: sysctl -w net.ipv4.ip_forward=1"],
  },
  "a kernel that forwards no packets, and no network that wants it": { engine: { forwardsPackets: false, bridges: [] }, found: [] },
  "an engine with an authorization plugin": {
    engine: { authorizationPlugins: ["opa"] },
    found: ["note: the Docker Engine asks opa about each request; whether it allows the Mesos slave's privileged container and the tasks' ones shows only then"],
  },

  "SELinux, and mounts of somebody's own": {
    config: { marathonMounts: '["/srv/plugins:/plugins:ro","/etc/keys:/keys"]', mesosSlaveMounts: '["/srv:/srv"]' },
    engine: { securityOptions: ["name=seccomp,profile=default", "name=selinux"] },
    found: [
      "warning: SELinux is on at the Docker host, and keeps containers from what is not labelled for them: label what mesos-marathon:marathonMounts names, " +
        "with chcon -Rt container_file_t /srv/plugins /etc/keys",
    ],
  },
  "SELinux, and no mounts": { engine: { securityOptions: ["name=selinux"] }, found: [] },
  "Docker's port open to everybody": {
    config: { dockerHost: "tcp://192.0.2.7:2375", address: "192.0.2.7" },
    here: null,
    engine: { withoutTls: true },
    found: [
      notSeen,
      "warning: without a password and open to whoever reaches 192.0.2.7: ZooKeeper (2181), Mesos master (5050), Mesos slave (5051), Marathon (8080). " +
        "Who reaches the Mesos master or Marathon can start privileged containers on this host",
      "warning: the Docker Engine at tcp://192.0.2.7:2375 obeys whoever reaches that port, which is root on its host, and what is said to it can be read on the way: " +
        "have it ask for certificates (dockerd --tlsverify), or reach it over ssh://",
    ],
  },
  "Docker's port open to this machine": { config: { dockerHost: "tcp://127.0.0.1:2375" }, here: null, engine: { withoutTls: true }, found: [notSeen] },

  // Over a remote endpoint, and in Docker Desktop's virtual machine.
  "what only the host can tell is told as not seen": { here: null, found: [notSeen] },
  "paths of mounts are told as not seen where there are some": {
    config: { marathonMounts: '["/srv/plugins:/plugins"]' },
    here: null,
    found: [notSeen.replace(" and capabilities", ", capabilities and paths of mounts")],
  },
  "mounts of paths that are missing": {
    config: { marathonMounts: '["/srv/plugins:/plugins:ro","/etc/hosts:/hosts","/etc/keys:/keys"]', mesosMasterMounts: '["/srv/plugins:/modules"]', zookeeperMounts: '["/etc/hosts:/hosts"]' },
    here: { missingPaths: ["/srv/plugins", "/etc/keys"] },
    found: [
      missing("/srv/plugins", "mesosMaster", "the Mesos master"),
      missing("/srv/plugins, /etc/keys", "marathon", "Marathon"),
    ],
  },
  "an address cannot be judged from elsewhere": {
    here: null,
    config: { address: "192.0.2.99" },
    found: [
      notSeen,
      "warning: without a password and open to whoever reaches 192.0.2.99: ZooKeeper (2181), Mesos master (5050), Mesos slave (5051), Marathon (8080). " +
        "Who reaches the Mesos master or Marathon can start privileged containers on this host",
    ],
  },

  // Images.
  "images that no registry has": {
    engine: { images: there(rehearsalImages.slice(0, 2)) },
    found: [
      "error: the Docker Engine has no image mesos-marathon/stand-in-mesos-slave:1.11.0, mesos-marathon/stand-in-marathon:1.11.0, and no registry has: " +
        "build what is missing with npm run images -- build --stack dev",
    ],
  },
  "images that will be pulled": {
    config: { imageSet: "tutorial" },
    engine: { ...tutorial, images: there(tutorialImages.slice(1)) },
    found: ["note: 1 of 4 images are not here yet and will be pulled: mesoscloud/zookeeper:3.4.6-ubuntu-14.04", untried, exposedZooKeeper],
  },
  "images of which the registry will not give out one": {
    config: { imageSet: "tutorial" },
    engine: { ...tutorial, images: there([]), pulls: { [tutorialImages[1]]: { answer: "no such image", words: "manifest unknown" } } },
    found: [
      `error: ${tutorialImages[1]}: there is no such image in the registry: pull them elsewhere and bring them here (npm run images -- save FILE, and load FILE), ` +
        "or name a registry that has them: pulumi config set imageRegistry REGISTRY. The Docker Engine said: manifest unknown",
      `note: 3 of 4 images are not here yet and will be pulled: ${tutorialImages.filter((_, index) => index !== 1).join(", ")}`,
      untried,
      exposedZooKeeper,
    ],
  },
  "a registry that does not tell whether its images are others": {
    config: { imageSet: "tutorial", followImageTags: "true" },
    engine: { ...tutorial, pulls: Object.fromEntries(tutorialImages.map((image, index) => [image, index === 1 ? { answer: "silent", words: "" } : { answer: "has it", words: "" }])) },
    found: [
      `warning: whether the registry has another image under ${tutorialImages[1]} is not known (it has not answered): ` +
        "as long as that is so, what was pulled last stays, and else what the Docker Engine has under the name is taken (mesos-marathon:followImageTags)",
      exposedZooKeeper,
    ],
  },
  "old images that a mirror may have converted": {
    config: { imageSet: "tutorial", imageRegistry: "registry.test" },
    engine: { ...tutorial, version: "26.0.0", images: there(tutorialImages.slice(1).map((image) => `registry.test/${image}`)) },
    found: ["note: 1 of 4 images are not here yet and will be pulled: registry.test/mesoscloud/zookeeper:3.4.6-ubuntu-14.04", untried, exposedZooKeeper],
  },
  "classic on the newest engine that it runs on": {
    config: { imageSet: "classic" },
    engine: { cgroupVersion: "1", version: "28.5.2", minApiVersion: "1.24", images: there(imagesOf(imageSets.classic)) },
    found: [],
  },
  "classic on a newer one": {
    config: { imageSet: "classic" },
    engine: { cgroupVersion: "1", version: "29.0.0", minApiVersion: "1.44", images: there(imagesOf(imageSets.classic)) },
    found: [
      "error: the docker client in mesosphere/mesos-slave:1.7.1 speaks API 1.29, and Docker Engine 29.0.0 answers from 1.44 on: " +
        "no task would start. Mount a static docker client of version 25.0: pulumi config set mesosSlaveDockerClient PATH, or start the Docker Engine with DOCKER_MIN_API_VERSION=1.29 in its environment",
    ],
  },
  "classic on a newer one, with a client of the host's": {
    config: { imageSet: "classic", mesosSlaveDockerClient: "/opt/docker" },
    engine: { cgroupVersion: "1", version: "29.0.0", minApiVersion: "1.44", images: there(imagesOf(imageSets.classic)) },
    here: { dockerClient: { version: "25.0.5" } },
    found: [],
  },
  "a docker client that is too new for what Mesos reads": {
    config: { imageSet: "classic", mesosSlaveDockerClient: "/opt/docker" },
    engine: { cgroupVersion: "1", version: "28.5.2", minApiVersion: "1.24", images: there(imagesOf(imageSets.classic)) },
    here: { dockerClient: { version: "28.5.2" } },
    found: [
      "error: the docker client /opt/docker (mesos-marathon:mesosSlaveDockerClient) is newer than 25.0, and Docker Engine 28.5.2 then tells Mesos less of an image than it needs: " +
        "no Docker task would start. Take a static docker client of version 25.0, or hold it back: pulumi config set --path mesosSlaveEnvironment.DOCKER_API_VERSION 1.44",
    ],
  },
  "a docker client that is too new, held back": {
    config: { imageSet: "classic", mesosSlaveDockerClient: "/opt/docker", mesosSlaveEnvironment: '{"DOCKER_API_VERSION":"1.44"}' },
    engine: { cgroupVersion: "1", version: "28.5.2", minApiVersion: "1.24", images: there(imagesOf(imageSets.classic)) },
    here: { dockerClient: { version: "28.5.2" } },
    found: [],
  },
  "a docker client that needs the host's libraries": {
    config: { imageSet: "classic", mesosSlaveDockerClient: "/usr/bin/docker" },
    engine: { cgroupVersion: "1", version: "20.10.24", minApiVersion: "1.12", images: there(imagesOf(imageSets.classic)) },
    here: { dockerClient: { problem: "needs libraries" } },
    found: [
      "error: the docker client /usr/bin/docker (mesos-marathon:mesosSlaveDockerClient) needs libraries of this host, which the slave's image has not: no task would start. " +
        "Take docker/docker out of https://download.docker.com/linux/static/stable/x86_64/docker-25.0.5.tgz",
    ],
  },
  "classic where images are in containerd's store": {
    config: { imageSet: "classic" },
    engine: { cgroupVersion: "1", version: "28.5.2", containerdStore: true, images: there(imagesOf(imageSets.classic)) },
    found: [
      "error: Docker Engine 28.5.2 keeps images in containerd's store and tells Mesos less of them than it needs: no Docker task would start. " +
        'Put "features": {"containerd-snapshotter": false} into its daemon.json',
    ],
  },
  "the last engine that may have that store": {
    config: { imageSet: "classic" },
    engine: { cgroupVersion: "1", version: "27.5.1", containerdStore: true, images: there(imagesOf(imageSets.classic)) },
    found: [],
  },
  "images that this engine does not pull": {
    config: { imageSet: "tutorial" },
    engine: { ...tutorial, version: "26.0.0", images: there(tutorialImages.slice(0, 3)) },
    found: [
      "error: Docker Engine 26.0.0 does not pull images as old as mesoscloud/marathon:0.10.1-ubuntu-14.04 (manifest schema 1). " +
        "Pull them with an Engine up to 25 and carry them over with npm run images -- save FILE, and load FILE, " +
        "or start this one with DOCKER_ENABLE_DEPRECATED_PULL_SCHEMA_1_IMAGE=1 in its environment",
      untried,
      exposedZooKeeper,
    ],
  },
  "images that this engine was told to pull": {
    config: { imageSet: "tutorial" },
    engine: { ...tutorial, version: "26.0.0", images: there(tutorialImages.slice(0, 3)), pulls: { [tutorialImages[3]]: { answer: "has it", words: "" } } },
    found: ["note: 1 of 4 images are not here yet and will be pulled: mesoscloud/marathon:0.10.1-ubuntu-14.04", untried, exposedZooKeeper],
  },
  "the last engine that pulls them": {
    config: { imageSet: "tutorial" },
    engine: { ...tutorial, version: "25.0.6", images: there(tutorialImages.slice(0, 3)) },
    found: ["note: 1 of 4 images are not here yet and will be pulled: mesoscloud/marathon:0.10.1-ubuntu-14.04", untried, exposedZooKeeper],
  },
  "images that this engine does not pull, and has": { config: { imageSet: "tutorial" }, engine: { ...tutorial, version: "26.0.0" }, found: [exposedZooKeeper] },

  // What the Mesos slave needs of its host.
  "cgroup v2, for Mesos 0.23": {
    config: { imageSet: "tutorial" },
    engine: { ...tutorial, cgroupVersion: "2" },
    found: [
      "error: Mesos 0.23.0 needs cgroup v1, and this host has v2: the slave would end at every start. " +
        "Use a host with cgroup v1, or another image set, or boot with systemd.unified_cgroup_hierarchy=0 where systemd still knows it",
      exposedZooKeeper,
    ],
  },
  "an engine that does not speak the old client's language": {
    config: { imageSet: "tutorial" },
    engine: { ...tutorial, version: "25.0.6", minApiVersion: "1.24" },
    found: [
      "error: the docker client in mesoscloud/mesos-slave:0.23.0-ubuntu-14.04 speaks API 1.19, and Docker Engine 25.0.6 answers from 1.24 on: " +
        "no task would start. Mount a static docker client of version 25.0: pulumi config set mesosSlaveDockerClient PATH, or start the Docker Engine with DOCKER_MIN_API_VERSION=1.19 in its environment",
      exposedZooKeeper,
    ],
  },
  // Not by the alphabet: 1.9 is older than 1.19.
  "an engine that still speaks it": { config: { imageSet: "tutorial" }, engine: { ...tutorial, minApiVersion: "1.9" }, found: [exposedZooKeeper] },
  "an engine that speaks just it": { config: { imageSet: "tutorial" }, engine: { ...tutorial, minApiVersion: "1.19" }, found: [exposedZooKeeper] },
  "the stand-in's client asks which language": { engine: { minApiVersion: "1.44" }, found: [] },
  "a kernel that limits no memory, where a limit is asked for": {
    config: { marathonMemory: "1024" },
    engine: { limitsMemory: false },
    found: [
      "error: the Docker host's kernel cannot limit memory, and mesos-marathon:marathonMemory asks for it: " +
        "boot it with cgroup_enable=memory, or take the limit away: pulumi config rm marathonMemory",
    ],
  },
  "a kernel that limits no memory, where none is asked for": { engine: { limitsMemory: false }, found: [] },
  "a kernel that limits no processors, where a limit is asked for": {
    config: { marathonCpus: "1" },
    engine: { limitsCpus: false },
    found: ["error: the Docker host's kernel cannot limit processors, and mesos-marathon:marathonCpus asks for it: take the limit away: pulumi config rm marathonCpus"],
  },
  "more processors than the host has": {
    config: { marathonCpus: "2", mesosSlaveCpus: "2.5" },
    found: ["error: the Docker host has 2 processors, and Docker makes no container with a limit above that: mesos-marathon:mesosSlaveCpus is 2.5; write less"],
  },
  "a rootless engine": { engine: { securityOptions: ["name=seccomp,profile=default", "name=rootless"] }, found: [rootless] },
  "an engine with user namespaces": { engine: { securityOptions: ["name=userns"] }, found: [rootless] },

  // Another slave, which might stop this cluster's tasks.
  "tasks of another slave": {
    engine: {
      containers: [
        container(`mesos-${uuid}`, { mountSources: ["/var/lib/mesos/slaves/S0/frameworks/F"] }),
        container(`mesos-${uuid}.executor`, { mountSources: [sandbox("dev-2")] }),
      ],
    },
    found: [foreignTask(`mesos-${uuid}, mesos-${uuid}.executor`)],
  },
  "tasks of another stack, whose slave spares this one's": {
    engine: { containers: [otherSlave("ports:[30000-30999]"), container(`mesos-${uuid}`, { mountSources: [sandbox("dev-2")] })] },
    found: [],
  },
  "tasks of a stack whose name begins with this one's, and nothing of its slave": {
    engine: { containers: [container(`mesos-${uuid}`, { mountSources: [sandbox("dev-cluster")] })] },
    found: [foreignTask(`mesos-${uuid}`)],
  },

  // Another stack's slave, whose tasks have ports on the same host.
  "another stack's slave offers the same ports": {
    engine: { containers: [otherSlave("cpus:1;ports:[21000-21001,31500-31599]")] },
    found: [sharedPorts("31500-31599")],
  },
  "another stack's slave is told no ports, so it offers Mesos's own": {
    engine: { containers: [otherSlave("cpus:1;gpus:2")] },
    config: { mesosSlaveResources: "cpus:2;mem:2048;disk:10240;ports:[30000-31000]" },
    found: [sharedPorts("31000-31000")],
  },
  "another stack's slave offers other ports": {
    engine: { containers: [otherSlave("ports:[30000-30999,32001-32100];cpus:1")] },
    found: [],
  },
  "both slaves are there already": {
    engine: { containers: [otherSlave(""), slaveThatRan()] },
    found: [
      "warning: the ports 31000-32000 are offered to tasks by the Mesos slave other-slave of stack dev-2, and by this stack's (mesos-marathon:mesosSlaveResources): " +
        "two tasks would get the same port. A slave that runs cannot give up ports and keep its id and tasks: plan new ones for one of the two",
    ],
  },
  "own tasks, and names that are no task's": {
    engine: { containers: [container(`mesos-${uuid}`, { mountSources: ["/etc/x", sandbox("dev")] }), container("mesos-dns"), container(`x-mesos-${uuid}`)] },
    found: [],
  },
  "tasks of another slave, as Mesos 0.23 to 1.3 name them": {
    config: { imageSet: "tutorial" },
    // Until 0.24 a slave's id began with the master's start: date, time, address, port, process.
    engine: { ...tutorial, containers: [container(`mesos-20150811-101122-16777343-5050-1-S0.${uuid}`), container(`mesos-${uuid}-S0.${uuid}`)] },
    found: [foreignTask(`mesos-20150811-101122-16777343-5050-1-S0.${uuid}, mesos-${uuid}-S0.${uuid}`), exposedZooKeeper],
  },

  // All at once.
  "everything is wrong": {
    config: { imageSet: "tutorial", address: "192.0.2.8" },
    engine: {
      version: "29.0.0",
      minApiVersion: "1.44",
      images: there([]),
      securityOptions: ["name=rootless"],
      containers: [container("marathon")],
      volumes: [{ name: "mesos-marathon-dev-cluster-mesos-slave-work", labels: {} }],
    },
    here: { freeBytes: 0, lacksCapabilities: true, listeners: [{ address: "0.0.0.0", port: 5050 }] },
    found: [
      "error: the container name marathon (mesos-marathon:marathonName) is taken by a container that this stack did not make " +
        `${told("marathon-012")}: ` +
        "remove or rename that one, or choose another name: pulumi config set marathonName NAME",
      takenVolume("mesos-marathon-dev-cluster-mesos-slave-work"),
      held("5050 of 0.0.0.0", "mesosMasterPort", "the Mesos master", "a process that only root can see"),
      "error: 192.0.2.8 (mesos-marathon:address) is not an address of this host, which has 127.0.0.1, 192.0.2.7: write one of these: pulumi config set address ADDRESS",
      "error: 0.0 GiB are free in /var/lib/docker, where Docker keeps its data: make room",
      "error: this machine lacks a capability that privileged containers ask for, so the Mesos slave cannot start: " +
        "give the machine all capabilities, or let `npm run up` start a Docker Engine that asks for fewer",
      `error: Docker Engine 29.0.0 does not pull images as old as ${tutorialImages.join(", ")} (manifest schema 1). ` +
        "Pull them with an Engine up to 25 and carry them over with npm run images -- save FILE, and load FILE",
      untried,
      "error: Mesos 0.23.0 needs cgroup v1, and this host has v2: the slave would end at every start. " +
        "Use a host with cgroup v1, or another image set, or boot with systemd.unified_cgroup_hierarchy=0 where systemd still knows it",
      "error: the docker client in mesoscloud/mesos-slave:0.23.0-ubuntu-14.04 speaks API 1.19, and Docker Engine 29.0.0 answers from 1.44 on: " +
        "no task would start. Mount a static docker client of version 25.0: pulumi config set mesosSlaveDockerClient PATH",
      rootless,
      "warning: without a password and open to whoever reaches 192.0.2.8: ZooKeeper (2181), Mesos master (5050), Mesos slave (5051), Marathon (8080). " +
        "Who reaches the Mesos master or Marathon can start privileged containers on this host",
    ],
  },
};

test("findings: level and sentence, all at once, in the order of the table", async (t) => {
  for (const [what, { config, engine: engineChanges, here: hereChanges, recorded, resolved, found }] of Object.entries(table)) {
    await t.test(what, () => {
      const seen = { engine: { ...fit, ...engineChanges }, recorded, resolved, here: hereChanges === null ? undefined : { ...here, ...hereChanges } };
      const findings = judge(configured({ imageSet: "rehearsal", ...config }), seen, owner);
      assert.deepEqual(findings.map(({ level, text }) => `${level}: ${text}`), found);
    });
  }
});

test("a slave of somebody's own images that ends the tasks of other slaves is warned of", () => {
  const findings = (version: string, given: Record<string, string>, further: Record<string, string> = {}) => {
    const configuration = configured({ imageSet: "rehearsal" });
    const { MESOS_DOCKER_KILL_ORPHANS, ...environment } = imageSets.rehearsal.mesosSlave.environment;
    const imageSet = { ...imageSets.rehearsal, mesosSlave: { ...imageSets.rehearsal.mesosSlave, version, environment: { ...environment, ...given } } };
    const mesosSlave = { ...configuration.cluster.mesosSlave, environment: further };
    return judge({ ...configuration, cluster: { ...configuration.cluster, imageSet, mesosSlave } }, { engine: fit, here }, owner).map(({ text }) => text);
  };
  const no = { MESOS_DOCKER_KILL_ORPHANS: "false" };
  assert.deepEqual(findings("1.4.3", {}), [
    "a Mesos slave 1.4.3 that starts on kept state ends the tasks of every other slave on its Docker Engine, unless it is told not to: " +
      "pulumi config set --path mesosSlaveEnvironment.MESOS_DOCKER_KILL_ORPHANS false",
  ]);
  assert.deepEqual([findings("1.4.3", no), findings("1.4.3", {}, no), findings("0.28.1", {})], [[], [], []]);
});

test("a warning that is accepted stays a finding and is marked; no error is, whatever it is called", () => {
  const acceptedWarnings = '["low-disk","zookeeper-listens-everywhere","clock-differs"]';
  const seen = { engine: { ...fit, ...tutorial }, here: { ...here, freeBytes: 1.5 * gigabyte } };
  const found = judge(configured({ acceptedWarnings, onDestroy: "erase" }), seen, owner);
  assert.deepEqual(found.map(({ level, name, accepted }) => [level, name, accepted]), [
    ["warning", "low-disk", true],
    ["warning", "zookeeper-listens-everywhere", true],
    ["warning", "destroy-erases", undefined],
  ]);
});

const anotherEngine = "Another Engine: pulumi config set dockerHost unix:///path, or DOCKER_HOST";
const noEngine: [problem: { code?: string; message: string } | undefined, sentence: string][] = [
  [{ code: "ENOENT", message: "" }, "there is no such socket: start Docker (systemctl start docker), or let `npm run up` install it"],
  [{ code: "EACCES", message: "" }, "no permission: run as a member of the group docker, or as root"],
  [{ code: "ECONNREFUSED", message: "" }, "nothing listens there: start Docker (systemctl start docker)"],
  [{ code: "ECONNRESET", message: "" }, "it hung up, or was silent for five seconds: look at its log (journalctl -u docker)"],
  [{ code: "ENOTFOUND", message: "" }, "there is no host of that name"],
  [{ code: "EHOSTUNREACH", message: "connect EHOSTUNREACH 192.0.2.7:2376" }, "connect EHOSTUNREACH 192.0.2.7:2376"],
  [undefined, "no answer in time"],
];

test("a Docker Engine that does not answer is the only finding, with what to do", async (t) => {
  for (const [engineProblem, sentence] of noEngine) {
    await t.test(engineProblem?.code ?? "nothing", () =>
      assert.deepEqual(judge(configured({ imageSet: "tutorial", address: "192.0.2.8" }), { engineProblem }, owner), [
        { level: "error", name: "engine-unreachable", text: `the Docker Engine at unix:///var/run/docker.sock does not answer; ${sentence}. ${anotherEngine}` },
      ]));
  }
});

async function played(t: TestContext): Promise<FakeEngine> {
  const engine = await FakeEngine.start();
  t.after(() => engine.stop());
  return engine;
}

/** Ports at which nobody listens while the tests run, most likely; those of a cluster may be in use by one. */
const freePorts = { zookeeperPort: "1", mesosMasterPort: "2", mesosSlavePort: "3", marathonPort: "4", imageSet: "rehearsal" };
const at = (dockerHost: string, more: Record<string, string> = {}) => configured({ ...freePorts, dockerHost, ...more });
const linuxOnly = { skip: process.platform !== "linux" && "what the host tells is read from /proc" };

test("the Docker Engine is looked at once, whole", async (t) => {
  const engine = await played(t);
  engine.version = { Version: "24.0.9", ApiVersion: "1.43", MinAPIVersion: "1.12" };
  engine.info = {
    CgroupVersion: "2",
    DefaultRuntime: "crun",
    MemoryLimit: false,
    CpuCfsQuota: false,
    NCPU: 4,
    DockerRootDir: "/nowhere",
    SecurityOptions: ["name=rootless"],
    MemTotal: 1024,
    OperatingSystem: "Alpine Linux",
    IPv4Forwarding: false,
    Plugins: { Authorization: ["opa"] },
  };
  engine.networks = [
    { Id: "1", Name: "bridge", Driver: "bridge", Options: { "com.docker.network.bridge.name": "docker0" }, IPAM: { Config: [{ Subnet: "172.17.0.0/16", Gateway: "172.17.0.1" }, { Subnet: "fd00::/64" }] } },
    { Name: "host", Driver: "host", IPAM: { Config: null } },
    { Id: "0123456789abcdef", Name: "bare", Created: "2026-01-01T02:00:00.123456789+02:00", Driver: "bridge", Labels: ours("network"), IPAM: { Config: null } },
  ];
  engine.images = [{ Id: "sha256:a", RepoTags: ["a:1", "a:2"] }, { Id: "sha256:c", RepoTags: null }, { Id: "sha256:b", RepoTags: ["b:1"], RepoDigests: ["b@sha256:0"] }];
  engine.volumes = [{ Name: "v", Labels: null }, { Name: "w", CreatedAt: "2026-01-01T01:00:00+01:00", Labels: ours("marathon") }];
  const finishedAt = "2026-01-02T03:04:05Z";
  const startedAt = "2026-01-01T03:04:05Z";
  const { address, port } = await listening(t);
  const gate = { COMPONENT: "zookeeper", ADDRESS: address, PORT: String(port) };
  for (const container of [
    { name: "web", mounts: ["/srv", undefined], ports: [{ PrivatePort: 80, PublicPort: 8080, IP: "127.0.0.1", Type: "tcp" }, { PrivatePort: 81, Type: "tcp" }, { PrivatePort: 53, PublicPort: 53, IP: "0.0.0.0", Type: "udp" }] },
    { name: "ended", status: "exited", finishedAt },
    { name: "marathon", status: "exited", finishedAt, exitCode: 143, labels: ours("marathon"), environment: ["A=1"], binds: ["/a:/b:rw", "v:/w:ro"] },
    { name: "mesos-slave", status: "running", finishedAt, labels: ours("mesos-slave") },
    { name: "mesos-master", status: "running", startedAt, labels: ours("mesos-master") },
    { name: "paused", status: "paused", labels: otherStacks },
    { name: "looping", status: "restarting", exitCode: 1, labels: otherStacks },
    { name: "new", status: "created", labels: otherStacks },
    { name: "zookeeper", status: "exited", finishedAt, labels: ours("zookeeper"), inspected: () => engine.containers.delete("zookeeper") },
  ] as const) {
    engine.containers.set(container.name, container);
  }
  const empty = { image: "image", created: "1970-01-01T00:00:01.000Z", labels: {}, mountSources: [], publishedPorts: [], runs: true, made: undefined };
  const recorded = { containers: {}, adoptions: {}, networks: [], gates: [{ ...gate, CONTAINER_ID: "mesos-slave" }, { ...gate, PORT: "1", CONTAINER_ID: "mesos-master" }], images: {} };
  // Each look is another one.
  const seen = JSON.parse(JSON.stringify(await look(at(engine.dockerHost), Promise.resolve(recorded))).replace(/seen at [-0-9T:.]+Z/g, "seen at T"));
  assert.deepEqual(seen, JSON.parse(JSON.stringify({
    recorded,
    engine: {
      version: "24.0.9",
      minApiVersion: "1.12",
      cgroupVersion: "2",
      defaultRuntime: "crun",
      limitsMemory: false,
      memoryBytes: 1024,
      clockAhead: 0,
      operatingSystem: "Alpine Linux",
      forwardsPackets: false,
      withoutTls: false,
      authorizationPlugins: ["opa"],
      bridges: [
        { id: "1", name: "bridge", labels: {}, subnets: ["172.17.0.0/16"], gateways: ["172.17.0.1"], device: "docker0" },
        { id: "0123456789abcdef", name: "bare", created: "2026-01-01T00:00:00.123Z", labels: ours("network"), subnets: [], gateways: [], device: "br-0123456789ab" },
      ],
      limitsCpus: false,
      cpus: 4,
      rootDirectory: "/nowhere",
      securityOptions: ["name=rootless"],
      containers: [
        { ...empty, id: "web", name: "web", mountSources: ["/srv", ""], publishedPorts: [{ address: "127.0.0.1", port: 8080 }] },
        { ...empty, id: "ended", name: "ended", runs: false },
        {
          ...empty,
          id: "marathon",
          name: "marathon",
          labels: ours("marathon"),
          runs: false,
          made: { ...made, environment: ["A=1"], binds: ["/a:/b", "v:/w:ro"], labels: borne(ours("marathon")), drift: `stopped at ${finishedAt} with exit code 143` },
        },
        { ...empty, id: "mesos-slave", name: "mesos-slave", labels: ours("mesos-slave"), made: { ...made, labels: borne(ours("mesos-slave")) } },
        {
          ...empty,
          id: "mesos-master",
          name: "mesos-master",
          labels: ours("mesos-master"),
          made: { ...made, labels: borne(ours("mesos-master")), drift: `not ready, seen at T: srvr of ${address}:1: ECONNREFUSED; runs since ${startedAt}` },
        },
        { ...empty, id: "paused", name: "paused", labels: otherStacks, made: { ...made, labels: borne(otherStacks), drift: "paused, seen at T" } },
        { ...empty, id: "looping", name: "looping", labels: otherStacks, made: { ...made, labels: borne(otherStacks), drift: "in a restart loop with exit code 1, seen at T" } },
        { ...empty, id: "new", name: "new", labels: otherStacks, runs: false, made: { ...made, labels: borne(otherStacks), drift: "never started, seen at T" } },
        // Removed between two questions.
        { ...empty, id: "zookeeper", name: "zookeeper", labels: ours("zookeeper"), runs: false },
      ],
      images: { "a:1": "sha256:a", "a:2": "sha256:a", "b:1": "sha256:b", "b@sha256:0": "sha256:b" },
      pulls: {},
      containerdStore: false,
      volumes: [
        { name: "v", labels: {} },
        { name: "w", createdAt: "2026-01-01T00:00:00.000Z", labels: ours("marathon") },
      ],
    },
    // The engine's folder is not on this machine (Docker Desktop): nor are its ports and its disk, so there is no `here`.
  })));
  assert.deepEqual(engine.changes, []);
});

test("registries are asked for what is not there, side by side, each with its own credentials", async (t) => {
  const engine = await played(t);
  const registry = { imageRegistry: "registry.test:5000/mirror", imageRegistryUsername: "me", imageRegistryPassword: "pässword?>~/+1" };
  const images = rehearsalImages.map((image) => `registry.test:5000/mirror/${image}`);
  engine.info = { ...engine.info, DriverStatus: [["driver-type", "io.containerd.snapshotter.v1"]] };
  engine.images = [{ Id: "sha256:0", RepoTags: images.slice(0, 1) }];
  engine.registries = { [images[1]]: { status: 200, message: "", Descriptor: { digest: "sha256:1" } }, [images[2]]: { status: 404, message: "manifest unknown: manifest unknown" }, [images[3]]: null };
  const { engine: seen } = await look(at(engine.dockerHost, registry));
  assert.deepEqual(seen?.pulls, {
    [images[1]]: { answer: "has it", words: "", digest: "sha256:1" },
    [images[2]]: { answer: "no such image", words: "manifest unknown: manifest unknown" },
    [images[3]]: { answer: "silent", words: "" },
  });
  assert.equal(seen?.containerdStore, true);
  const auth = { username: "me", password: "pässword?>~/+1", serveraddress: "registry.test:5000" };
  assert.deepEqual(engine.shown, { [images[1]]: auth, [images[2]]: auth, [images[3]]: auth });
  assert.deepEqual(engine.changes, []);
});

test("nobody is asked for images that are built on the spot", async (t) => {
  const engine = await played(t);
  await look(at(engine.dockerHost));
  assert.deepEqual(engine.shown, {});
});

/** A ZooKeeper that serves. */
async function listening(t: TestContext): Promise<{ address: string; port: number }> {
  const server = createServer((socket) => socket.on("data", () => socket.end("Mode: standalone\n")));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { address, port } = server.address() as AddressInfo;
  return { address, port };
}

test("a clock is behind or ahead by what no delay of the answer explains", async (t) => {
  const engine = await played(t);
  const ahead = async (seconds: number) => {
    engine.info = { ...engine.info, SystemTime: new Date(Date.now() + seconds * 1000).toISOString() };
    return (await look(at(engine.dockerHost))).engine?.clockAhead ?? NaN;
  };
  // The clock of the fake is read before it is asked, so it is behind by that.
  const [behind, none, later] = [await ahead(-3600), await ahead(0), await ahead(3600)];
  assert.deepEqual([behind <= -3600, behind > -3660, none > -60, none <= 0, later <= 3600, later > 3540], Array(6).fill(true), String([behind, none, later]));
});

test("the machine's name is looked for only where an image set tells some program no address", linuxOnly, async (t) => {
  const engine = await played(t);
  const named = async (configuration: Configuration) => (await look(configuration)).here?.name;
  assert.equal(await named(at(engine.dockerHost)), undefined);
  const { cluster, ...rest } = at(engine.dockerHost);
  const { MESOS_IP: _, ...environment } = cluster.imageSet.mesosSlave.environment;
  const imageSet = { ...cluster.imageSet, mesosSlave: { ...cluster.imageSet.mesosSlave, environment } };
  const silent: Configuration = { ...rest, cluster: { ...cluster, imageSet } };
  assert.equal((await named(silent))?.name, hostname());
  assert.equal(await named({ ...rest, cluster: { ...cluster, imageSet, mesosSlave: { ...cluster.mesosSlave, environment: { MESOS_IP: "127.0.0.1" } } } }), undefined);
  assert.equal(await named({ ...rest, cluster: { ...cluster, imageSet, networkMode: "bridge" } }), undefined);

  const judged = (name: Here["name"]) =>
    judge(silent, { engine: fit, here: { ...here, name } }, owner).filter(({ name }) => name === "host-name").map(({ text }) => text);
  const told = (leads: string) =>
    `the image set rehearsal tells no address to mesosSlave, which go by the host's name; debian leads to ${leads}, and mesos-marathon:address is 127.0.0.1: ` +
    'write "127.0.0.1 debian" into /etc/hosts, or MESOS_IP (Marathon: LIBPROCESS_IP) into the set\'s environment';
  assert.deepEqual(judged({ name: "debian", address: "127.0.0.1" }), []);
  assert.deepEqual(judged({ name: "debian", address: "127.0.1.1" }), [told("127.0.1.1")]);
  assert.deepEqual(judged({ name: "debian" }), [told("no IPv4 address")]);
});

test("an old engine leaves fields out", async (t) => {
  const engine = await played(t);
  engine.info = { DefaultRuntime: "runc", DockerRootDir: "/nowhere", SecurityOptions: null };
  const { engine: seen } = await look(at(engine.dockerHost));
  assert.deepEqual([seen?.cgroupVersion, seen?.limitsMemory, seen?.securityOptions, seen?.volumes], ["1", true, [], []]);
});

test("the machine is looked at where the engine's folder is on it", linuxOnly, async (t) => {
  const engine = await played(t);
  const { here } = await look(at(engine.dockerHost));
  assert.ok(here);
  assert.ok(here.addresses.includes("127.0.0.1"));
  assert.deepEqual(here.addresses.filter((address) => !/^\d+\.\d+\.\d+\.\d+$/.test(address)), []);
  assert.ok((here.freeBytes ?? 0) > 0);
  // Tasks of other clusters of this machine may be there, and no cluster.
  assert.deepEqual(here.listeners.filter(({ port }) => port < 31000), []);
  assert.equal(typeof here.lacksCapabilities, "boolean");
  assert.equal(here.mountsCpuCgroup, /^\S+ \S+ cgroup \S*\bcpu\b(?!set|acct)/m.test(readFileSync("/proc/mounts", "utf8")));
  assert.ok((here.availableBytes ?? 0) > 0);
});

test("paths of mounts are looked for on the machine", linuxOnly, async (t) => {
  const engine = await played(t);
  const there = `${engine.folder}/there`;
  writeFileSync(there, "");
  const seen = async (...paths: string[]) => {
    const mounts = JSON.stringify(paths.map((path, index) => `${path}:/mount-${index}`));
    return (await look(at(engine.dockerHost, { marathonMounts: mounts, zookeeperMounts: mounts }))).here?.missingPaths;
  };
  assert.deepEqual(await seen(), undefined);
  assert.deepEqual(await seen(there, engine.folder), undefined);
  // Below a file there is nothing either, but nothing that Docker could make.
  assert.deepEqual(await seen(there, `${engine.folder}/missing`, `${there}/below`), [`${engine.folder}/missing`]);
});

/** Listens in this process, at an address and a port of the system's choice. */
async function listen(t: TestContext, address: string): Promise<number> {
  const server = createServer((socket) => socket.resume());
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, address, resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test("who holds a port", linuxOnly, async (t) => {
  const engine = await played(t);
  const command = readFileSync("/proc/self/comm", "utf8").trim();
  const listeners = async (marathonPort: number) => {
    const { here } = await look(at(engine.dockerHost, { marathonPort: String(marathonPort) }));
    return here?.listeners.map(({ address, port, holder }) => ({ address, port, pid: holder?.pid, command: holder?.command }));
  };

  await t.test("this process, at one address", async (t) => {
    const port = await listen(t, "127.0.0.1");
    assert.deepEqual(await listeners(port), [{ address: "127.0.0.1", port, pid: process.pid, command }]);
  });

  await t.test("this process, at all of IPv4's", async (t) => {
    const port = await listen(t, "0.0.0.0");
    assert.deepEqual(await listeners(port), [{ address: "0.0.0.0", port, pid: process.pid, command }]);
  });

  for (const [address, shown] of [["::", "::"], ["::ffff:127.0.0.1", "127.0.0.1"]]) {
    await t.test(`this process, at ${address}`, async (t) => {
      const port = await listen(t, address).catch(({ code }) => t.skip(`this machine has no IPv6 (${code})`));
      if (port) {
        assert.deepEqual(await listeners(port), [{ address: shown, port, pid: process.pid, command }]);
      }
    });
  }

  await t.test("another process", async (t) => {
    const child = spawn(process.execPath, ["-e", 'const s = require("net").createServer().listen(0, "127.0.0.1", () => console.log(s.address().port))']);
    t.after(() => child.kill());
    const port = Number(await new Promise((resolve) => child.stdout.once("data", resolve)));
    assert.deepEqual(await listeners(port), [{ address: "127.0.0.1", port, pid: child.pid, command }]);
  });

  await t.test("nobody, where a client merely uses the number", async (t) => {
    const { connect } = await import("node:net");
    const client = connect(await listen(t, "127.0.0.1"), "127.0.0.1");
    t.after(() => client.destroy());
    await new Promise((resolve) => client.once("connect", resolve));
    assert.deepEqual(await listeners(client.localPort ?? 0), []);
  });
});

test("why the Docker Engine does not answer", async (t) => {
  const code = async (dockerHost: string) => {
    const { engine, here, engineProblem } = await look(at(dockerHost));
    assert.deepEqual([engine, here], [undefined, undefined]);
    return engineProblem?.code;
  };

  await t.test("no socket", async () => assert.equal(await code("unix:///nowhere/docker.sock"), "ENOENT"));

  await t.test("a socket of one that is dead", async (t) => {
    const engine = await FakeEngine.start();
    const { link } = await import("node:fs/promises");
    const left = `${engine.folder}/left.sock`;
    await link(engine.socket, left);
    t.after(() => engine.stop());
    await engine.kill();
    assert.equal(await code(`unix://${left}`), "ECONNREFUSED");
  });

  await t.test("a file that is no socket", async (t) => {
    const engine = await played(t);
    writeFileSync(`${engine.folder}/file`, "");
    assert.equal(await code(`unix://${engine.folder}/file`), "ECONNREFUSED");
  });

  await t.test("a socket without permission", async (t) => {
    const engine = await played(t);
    chmodSync(engine.folder, 0o755);
    chmodSync(engine.socket, 0);
    if (process.getuid?.() === 0) {
      // Root may open everything, so it is somebody else while it connects.
      const { connect } = Socket.prototype;
      t.mock.method(Socket.prototype, "connect", function (this: Socket, ...to: Parameters<typeof connect>) {
        process.seteuid?.(65534);
        try {
          return connect.apply(this, to);
        } finally {
          process.seteuid?.(0);
        }
      });
    }
    assert.equal(await code(engine.dockerHost), "EACCES");
  });

  await t.test("one that hangs up", async (t) => {
    const engine = await played(t);
    const server = createServer((socket) => void socket.on("data", () => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(`${engine.folder}/rude.sock`, resolve));
    t.after(() => server.close());
    assert.equal(await code(`unix://${engine.folder}/rude.sock`), "ECONNRESET");
  });

  await t.test("one that is elsewhere", async (t) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { DOCKER_HOST } = process.env;
    t.after(() => (DOCKER_HOST === undefined ? delete process.env.DOCKER_HOST : (process.env.DOCKER_HOST = DOCKER_HOST)));
    assert.equal(await code(`tcp://127.0.0.1:${port}`), "ECONNREFUSED");
  });
});

test("preflight in the program", async (t) => {
  const run = async (t: TestContext, configuration: Configuration) => {
    const said = ["warn", "log"].map((method) => t.mock.method(console, method as "warn" | "log", () => {}));
    let thrown: any;
    const stack = await mockedStack(() => preflight(configuration).catch((error) => void (thrown = error)));
    return { result: await stack.outputs, thrown, said: said.map(({ mock }) => mock.calls.map((call) => call.arguments[0])) };
  };

  await t.test("ends it with every error at once, and tells warnings and notes", linuxOnly, async (t) => {
    const engine = await played(t);
    engine.info = { ...engine.info, CgroupVersion: "2", DefaultRuntime: "fewer-capabilities" };
    engine.containers.set("marathon", { name: "marathon" });
    const { thrown, said } = await run(t, at(engine.dockerHost, { imageSet: "tutorial", zookeeperPort: "2181", address: "127.0.0.77" }));
    assert.ok(pulumi.RunError.isInstance(thrown));
    const lines = thrown.message.split("\n").filter((line: string) => !/ GiB are free | port 2181 /.test(line));
    assert.deepEqual(lines, [
      "The cluster cannot run here yet; nothing was changed:",
      "  - the container name marathon (mesos-marathon:marathonName) is taken by a container that this stack did not make (marathon, image image, created 1970-01-01T00:00:01Z): " +
        "remove or rename that one, or choose another name: pulumi config set marathonName NAME [container-name-taken]",
      "  - Mesos 0.23.0 needs cgroup v1, and this host has v2: the slave would end at every start. " +
        "Use a host with cgroup v1, or another image set, or boot with systemd.unified_cgroup_hierarchy=0 where systemd still knows it [cgroup-version]",
    ]);
    const [warnings, notes] = said.map((lines) => lines.filter((line) => !/ GiB are free /.test(line)));
    assert.deepEqual(warnings, [
      "warning: [runtime] without a password and open to every network of this host: ZooKeeper (2181), because the image cannot be told to listen on 127.0.0.77 only. " +
        "Who reaches it can change what Mesos and Marathon do: close the port in the firewall [zookeeper-listens-everywhere]",
    ]);
    assert.deepEqual(notes, [`info: [runtime] 4 of 4 images are not here yet and will be pulled: ${tutorialImages.join(", ")} [images-to-pull]`, `${untried.replace("note: ", "info: [runtime] ")} [image-set-untried]`]);
    assert.deepEqual(engine.changes, []);
  });

  await t.test("is silent of a warning that is accepted", async (t) => {
    const engine = await played(t);
    engine.info = { ...engine.info, DockerRootDir: "/nowhere" };
    engine.images = [{ Id: "sha256:0", RepoTags: tutorialImages }];
    const { thrown, said } = await run(t, at(engine.dockerHost, { imageSet: "tutorial", zookeeperPort: "2181", acceptedWarnings: '["zookeeper-listens-everywhere"]' }));
    assert.deepEqual([thrown, said], [undefined, [[], [`${notSeen.replace("note: ", "info: [runtime] ")} [host-not-seen]`]]]);
  });

  await t.test("lets it go on, and tells how its containers are", async (t) => {
    const engine = await played(t);
    engine.info = { ...engine.info, DockerRootDir: "/nowhere" };
    engine.images = [{ Id: "sha256:0", RepoTags: rehearsalImages }];
    engine.containers.set("marathon", { name: "marathon", status: "exited", finishedAt: "2026-01-02T03:04:05Z", labels: ours("marathon") });
    const environment = [`MESOS_PORT=${freePorts.mesosSlavePort}`];
    engine.containers.set("mesos-slave", { name: "mesos-slave", labels: ours("mesos-slave"), environment });
    const { result, thrown } = await run(t, at(engine.dockerHost));
    const found = { ...made, drift: undefined, orphans: undefined };
    assert.deepEqual([result, thrown], [
      {
        found: [
          { ...found, component: "marathon", name: "marathon", labels: borne(ours("marathon")), drift: "stopped at 2026-01-02T03:04:05Z with exit code 0" },
          { ...found, component: "mesos-slave", name: "mesos-slave", labels: borne(ours("mesos-slave")), environment },
        ],
        currentImages: {},
        adoptions: {},
      },
      undefined,
    ]);
  });

  await t.test("finds the tasks of a slave that Docker started anew, where their executors ended with it", async (t) => {
    const orphans = async (pidMode: string) => {
      const engine = await played(t);
      engine.info = { ...engine.info, DockerRootDir: "/nowhere" };
      engine.images = [{ Id: "sha256:0", RepoTags: rehearsalImages }];
      const environment = [`MESOS_PORT=${freePorts.mesosSlavePort}`, "MESOS_WORK_DIR=/w"];
      engine.containers.set("mesos-slave", { name: "mesos-slave", labels: ours("mesos-slave"), environment, pidMode, startedAt: "2026-01-01T00:00:10.500Z" });
      const task = (name: string, created: string, more: object = {}) => engine.containers.set(name, { name, created, mounts: ["/w/slaves/S0/frameworks/F1"], ...more });
      task("old", "2026-01-01T00:00:09.900Z");
      // Of the list alone, nobody knows of this one.
      task("of-the-same-second", "2026-01-01T00:00:10.400Z");
      task("new", "2026-01-01T00:00:11Z");
      task("ended", "2026-01-01T00:00:09Z", { status: "exited" });
      task("foreign", "2026-01-01T00:00:09Z", { mounts: ["/w2/slaves/S0/frameworks/F1"] });
      return (await run(t, at(engine.dockerHost))).result.found[0].orphans?.replace(/seen at .*Z$/, "seen at T");
    };
    assert.equal(await orphans(""), "old, seen at T");
    assert.equal(await orphans("host"), undefined);
  });

  await t.test("looks at nothing where it is switched off", async (t) => {
    const { result, thrown, said } = await run(t, at("unix:///nowhere/docker.sock", { preflight: "false" }));
    assert.deepEqual([result, thrown, said], [{ found: [], currentImages: {}, adoptions: {} }, undefined, [[], []]]);
  });
});

test("the program declares nothing where the host is not fit, and proves anew what had drifted where it is", async (t) => {
  const engine = await played(t);
  engine.info = { ...engine.info, DockerRootDir: "/nowhere" };
  engine.containers.set("marathon", { name: "marathon", status: "exited", finishedAt: "2026-01-02T03:04:05Z", labels: ours("marathon") });
  t.mock.method(console, "log", () => {});
  t.mock.method(console, "warn", () => {});
  const program = require("../../index");
  const config = { ...defaults(), ...freePorts, dockerHost: engine.dockerHost };

  let thrown: any;
  const unfit = await mockedStack(() => program().catch((error: unknown) => void (thrown = error)), { config });
  await unfit.outputs;
  assert.match(thrown?.message, /^The cluster cannot run here yet; nothing was changed:\n {2}- the Docker Engine has no image /);
  assert.equal(unfit.resources.size, 0);

  engine.images = [{ Id: "sha256:0", RepoTags: rehearsalImages }];
  const fit = await mockedStack(program, { config });
  await fit.outputs;
  assert.equal(fit.resources.size, 26);
  assert.equal(fit.resources.get("Command cluster-marathon-ready")?.inputs.environment.DRIFT, "stopped at 2026-01-02T03:04:05Z with exit code 0");
});
