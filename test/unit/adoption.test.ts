/** What fits of containers that were started by hand, and the state that stands for them. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import type { ContainerInspectInfo } from "dockerode";

// The set-up is ES modules, these tests are not.
let adoption: typeof import("../../setup/adoption.mjs", { with: { "resolution-mode": "import" } });
before(async () => {
  adoption = await import("../../setup/adoption.mjs");
});

const image = "mesoscloud/mesos-slave:0.23.0-ubuntu-14.04";
const wanted = {
  name: "mesos-slave",
  image,
  envs: ["MESOS_IP=127.0.0.1", "MESOS_MASTER=zk://127.0.0.1:2181/mesos", "MESOS_PORT=5052", "MESOS_RESOURCES=cpus:2"],
  volumes: [
    { hostPath: "/sys/fs/cgroup", containerPath: "/sys/fs/cgroup" },
    { volumeName: "work", containerPath: "/work" },
  ],
  stopTimeout: 30,
};

interface Byhand {
  readonly environment?: readonly string[];
  readonly binds?: readonly string[];
  readonly image?: string;
  readonly network?: string;
  /** The stack's. */
  readonly networkMode?: string;
  readonly status?: string;
  readonly labels?: Record<string, string>;
  /** Secret variables of the stack's. */
  readonly secrets?: readonly string[];
}

function pair({ environment = [], secrets = [], binds = ["/sys/fs/cgroup:/sys/fs/cgroup"], image: from = image, network = "host", networkMode = "host", status = "running", labels = {} }: Byhand) {
  const found = {
    Id: "0123456789abcdef",
    Name: "/mesos-slave",
    State: { Status: status, Running: status === "running", Restarting: false, Paused: false },
    Config: { Image: from, Env: ["PATH=/bin", "MESOS_WORK_DIR=/tmp/mesos", ...environment], Labels: labels },
    HostConfig: { NetworkMode: network, Binds: binds, RestartPolicy: { Name: "always" }, Privileged: true, PidMode: "", LogConfig: { Type: "json-file", Config: {} } },
  } as unknown as ContainerInspectInfo;
  const names = secrets.map((entry) => entry.split("=")[0]);
  return { component: "mesos-slave", wanted: { ...wanted, networkMode, envs: [...wanted.envs, ...secrets] }, found, imageVariables: ["PATH=/bin", "MESOS_WORK_DIR=/tmp/mesos"], secrets: names };
}

const table: Record<string, readonly [Byhand, ...string[]]> = {
  "what the stack would set": [{ environment: ["MESOS_IP=127.0.0.1", "MESOS_PORT=5052"] }],
  "another address": [{ environment: ["MESOS_IP=192.0.2.7"] }, "has MESOS_IP=192.0.2.7, and the stack would set 127.0.0.1: pulumi config set address 192.0.2.7"],
  "another port": [{ environment: ["MESOS_PORT=5051"] }, "has MESOS_PORT=5051, and the stack would set 5052: pulumi config set mesosSlavePort 5051"],
  "another path in ZooKeeper": [
    { environment: ["MESOS_MASTER=zk://127.0.0.1:2181/other"] },
    "has MESOS_MASTER=zk://127.0.0.1:2181/other, and the stack would set zk://127.0.0.1:2181/mesos, which no key changes beside address and ports",
  ],
  "other resources, attributes and a variable of its own": [
    { environment: ["MESOS_RESOURCES=cpus:4;mem:1", "MESOS_ATTRIBUTES=rack:1;zone:a", "MESOS_GC_DELAY=2 days"] },
    "has MESOS_RESOURCES=cpus:4;mem:1, and the stack would set cpus:2: pulumi config set mesosSlaveResources 'cpus:4;mem:1'",
    "has MESOS_ATTRIBUTES=rack:1;zone:a: pulumi config set mesosSlaveAttributes 'rack:1;zone:a'",
    "has MESOS_GC_DELAY=2 days, which the stack does not set: pulumi config set --path 'mesosSlaveEnvironment.MESOS_GC_DELAY' '2 days'",
  ],
  "a credential that the stack does not set": [
    { environment: ["MESOSPHERE_HTTP_CREDENTIALS=me:correct-horse"] },
    "has MESOSPHERE_HTTP_CREDENTIALS, which the stack does not set: pulumi config set --secret --path 'mesosSlaveEnvironment.MESOSPHERE_HTTP_CREDENTIALS'",
  ],
  "another credential, and another value beside it": [
    { environment: ["API_TOKEN=correct-horse", "JAVA_OPTS=-Xmx1g"], secrets: ["API_TOKEN=battery-staple", "JAVA_OPTS=-Xmx2g"] },
    "has another API_TOKEN than the stack would set: pulumi config set --secret --path 'mesosSlaveEnvironment.API_TOKEN'",
    "has another JAVA_OPTS than the stack would set: pulumi config set --secret --path 'mesosSlaveEnvironment.JAVA_OPTS'",
  ],
  "a credential that the stack sets, too": [{ environment: ["API_TOKEN=correct-horse"], secrets: ["API_TOKEN=correct-horse"] }],
  "the path of a credential": [
    { environment: ["MESOS_CREDENTIAL=/etc/mesos/credential"] },
    "has MESOS_CREDENTIAL=/etc/mesos/credential, which the stack does not set: pulumi config set --path 'mesosSlaveEnvironment.MESOS_CREDENTIAL' /etc/mesos/credential",
  ],
  "another image": [
    { image: "mesoscloud/mesos-slave:0.28.1" },
    `was made from mesoscloud/mesos-slave:0.28.1, and the stack would take ${image}: pulumi config set imageSet SET, with a set that has the image, or one of your own (docs/image-sets.md)`,
  ],
  "a stack on a network of its own, where every address is another": [
    { networkMode: "bridge", environment: ["MESOS_IP=192.0.2.7", "MESOS_MASTER=zk://192.0.2.7:2181/mesos"] },
    "is on the host's network, and the stack's would be on one of its own: pulumi config set networkMode host",
  ],
  "another network, and a mount": [
    { network: "bridge", binds: ["/srv:/srv:ro", "/sys/fs/cgroup:/sys/fs/cgroup:rw"] },
    "is on the network bridge, and the stack's containers are on the host's",
    "mounts /srv:/srv, which the stack's would not",
  ],
  "one that does not run": [{ status: "exited" }, "is exited: start it, or remove it, and up makes another"],
  "one of a stack, however it differs": [
    { labels: { "mesos-marathon.project": "mesos-marathon", "mesos-marathon.stack": "dev" }, environment: ["MESOS_PORT=5051"], network: "bridge" },
    "belongs to the stack dev: go on with that one",
  ],
};

describe("of a container started by hand it is told what does not fit, and what to set", () => {
  for (const [what, [byHand, ...sentences]] of Object.entries(table)) {
    it(what, () => assert.deepEqual(adoption.misfits(pair(byHand)), sentences.map((sentence) => `mesos-slave ${sentence}`)));
  }
});

it("of what is secret in the stack's own container only the name is told", () => {
  const told = adoption.additions(pair({ secrets: ["API_TOKEN=correct-horse", "JAVA_OPTS=-Xmx2g"] }));
  assert.deepEqual(told.filter((text) => /API_TOKEN|JAVA_OPTS/.test(text)), ["API_TOKEN", "JAVA_OPTS"]);
});

it("secret variables are those of the keys that have a secret, and stand beside what a preview without them told", () => {
  const secrets = adoption.secretVariables({
    "mesos-marathon:marathonEnvironment": { secret: true, objectValue: { API_TOKEN: "a=b", JAVA_OPTS: "-Xmx1g", LIMIT: 3 } },
    "mesos-marathon:zookeeperEnvironment": { secret: false, objectValue: { JVMFLAGS: "-Xmx1g" } },
    "mesos-marathon:mesosSlaveEnvironment": { secret: true },
    "mesos-marathon:imageRegistryPassword": { secret: true },
  });
  assert.deepEqual(secrets, { marathon: ["API_TOKEN=a=b", "JAVA_OPTS=-Xmx1g", "LIMIT=3"] });
  assert.equal(adoption.environmentKey("mesos-slave"), "mesos-marathon:mesosSlaveEnvironment");

  const resource = (component: string, envs: unknown) => ({ urn: `urn:pulumi:dev::mesos-marathon::docker:index/container:Container::cluster-${component}`, custom: true, type: "docker:index/container:Container", inputs: { name: "n", envs } });
  const volume = { urn: "urn:pulumi:dev::mesos-marathon::docker:index/volume:Volume::cluster-marathon", custom: true, type: "docker:index/volume:Volume", inputs: {} };
  assert.deepEqual(adoption.withSecrets([volume, resource("zookeeper", ["A=1"]), resource("marathon", ["B=2"])], secrets), [
    volume,
    resource("zookeeper", ["A=1"]),
    resource("marathon", ["B=2", ...secrets.marathon]),
  ]);
  // Of one variable, as the drop-in has it, and of all, as the official plugin has it.
  for (const hidden of [["B=2", "[secret]"], "[secret]"]) {
    assert.throws(() => adoption.withSecrets([resource("marathon", hidden)], {}), {
      message:
        "mesos-marathon:marathonEnvironment has secrets that are not single variables of the stack's own file, so it cannot be told whether marathon fits: " +
        "pulumi config set --secret --path mesos-marathon:marathonEnvironment.NAME, for each",
    });
  }
});

it("what the stack's own container has, and this one has not", () => {
  assert.deepEqual(adoption.additions(pair({ environment: ["MESOS_IP=127.0.0.1"], binds: ["/sys/fs/cgroup:/sys/fs/cgroup:rw"] })), [
    "labels",
    "MESOS_MASTER=zk://127.0.0.1:2181/mesos",
    "MESOS_PORT=5052",
    "MESOS_RESOURCES=cpus:2",
    "a volume at /work",
    "a limit to its log",
    "30 s to stop",
  ]);
});

it("the state has stack, components, provider and the containers as they are, and nothing else", () => {
  const urn = (type: string, name: string) => `urn:pulumi:dev::mesos-marathon::${type}::${name}`;
  const provider = urn("pulumi:providers:docker", "host");
  const slaveUrn = urn("mesos:index:Cluster$mesos:index:MesosSlave$docker:index/container:Container", "cluster-mesos-slave");
  const parent = urn("mesos:index:Cluster$mesos:index:MesosSlave", "cluster-mesos-slave");
  const resources = [
    { urn: urn("pulumi:pulumi:Stack", "mesos-marathon-dev"), custom: false, type: "pulumi:pulumi:Stack", outputs: { mesosUrl: "not yet" } },
    { urn: provider, custom: true, type: "pulumi:providers:docker", inputs: { __internal: {}, host: "unix:///d.sock", registryAuth: "secret" } },
    { urn: parent, custom: false, type: "mesos:index:MesosSlave" },
    { urn: urn("docker:index/volume:Volume", "cluster-mesos-slave-work"), custom: true, type: "docker:index/volume:Volume", inputs: { name: "work" } },
    { urn: slaveUrn, custom: true, type: "docker:index/container:Container", parent, provider: `${provider}::unknown`, inputs: wanted, dependencies: [urn("command:local:Command", "gate")] },
  ];
  const [stack, host, component, slave, ...more] = adoption.preparedState(resources, [pair({ environment: ["MESOS_IP=127.0.0.1"] })]);
  assert.deepEqual(more, []);
  assert.deepEqual(stack, { urn: resources[0].urn, custom: false, type: "pulumi:pulumi:Stack" });
  assert.match(host.id ?? "", /^[0-9a-f-]{36}$/);
  assert.deepEqual(host, { urn: provider, custom: true, type: "pulumi:providers:docker", id: host.id, inputs: { __internal: {}, host: "unix:///d.sock" }, outputs: { host: "unix:///d.sock" } });
  assert.deepEqual(component, { urn: parent, custom: false, type: "mesos:index:MesosSlave" });
  assert.equal(adoption.hasSecrets(pair({ environment: ["MESOS_IP=127.0.0.1"] })), false);
  for (const secrets of [[], ["A=1", "API_TOKEN=correct-horse"]]) {
    const withSecret = pair({ environment: ["MESOS_IP=127.0.0.1", secrets[1] ?? "API_TOKEN=correct-horse"], secrets });
    assert.equal(adoption.hasSecrets(withSecret), true);
    const { inputs, outputs } = adoption.preparedState(resources, [withSecret])[3];
    // As `pulumi stack export --show-secrets` has one.
    const envs = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", plaintext: '["API_TOKEN=correct-horse","MESOS_IP=127.0.0.1"]' };
    assert.deepEqual([inputs?.envs, outputs?.envs], [envs, envs]);
  }
  const values = {
    name: "mesos-slave",
    image,
    envs: ["MESOS_IP=127.0.0.1"],
    networkMode: "host",
    restart: "always",
    privileged: true,
    volumes: [{ hostPath: "/sys/fs/cgroup", containerPath: "/sys/fs/cgroup" }],
    logDriver: "json-file",
    mustRun: true,
    start: true,
    // What lies in its anonymous volumes must outlive it.
    removeVolumes: false,
    destroyGraceSeconds: 30,
  };
  assert.deepEqual(slave, {
    urn: slaveUrn,
    custom: true,
    type: "docker:index/container:Container",
    parent,
    id: "0123456789abcdef",
    inputs: { ...values, __defaults: [] },
    outputs: { ...values, id: "0123456789abcdef", labels: [] },
    provider: `${provider}::${host.id}`,
  });
});
