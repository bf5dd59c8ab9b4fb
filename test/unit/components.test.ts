/**
 * The resource graph, against values written down from the tutorial. What the engine or Docker decide with it (order of
 * deletion, empty previews, what a container really gets) is proved by the engine tests.
 */
import assert from "node:assert/strict";
import { realpathSync } from "node:fs";
import { test } from "node:test";

import * as pulumi from "@pulumi/pulumi";

import { Cluster, type ClusterArgs, customImageSet, type FoundContainer, fromRegistry, host, type HostArgs, imageSets } from "../../components";
import { templateSettings } from "../../components/custom-images";
import { imagesOf, pulledImagesOf, takesDockerClient } from "../../components/images";
import { type MockedStack, mockedStack } from "./mocked-stack";
import { defaults, project } from "./pulumi-yaml";

/** The stack's program, without configuration and preflight. */
const cluster = (args: Omit<ClusterArgs, "host"> = {}, hostArgs: HostArgs = {}, name = "cluster") => () => ({
  cluster: new Cluster(name, { host: host("host", hostArgs), ...args }).description,
});
const tutorial = cluster();
const rehearsal = cluster({ imageSet: imageSets.rehearsal });

const gate = `node -e 'import("mesos-marathon/checks/ready.mjs")'`;
const labels = (component: string, stack = "dev") => [
  { label: "mesos-marathon.project", value: "mesos-marathon" },
  { label: "mesos-marathon.stack", value: stack },
  { label: "mesos-marathon.component", value: component },
];
/** Beside the tutorial's `docker run`: what every container gets, and nothing else. */
const additions = (component: string) => ({
  labels: labels(component),
  logDriver: "json-file",
  logOpts: { "max-file": "3", "max-size": "10m" },
  stopTimeout: 30,
  destroyGraceSeconds: 30,
});
const workDir = "/docker/volumes/mesos-marathon-dev-cluster-mesos-slave-work/_data";

function inputs(stack: MockedStack, called: string): Record<string, any> {
  const resource = stack.resources.get(called);
  assert.ok(resource, `${called} is not among ${[...stack.resources.keys()].join(", ")}`);
  // A set, for Docker as for the provider.
  return resource.inputs.envs ? { ...resource.inputs, envs: [...resource.inputs.envs].sort() } : resource.inputs;
}

test("the tutorial's containers are what its docker run lines make, and the additions", async (t) => {
  const stack = await mockedStack(tutorial);

  await t.test("zookeeper", () =>
    assert.deepEqual(inputs(stack, "Container cluster-zookeeper"), {
      name: "zookeeper",
      image: "mesoscloud/zookeeper:3.4.6-ubuntu-14.04",
      envs: ["MYID=1", "SERVERS=127.0.0.1"],
      networkMode: "host",
      restart: "always",
      ...additions("zookeeper"),
      volumes: [{ containerPath: "/tmp/zookeeper", volumeName: "mesos-marathon-dev-cluster-zookeeper-data" }],
    }));

  await t.test("mesos-master", () =>
    assert.deepEqual(inputs(stack, "Container cluster-mesos-master"), {
      name: "mesos-master",
      image: "mesoscloud/mesos-master:0.23.0-ubuntu-14.04",
      envs: ["MESOS_HOSTNAME=127.0.0.1", "MESOS_IP=127.0.0.1", "MESOS_QUORUM=1", "MESOS_ZK=zk://127.0.0.1:2181/mesos"],
      networkMode: "host",
      restart: "always",
      ...additions("mesos-master"),
      volumes: [{ containerPath: "/tmp/mesos", volumeName: "mesos-marathon-dev-cluster-mesos-master-data" }],
    }));

  await t.test("mesos-slave", () =>
    assert.deepEqual(inputs(stack, "Container cluster-mesos-slave"), {
      name: "mesos-slave",
      image: "mesoscloud/mesos-slave:0.23.0-ubuntu-14.04",
      envs: [
        "MESOS_HOSTNAME=127.0.0.1",
        "MESOS_IP=127.0.0.1",
        "MESOS_MASTER=zk://127.0.0.1:2181/mesos",
        // Additions: pinned, and kept where Docker can mount a task's sandbox from.
        "MESOS_RESOURCES=cpus:2;mem:2048;disk:10240;ports:[31000-32000]",
        `MESOS_WORK_DIR=${workDir}`,
      ],
      networkMode: "host",
      restart: "always",
      privileged: true,
      ...additions("mesos-slave"),
      volumes: [
        { hostPath: "/sys/fs/cgroup", containerPath: "/sys/fs/cgroup" },
        { hostPath: "/var/run/docker.sock", containerPath: "/var/run/docker.sock" },
        { volumeName: "mesos-marathon-dev-cluster-mesos-slave-work", containerPath: workDir },
      ],
    }));

  await t.test("marathon, as its image family starts it", () =>
    assert.deepEqual(inputs(stack, "Container cluster-marathon"), {
      name: "marathon",
      image: "mesoscloud/marathon:0.10.1-ubuntu-14.04",
      envs: [
        "LIBPROCESS_IP=127.0.0.1", // the addition
        "MARATHON_HOSTNAME=127.0.0.1",
        "MARATHON_HTTPS_ADDRESS=127.0.0.1",
        "MARATHON_HTTP_ADDRESS=127.0.0.1",
        "MARATHON_MASTER=zk://127.0.0.1:2181/mesos",
        "MARATHON_ZK=zk://127.0.0.1:2181/marathon",
      ],
      networkMode: "host",
      restart: "always",
      ...additions("marathon"),
      volumes: [],
    }));
});

test("the rehearsal's containers differ from the tutorial's where the images do", async (t) => {
  const stack = await mockedStack(rehearsal);

  await t.test("zookeeper: the official image's variables, and no AdminServer on Marathon's port", () =>
    assert.deepEqual(inputs(stack, "Container cluster-zookeeper"), {
      name: "zookeeper",
      image: "mesos-marathon/rehearsal-zookeeper:3.8.0",
      envs: ["ZOO_ADMINSERVER_ENABLED=false", "ZOO_MY_ID=1", "ZOO_SERVERS=server.1=127.0.0.1:2888:3888;127.0.0.1:2181"],
      networkMode: "host",
      restart: "always",
      ...additions("zookeeper"),
      volumes: [
        { containerPath: "/data", volumeName: "mesos-marathon-dev-cluster-zookeeper-data" },
        { containerPath: "/datalog", volumeName: "mesos-marathon-dev-cluster-zookeeper-datalog" },
      ],
    }));

  await t.test("mesos-master: 1.x takes no work directory by itself", () =>
    assert.deepEqual(inputs(stack, "Container cluster-mesos-master"), {
      name: "mesos-master",
      image: "mesos-marathon/stand-in-mesos-master:1.11.0",
      envs: [
        "MESOS_HOSTNAME=127.0.0.1",
        "MESOS_IP=127.0.0.1",
        "MESOS_QUORUM=1",
        "MESOS_WORK_DIR=/var/lib/mesos",
        "MESOS_ZK=zk://127.0.0.1:2181/mesos",
      ],
      networkMode: "host",
      restart: "always",
      ...additions("mesos-master"),
      volumes: [{ containerPath: "/var/lib/mesos", volumeName: "mesos-marathon-dev-cluster-mesos-master-data" }],
    }));

  await t.test("mesos-slave: executors in containers of their own, the host's processes, the socket at its own path", () =>
    assert.deepEqual(inputs(stack, "Container cluster-mesos-slave"), {
      name: "mesos-slave",
      image: "mesos-marathon/stand-in-mesos-slave:1.11.0",
      envs: [
        "MESOS_CGROUPS_ROOT=mesos-marathon-dev-cluster-mesos-slave",
        "MESOS_CONTAINERIZERS=docker,mesos",
        "MESOS_DOCKER_KILL_ORPHANS=false",
        "MESOS_DOCKER_MESOS_IMAGE=mesos-marathon/stand-in-mesos-slave:1.11.0",
        "MESOS_EXECUTOR_REGISTRATION_TIMEOUT=5mins",
        "MESOS_HOSTNAME=127.0.0.1",
        "MESOS_IP=127.0.0.1",
        "MESOS_MASTER=zk://127.0.0.1:2181/mesos",
        "MESOS_RECONFIGURATION_POLICY=additive",
        "MESOS_RESOURCES=cpus:2;mem:2048;disk:10240;ports:[31000-32000]",
        "MESOS_SYSTEMD_ENABLE_SUPPORT=false",
        `MESOS_WORK_DIR=${workDir}`,
      ],
      networkMode: "host",
      restart: "always",
      privileged: true,
      pidMode: "host",
      ...additions("mesos-slave"),
      volumes: [
        { hostPath: "/sys/fs/cgroup", containerPath: "/sys/fs/cgroup" },
        { hostPath: "/var/run/docker.sock", containerPath: "/var/run/docker.sock" },
        { volumeName: "mesos-marathon-dev-cluster-mesos-slave-work", containerPath: workDir },
      ],
    }));

  await t.test("marathon: tasks run as root", () =>
    assert.deepEqual(inputs(stack, "Container cluster-marathon"), {
      name: "marathon",
      image: "mesos-marathon/stand-in-marathon:1.11.0",
      envs: [
        "LIBPROCESS_IP=127.0.0.1",
        "MARATHON_HOSTNAME=127.0.0.1",
        "MARATHON_HTTPS_ADDRESS=127.0.0.1",
        "MARATHON_HTTP_ADDRESS=127.0.0.1",
        "MARATHON_MASTER=zk://127.0.0.1:2181/mesos",
        "MARATHON_MESOS_USER=root",
        "MARATHON_ZK=zk://127.0.0.1:2181/marathon",
      ],
      networkMode: "host",
      restart: "always",
      ...additions("marathon"),
      volumes: [],
    }));
});

test("classic: mesosphere's Mesos 1.7 and Marathon 1.8 beside the official ZooKeeper", async (t) => {
  const stack = await mockedStack(cluster({ imageSet: imageSets.classic }));

  await t.test("zookeeper: as the rehearsal's, at the address only", () =>
    assert.deepEqual(inputs(stack, "Container cluster-zookeeper"), {
      name: "zookeeper",
      image: "zookeeper:3.6.4",
      envs: ["ZOO_ADMINSERVER_ENABLED=false", "ZOO_MY_ID=1", "ZOO_SERVERS=server.1=127.0.0.1:2888:3888;127.0.0.1:2181"],
      networkMode: "host",
      restart: "always",
      ...additions("zookeeper"),
      volumes: [
        { containerPath: "/data", volumeName: "mesos-marathon-dev-cluster-zookeeper-data" },
        { containerPath: "/datalog", volumeName: "mesos-marathon-dev-cluster-zookeeper-datalog" },
      ],
    }));

  await t.test("mesos-master: its registry is kept, which the image's own command forgets", () =>
    assert.deepEqual(inputs(stack, "Container cluster-mesos-master"), {
      name: "mesos-master",
      image: "mesosphere/mesos-master:1.7.1",
      command: ["--registry=replicated_log"],
      envs: [
        "MESOS_HOSTNAME=127.0.0.1",
        "MESOS_IP=127.0.0.1",
        "MESOS_QUORUM=1",
        "MESOS_WORK_DIR=/var/lib/mesos",
        "MESOS_ZK=zk://127.0.0.1:2181/mesos",
      ],
      networkMode: "host",
      restart: "always",
      ...additions("mesos-master"),
      volumes: [{ containerPath: "/var/lib/mesos", volumeName: "mesos-marathon-dev-cluster-mesos-master-data" }],
    }));

  await t.test("mesos-slave: other slaves' tasks are left alone; executors in it, and no process of the host", () =>
    assert.deepEqual(inputs(stack, "Container cluster-mesos-slave"), {
      name: "mesos-slave",
      image: "mesosphere/mesos-slave:1.7.1",
      envs: [
        "MESOS_CGROUPS_ROOT=mesos-marathon-dev-cluster-mesos-slave",
        "MESOS_CONTAINERIZERS=docker,mesos",
        "MESOS_DOCKER_KILL_ORPHANS=false",
        "MESOS_EXECUTOR_REGISTRATION_TIMEOUT=5mins",
        "MESOS_HOSTNAME=127.0.0.1",
        "MESOS_IP=127.0.0.1",
        "MESOS_MASTER=zk://127.0.0.1:2181/mesos",
        "MESOS_RECONFIGURATION_POLICY=additive",
        "MESOS_RESOURCES=cpus:2;mem:2048;disk:10240;ports:[31000-32000]",
        "MESOS_SYSTEMD_ENABLE_SUPPORT=false",
        `MESOS_WORK_DIR=${workDir}`,
      ],
      networkMode: "host",
      restart: "always",
      privileged: true,
      ...additions("mesos-slave"),
      volumes: [
        { hostPath: "/sys/fs/cgroup", containerPath: "/sys/fs/cgroup" },
        { hostPath: "/var/run/docker.sock", containerPath: "/var/run/docker.sock" },
        { volumeName: "mesos-marathon-dev-cluster-mesos-slave-work", containerPath: workDir },
      ],
    }));

  await t.test("marathon: tasks run as root, though it does not", () =>
    assert.deepEqual(inputs(stack, "Container cluster-marathon"), {
      name: "marathon",
      image: "mesosphere/marathon:v1.8.222",
      envs: [
        "LIBPROCESS_IP=127.0.0.1",
        "MARATHON_HOSTNAME=127.0.0.1",
        "MARATHON_HTTPS_ADDRESS=127.0.0.1",
        "MARATHON_HTTP_ADDRESS=127.0.0.1",
        "MARATHON_MASTER=zk://127.0.0.1:2181/mesos",
        "MARATHON_MESOS_USER=root",
        "MARATHON_ZK=zk://127.0.0.1:2181/marathon",
      ],
      networkMode: "host",
      restart: "always",
      ...additions("marathon"),
      volumes: [],
    }));

  await t.test("the gates ask as Mesos 1.x answers", () => {
    const told = (called: string) => inputs(stack, called).environment;
    assert.equal(told("Command cluster-mesos-slave-ready").SLAVES_PATH, "/master/slaves");
    assert.equal(told("Command cluster-mesos-slave-ready").SLAVE_STATE_PATH, "/state");
    assert.equal(told("Command cluster-marathon-ready").FRAMEWORKS_PATH, "/master/frameworks");
    assert.deepEqual(Object.keys(JSON.parse(told("Command cluster-marathon-ready").FINAL_EXITS)), ["110"]);
  });
});

test("a docker client of the host's takes the place of the one in the slave's image", async (t) => {
  for (const name of ["tutorial", "classic"] as const) {
    await t.test(name, async () => {
      const imageSet = imageSets[name];
      const { envs: before, volumes: mounted } = inputs(await mockedStack(cluster({ imageSet })), "Container cluster-mesos-slave");
      const { envs, volumes } = inputs(await mockedStack(cluster({ imageSet, mesosSlave: { dockerClient: "/opt/docker" } })), "Container cluster-mesos-slave");
      assert.deepEqual(envs, [...before, "MESOS_DOCKER=/opt/docker"].sort());
      assert.deepEqual(volumes.filter(({ hostPath }: any) => hostPath === "/opt/docker"), [{ hostPath: "/opt/docker", containerPath: "/opt/docker", readOnly: true }]);
      assert.equal(volumes.length, mounted.length + 1);
    });
  }
  assert.deepEqual(Object.keys(imageSets).map((name) => takesDockerClient(imageSets[name].mesosSlave)), [true, true, false, false]);
});

test("modern: as the rehearsal's, with ClusterD on the host's cgroups, and command tasks without any", async (t) => {
  const like = await mockedStack(rehearsal);
  const stack = await mockedStack(cluster({ imageSet: imageSets.modern }));
  const images = imagesOf(imageSets.modern);
  for (const [index, component] of ["zookeeper", "mesos-master", "mesos-slave", "marathon"].entries()) {
    await t.test(component, () => {
      const { envs: before, ...others } = inputs(like, `Container cluster-${component}`);
      const { envs, ...found } = inputs(stack, `Container cluster-${component}`);
      const slaves = component === "mesos-slave";
      assert.deepEqual(found, { ...others, image: images[index], ...(slaves && { cgroupnsMode: "host" }) });
      const expected = before.map((env: string) => env.replace(others.image, images[index]));
      assert.deepEqual(envs, [...expected, ...(slaves ? ["MESOS_LAUNCHER=posix"] : [])].sort());
    });
  }
});

test("what a set itself tells Mesos, Marathon and the official ZooKeeper is known there", () => {
  for (const [name, imageSet] of Object.entries(imageSets)) {
    for (const program of ["zookeeper", "mesosMaster", "mesosSlave", "marathon"] as const) {
      const { environment, flags = [] } = imageSet[program];
      const told = Object.keys(environment).filter((variable) => /^(ZOO|MESOS|MARATHON)_/.test(variable));
      assert.deepEqual(told.filter((variable) => !flags.includes(variable)), [], `${name}: ${program}`);
    }
  }
});

test("every template asks only for what there is, and a custom set may ask for as much", async (t) => {
  for (const [name, imageSet] of Object.entries(imageSets)) {
    await t.test(name, () => {
      for (const program of ["zookeeper", "mesosMaster", "mesosSlave", "marathon"] as const) {
        const { environment, mounts = [] } = imageSet[program];
        const asked = [...Object.values(environment), ...mounts].flatMap((template) => [...template.matchAll(/{(\w+)}/g)].map(([, setting]) => setting));
        assert.deepEqual(asked.filter((setting) => !templateSettings[program].includes(setting)), [], program);
      }
    });
  }

  await t.test("custom: each setting has a value", async () => {
    const asking = (program: keyof typeof templateSettings) => ({
      image: "some/image:1",
      version: "1.11.0",
      environment: Object.fromEntries(templateSettings[program].map((setting) => [setting.toUpperCase(), `{${setting}}`])),
      builtIn: {},
    });
    const { imageSet, problems } = customImageSet(
      JSON.stringify({ like: "classic", ...Object.fromEntries(Object.keys(templateSettings).map((program) => [program, asking(program as keyof typeof templateSettings)])) }),
    );
    assert.deepEqual(problems, []);
    const stack = await mockedStack(cluster({ imageSet, networkMode: "bridge", mesosSlave: { attributes: "rack:1", dockerClient: "/opt/docker" } }));
    for (const [program, called] of [["zookeeper", "zookeeper"], ["mesosMaster", "mesos-master"], ["mesosSlave", "mesos-slave"], ["marathon", "marathon"]] as const) {
      const { envs } = inputs(stack, `Container cluster-${called}`);
      assert.deepEqual(envs.map((env: string) => env.split("=")[0]), templateSettings[program].map((setting) => setting.toUpperCase()).sort(), called);
      assert.deepEqual(envs.filter((env: string) => /=(|undefined)$|[{}]/.test(env)), [], called);
    }
  });
});

test("on a bridge network each has its own address, ports are published, and what is told leads from inside and outside", async (t) => {
  const described = async (args: Parameters<typeof cluster>[0], hostArgs: HostArgs = {}) => {
    const stack = await mockedStack(cluster({ networkMode: "bridge", ...args }, hostArgs));
    const of = (called: string) => {
      const { networkMode, networksAdvanced, ports, hosts, envs } = inputs(stack, `Container cluster-${called}`);
      const published = ports.map(({ ip, external, internal }: any) => `${ip}:${external}:${internal}`);
      return { networkMode, networksAdvanced, published, hosts, envs: envs.filter((env: string) => /HOSTNAME|_IP|ADDRESS|ZK|ZOO_SERVERS|_MASTER=|^SERVERS/.test(env)) };
    };
    return { stack, of };
  };
  const joined = (address: string) => ({ networkMode: "bridge", networksAdvanced: [{ name: "cluster-network-id", ipv4Address: address }] });

  await t.test("the host's address is loopback: from inside it is the network's gateway", async () => {
    const { stack, of } = await described({ imageSet: imageSets.rehearsal });
    assert.deepEqual(inputs(stack, "Network cluster-network"), {
      name: "mesos-marathon-dev-cluster-network",
      driver: "bridge",
      ipamConfigs: [{ subnet: "172.30.250.0/24", gateway: "172.30.250.1", ipRange: "172.30.250.128/25" }],
      labels: labels("network"),
    });
    assert.deepEqual(of("zookeeper"), {
      ...joined("172.30.250.2"),
      published: ["127.0.0.1:2181:2181"],
      hosts: [],
      envs: ["ZOO_SERVERS=server.1=172.30.250.2:2888:3888;172.30.250.2:2181"],
    });
    assert.deepEqual(of("mesos-master"), {
      ...joined("172.30.250.3"),
      published: ["127.0.0.1:5050:5050"],
      hosts: [],
      envs: ["MESOS_HOSTNAME=127.0.0.1", "MESOS_IP=172.30.250.3", "MESOS_ZK=zk://172.30.250.2:2181/mesos"],
    });
    assert.deepEqual(of("mesos-slave"), {
      ...joined("172.30.250.4"),
      published: ["127.0.0.1:5051:5051", "172.30.250.1:5051:5051"],
      hosts: [],
      envs: [
        'MESOS_EXECUTOR_ENVIRONMENT_VARIABLES={"LIBPROCESS_IP":"172.30.250.1"}',
        "MESOS_HOSTNAME=172.30.250.1",
        "MESOS_IP=172.30.250.4",
        "MESOS_MASTER=zk://172.30.250.2:2181/mesos",
      ],
    });
    assert.deepEqual(of("marathon"), {
      ...joined("172.30.250.5"),
      published: ["127.0.0.1:8080:8080"],
      hosts: [],
      envs: [
        "LIBPROCESS_IP=172.30.250.5",
        "MARATHON_HOSTNAME=127.0.0.1",
        "MARATHON_HTTPS_ADDRESS=172.30.250.5",
        "MARATHON_HTTP_ADDRESS=172.30.250.5",
        "MARATHON_MASTER=zk://172.30.250.2:2181/mesos",
        "MARATHON_ZK=zk://172.30.250.2:2181/marathon",
      ],
    });
    const { MASTER, MARATHON } = inputs(stack, "Command cluster-marathon-ready").environment;
    assert.deepEqual([MASTER, MARATHON], ["http://127.0.0.1:5050", "http://127.0.0.1:8080"]);
    assert.equal((await stack.outputs).cluster.zookeeper.connectionString, "127.0.0.1:2181");
  });

  await t.test("the host's address is one that both sides reach", async () => {
    const { of } = await described({ imageSet: imageSets.rehearsal, bridgeSubnet: "10.1.2.16/28" }, { address: "192.0.2.7" });
    const { published, hosts, envs } = of("mesos-slave");
    assert.deepEqual([published, hosts, envs.slice(0, 3)], [["192.0.2.7:5051:5051"], [], ['MESOS_EXECUTOR_ENVIRONMENT_VARIABLES={"LIBPROCESS_IP":"10.1.2.17"}', "MESOS_HOSTNAME=192.0.2.7", "MESOS_IP=10.1.2.20"]]);
  });

  await t.test("browsers call the host by a name: so do all, and the containers are told where it leads", async () => {
    for (const [address, ip] of [["127.0.0.1", "172.30.250.1"], ["192.0.2.7", "192.0.2.7"]]) {
      const { stack, of } = await described({ imageSet: imageSets.rehearsal }, { address, hostname: "cluster.test" });
      for (const [called, variable] of [["mesos-master", "MESOS_HOSTNAME"], ["mesos-slave", "MESOS_HOSTNAME"], ["marathon", "MARATHON_HOSTNAME"]]) {
        const { hosts, envs } = of(called);
        assert.deepEqual(hosts, [{ host: "cluster.test", ip }]);
        assert.ok(envs.includes(`${variable}=cluster.test`), called);
      }
      assert.equal((await stack.outputs).cluster.masters[0].url, "http://cluster.test:5050");
      // Gates and the teardown ask the address; by its name the master knows Marathon.
      const { MARATHON, MASTER, WEBUI } = inputs(stack, "Command cluster-marathon-teardown").environment;
      assert.deepEqual([MARATHON, MASTER, WEBUI], [`http://${address}:8080`, `http://${address}:5050`, "http://cluster.test:8080"]);
    }
  });

  await t.test("an image that knows one port only is published under another; executors in the slave's container have its address", async () => {
    const { of } = await described({ zookeeper: { port: 2281 } });
    assert.deepEqual([of("zookeeper").published, of("zookeeper").envs], [["127.0.0.1:2281:2181"], ["SERVERS=172.30.250.2"]]);
    assert.ok(of("marathon").envs.includes("MARATHON_ZK=zk://172.30.250.2:2181/marathon"));
    assert.deepEqual(of("mesos-slave").envs, ["MESOS_HOSTNAME=172.30.250.1", "MESOS_IP=172.30.250.4", "MESOS_MASTER=zk://172.30.250.2:2181/mesos"]);
  });
});

test("on the host's network a host name is told, too", async () => {
  const stack = await mockedStack(cluster({}, { hostname: "cluster.test" }));
  assert.ok(inputs(stack, "Container cluster-mesos-slave").envs.includes("MESOS_HOSTNAME=cluster.test"));
  assert.ok(inputs(stack, "Container cluster-mesos-slave").envs.includes("MESOS_IP=127.0.0.1"));
  assert.ok(inputs(stack, "Container cluster-marathon").envs.includes("MARATHON_HOSTNAME=cluster.test"));
  assert.equal(inputs(stack, "Command cluster-mesos-slave-ready").environment.SLAVE, "http://127.0.0.1:5051");
});

test("what only a bridge network makes the stack say may be said by others on the host's", async () => {
  const variable = { MESOS_EXECUTOR_ENVIRONMENT_VARIABLES: '{"A":"1"}' };
  const stack = await mockedStack(cluster({ imageSet: imageSets.rehearsal, mesosSlave: { environment: variable } }));
  assert.deepEqual(inputs(stack, "Container cluster-mesos-slave").envs.filter((env: string) => env.includes("EXECUTOR_ENV")), ['MESOS_EXECUTOR_ENVIRONMENT_VARIABLES={"A":"1"}']);
  await mockedStack(() =>
    assert.throws(
      cluster({ imageSet: imageSets.rehearsal, networkMode: "bridge", mesosSlave: { environment: variable } }),
      /MESOS_EXECUTOR_ENVIRONMENT_VARIABLES cannot be set in the environment of mesos-marathon\/stand-in-mesos-slave/,
    ),
  );
});

test("from a registry: every image, in Docker's own way of reading names, and the executors'", async () => {
  const from = (image: string, registry = "registry.test:5000/mirror") =>
    fromRegistry({ ...imageSets.classic, zookeeper: { ...imageSets.classic.zookeeper, image } }, registry).zookeeper.image;
  assert.equal(from("mesoscloud/zookeeper:3.4.6"), "registry.test:5000/mirror/mesoscloud/zookeeper:3.4.6");
  assert.equal(from("zookeeper:3.6.4"), "registry.test:5000/mirror/library/zookeeper:3.6.4");
  assert.equal(from("docker.io/zookeeper:3.6.4"), "registry.test:5000/mirror/library/zookeeper:3.6.4");
  assert.equal(from("quay.io/some/zookeeper:1"), "registry.test:5000/mirror/some/zookeeper:1");
  assert.equal(from("localhost/some/zookeeper:1"), "registry.test:5000/mirror/some/zookeeper:1");
  assert.equal(from("registry.test:5000/mirror/some/zookeeper:1"), "registry.test:5000/mirror/some/zookeeper:1");
  assert.equal(from("some/zookeeper:1", "localhost:5000"), "localhost:5000/some/zookeeper:1");

  const mirrored = fromRegistry(imageSets.rehearsal, "registry.test");
  assert.deepEqual(pulledImagesOf(mirrored), imagesOf(mirrored));
  assert.equal(fromRegistry(imageSets.tutorial, "registry.test").needs.newestPullingEngine, undefined);
  const stack = await mockedStack(cluster({ imageSet: mirrored }));
  const slave = "registry.test/mesos-marathon/stand-in-mesos-slave:1.11.0";
  assert.equal(inputs(stack, "RemoteImage cluster-mesos-slave-image").name, slave);
  assert.ok(inputs(stack, "Container cluster-mesos-slave").envs.includes(`MESOS_DOCKER_MESOS_IMAGE=${slave}`));
});

test("credentials go to the host's provider, the password as a secret", async () => {
  const registryAuth = { address: "registry.test", username: "me", password: "hidden" };
  const stack = await mockedStack(cluster({}, { registryAuth }));
  const { registryAuth: told } = inputs(stack, "docker host");
  // Pulumi's mark of a secret, around the text that the provider takes.
  assert.deepEqual(told, { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: JSON.stringify([registryAuth]) });
  const elsewhere = [...stack.resources].filter(([called, resource]) => called !== "docker host" && JSON.stringify(resource).includes("hidden"));
  assert.deepEqual(elsewhere, []);
});

/** Frozen: a token, a name or a parent that changes replaces the resource in every stack there is. */
const tree = {
  "docker host": ["pulumi:providers:docker", ""],
  "Cluster cluster": ["mesos:index:Cluster", ""],
  "ZooKeeper cluster-zookeeper": ["mesos:index:ZooKeeper", "Cluster cluster"],
  "RemoteImage cluster-zookeeper-image": ["docker:index/remoteImage:RemoteImage", "ZooKeeper cluster-zookeeper"],
  "Volume cluster-zookeeper-data": ["docker:index/volume:Volume", "ZooKeeper cluster-zookeeper"],
  "Container cluster-zookeeper": ["docker:index/container:Container", "ZooKeeper cluster-zookeeper"],
  "Command cluster-zookeeper-ready": ["command:local:Command", "ZooKeeper cluster-zookeeper"],
  "MesosMaster cluster-mesos-master": ["mesos:index:MesosMaster", "Cluster cluster"],
  "RemoteImage cluster-mesos-master-image": ["docker:index/remoteImage:RemoteImage", "MesosMaster cluster-mesos-master"],
  "Volume cluster-mesos-master-data": ["docker:index/volume:Volume", "MesosMaster cluster-mesos-master"],
  "Container cluster-mesos-master": ["docker:index/container:Container", "MesosMaster cluster-mesos-master"],
  "Command cluster-mesos-master-ready": ["command:local:Command", "MesosMaster cluster-mesos-master"],
  "MesosSlave cluster-mesos-slave": ["mesos:index:MesosSlave", "Cluster cluster"],
  "RemoteImage cluster-mesos-slave-image": ["docker:index/remoteImage:RemoteImage", "MesosSlave cluster-mesos-slave"],
  "Volume cluster-mesos-slave-work": ["docker:index/volume:Volume", "MesosSlave cluster-mesos-slave"],
  "Container cluster-mesos-slave": ["docker:index/container:Container", "MesosSlave cluster-mesos-slave"],
  "Command cluster-mesos-slave-ready": ["command:local:Command", "MesosSlave cluster-mesos-slave"],
  "Command cluster-mesos-slave-teardown": ["command:local:Command", "MesosSlave cluster-mesos-slave"],
  "Volume cluster-mesos-slave-interlock": ["docker:index/volume:Volume", "MesosSlave cluster-mesos-slave"],
  "Marathon cluster-marathon": ["mesos:index:Marathon", "Cluster cluster"],
  "RemoteImage cluster-marathon-image": ["docker:index/remoteImage:RemoteImage", "Marathon cluster-marathon"],
  "Container cluster-marathon": ["docker:index/container:Container", "Marathon cluster-marathon"],
  "Command cluster-marathon-ready": ["command:local:Command", "Marathon cluster-marathon"],
  "Command cluster-marathon-teardown": ["command:local:Command", "Marathon cluster-marathon"],
  "Volume cluster-marathon-interlock": ["docker:index/volume:Volume", "Marathon cluster-marathon"],
};
const rehearsalTree = {
  ...tree,
  "Volume cluster-zookeeper-datalog": ["docker:index/volume:Volume", "ZooKeeper cluster-zookeeper"],
};

const treeOf = (stack: MockedStack) =>
  Object.fromEntries([...stack.resources].map(([called, { token, parent }]) => [called, [token, parent]]));

test("type tokens, logical names and parents are the frozen ones, and there are no other resources", async () => {
  assert.deepEqual(treeOf(await mockedStack(tutorial)), tree);
  assert.deepEqual(treeOf(await mockedStack(rehearsal)), rehearsalTree);
});

test("every logical name in a cluster begins with the cluster's", async () => {
  const renamed = JSON.parse(JSON.stringify(tree).replaceAll(/(\w+) cluster/g, "$1 other"));
  assert.deepEqual(treeOf(await mockedStack(cluster({}, {}, "other"))), renamed);
});

test("what Docker has is made through the host's provider, which is told the Docker Engine; gates use the default one", async () => {
  const stack = await mockedStack(cluster({}, { dockerHost: "tcp://10.0.0.7:2376" }));
  assert.deepEqual(inputs(stack, "docker host"), { host: "tcp://10.0.0.7:2376" });
  const by = (provider: string) => [...stack.resources].filter(([, resource]) => resource.provider === provider).map(([called]) => called);
  assert.deepEqual(
    by("docker host").sort(),
    Object.keys(tree).filter((called) => /^(RemoteImage|Volume|Container) /.test(called)).sort(),
  );
  assert.equal(by("docker host").length, 13);
  assert.equal(by("").length, 12);
});

test("images are kept when the stack is destroyed", async () => {
  for (const [program, images] of [
    [
      tutorial,
      {
        zookeeper: "mesoscloud/zookeeper:3.4.6-ubuntu-14.04",
        "mesos-master": "mesoscloud/mesos-master:0.23.0-ubuntu-14.04",
        "mesos-slave": "mesoscloud/mesos-slave:0.23.0-ubuntu-14.04",
        marathon: "mesoscloud/marathon:0.10.1-ubuntu-14.04",
      },
    ],
    [
      rehearsal,
      {
        zookeeper: "mesos-marathon/rehearsal-zookeeper:3.8.0",
        "mesos-master": "mesos-marathon/stand-in-mesos-master:1.11.0",
        "mesos-slave": "mesos-marathon/stand-in-mesos-slave:1.11.0",
        marathon: "mesos-marathon/stand-in-marathon:1.11.0",
      },
    ],
  ] as const) {
    const stack = await mockedStack(program);
    for (const [component, image] of Object.entries(images)) {
      assert.deepEqual(inputs(stack, `RemoteImage cluster-${component}-image`), { name: image, keepLocally: true });
    }
  }
});

test("volumes are named after project, stack and logical name, labelled, and kept; nothing else is", async () => {
  // Other names for the containers: a volume that followed them would lose its data.
  const stack = await mockedStack(
    cluster({
      imageSet: imageSets.rehearsal,
      zookeeper: { containerName: "zk" },
      mesosMaster: { containerName: "master" },
      mesosSlave: { containerName: "slave" },
    }),
    { stack: "mine" },
  );
  const kept = [...stack.resources].filter(([, { retainOnDelete }]) => retainOnDelete).map(([called]) => called);
  assert.deepEqual(kept.sort(), [
    "Volume cluster-mesos-master-data",
    "Volume cluster-mesos-slave-work",
    "Volume cluster-zookeeper-data",
    "Volume cluster-zookeeper-datalog",
  ]);
  for (const [suffix, component] of [
    ["zookeeper-data", "zookeeper"],
    ["zookeeper-datalog", "zookeeper"],
    ["mesos-master-data", "mesos-master"],
    ["mesos-slave-work", "mesos-slave"],
  ]) {
    assert.deepEqual(inputs(stack, `Volume cluster-${suffix}`), {
      name: `mesos-marathon-mine-cluster-${suffix}`,
      driver: "local",
      labels: labels(component, "mine"),
    });
  }
  assert.deepEqual(inputs(stack, "Container cluster-marathon").labels, labels("marathon", "mine"));
});

test("each gate is told what to ask, of which container, and after whom", async (t) => {
  const common = { DOCKER_HOST: "unix:///var/run/docker.sock", FINAL_EXITS: "{}", READY_TIMEOUT: "300" };
  const zookeeper = { ...common, COMPONENT: "zookeeper", CONTAINER: "zookeeper", CONTAINER_ID: "cluster-zookeeper-id", ADDRESS: "127.0.0.1", PORT: "2181" };
  const master = {
    ...common,
    COMPONENT: "mesos-master",
    CONTAINER: "mesos-master",
    CONTAINER_ID: "cluster-mesos-master-id",
    AFTER: "cluster-zookeeper-ready says so",
    MASTER: "http://127.0.0.1:5050",
  };
  const slave = {
    ...common,
    COMPONENT: "mesos-slave",
    CONTAINER: "mesos-slave",
    CONTAINER_ID: "cluster-mesos-slave-id",
    AFTER: "cluster-mesos-master-ready says so",
    MASTER: "http://127.0.0.1:5050",
    SLAVE: "http://127.0.0.1:5051",
  };
  const marathon = {
    ...common,
    COMPONENT: "marathon",
    CONTAINER: "marathon",
    CONTAINER_ID: "cluster-marathon-id",
    AFTER: "cluster-mesos-master-ready says so",
    MARATHON: "http://127.0.0.1:8080",
    MASTER: "http://127.0.0.1:5050",
    TEARDOWN_PATH: "/master/teardown",
  };
  const told = async (program: () => unknown) => {
    const stack = await mockedStack(program);
    const gates = [...stack.resources].filter(([called]) => called.endsWith("-ready"));
    for (const [called, { inputs }] of gates) {
      assert.deepEqual({ ...inputs, environment: {} }, { create: gate, environment: {} }, called);
    }
    return Object.fromEntries(gates.map(([called, { inputs }]) => [called, inputs.environment]));
  };

  await t.test("in the tutorial's dialect, 0.23", async () =>
    assert.deepEqual(await told(tutorial), {
      "Command cluster-zookeeper-ready": zookeeper,
      "Command cluster-mesos-master-ready": master,
      "Command cluster-mesos-slave-ready": { ...slave, SLAVE_STATE_PATH: "/state.json", SLAVES_PATH: "/master/state.json" },
      "Command cluster-marathon-ready": { ...marathon, FRAMEWORKS_PATH: "/master/state.json" },
    }));

  await t.test("in the rehearsal's dialect, 1.11, where an exit of Marathon is final", async () =>
    assert.deepEqual(await told(rehearsal), {
      "Command cluster-zookeeper-ready": zookeeper,
      "Command cluster-mesos-master-ready": master,
      "Command cluster-mesos-slave-ready": { ...slave, SLAVE_STATE_PATH: "/state", SLAVES_PATH: "/master/slaves" },
      "Command cluster-marathon-ready": {
        ...marathon,
        FRAMEWORKS_PATH: "/master/frameworks",
        FINAL_EXITS: JSON.stringify(imageSets.rehearsal.marathon.finalExits),
      },
    }));

  await t.test("with another time limit", async () => {
    const environments = Object.values(await told(cluster({ readyTimeout: 42 })));
    assert.deepEqual(environments.map(({ READY_TIMEOUT }) => READY_TIMEOUT), ["42", "42", "42", "42"]);
  });
});

const foundContainer = (component: string, more: Partial<FoundContainer> = {}): FoundContainer => ({
  component,
  name: component,
  image: imageSets.tutorial.mesosSlave.image,
  imageId: "sha256:0",
  environment: [],
  imageEnvironment: [],
  labels: labels(component).map(({ label, value }) => `${label}=${value}`),
  imageLabels: [],
  cpus: 0,
  memory: 0,
  logLimits: ["max-file=3", "max-size=10m"],
  binds: [],
  ports: [],
  ...more,
});

test("a container that was found drifted is proved anew, once, and no other is", async (t) => {
  t.mock.method(console, "warn", () => {});
  const found = [foundContainer("mesos-slave", { drift: "stopped at 2026-01-02T03:04:05Z" }), foundContainer("marathon", { name: "renamed", drift: "paused" })];
  const stack = await mockedStack(cluster({ found }));
  const gates = [...stack.resources].filter(([called]) => called.endsWith("-ready")).sort(([a], [b]) => (a < b ? -1 : 1));
  assert.deepEqual(
    gates.map(([called, { inputs, ignoreChanges }]) => [called, inputs.environment.DRIFT, ignoreChanges]),
    [
      ["Command cluster-marathon-ready", undefined, ["environment.DRIFT"]],
      ["Command cluster-mesos-master-ready", undefined, ["environment.DRIFT"]],
      ["Command cluster-mesos-slave-ready", "stopped at 2026-01-02T03:04:05Z", []],
      ["Command cluster-zookeeper-ready", undefined, ["environment.DRIFT"]],
    ],
  );
});

test("what was started by hand is taken over before it is replaced, each when what it stands on is ready, a slave while its master still knows it", async (t) => {
  const said: string[] = [];
  t.mock.method(console, "warn", (text: string) => void said.push(text));
  const components = ["zookeeper", "mesos-master", "mesos-slave", "marathon"];
  const found = components.map((component) => foundContainer(component, { adopted: `${component}-by-hand` }));
  const stack = await mockedStack(cluster({ found }));
  const adoptions = components.map((component) => stack.resources.get(`Command cluster-${component}-adoption`));
  assert.deepEqual(adoptions.map((adoption) => adoption?.inputs.environment), [
    { COMPONENT: "zookeeper", CONTAINER: "zookeeper-by-hand", DOCKER_HOST: "unix:///var/run/docker.sock", CARRY: '[{"path":"/tmp/zookeeper","volume":"mesos-marathon-dev-cluster-zookeeper-data"}]' },
    { COMPONENT: "mesos-master", CONTAINER: "mesos-master-by-hand", DOCKER_HOST: "unix:///var/run/docker.sock", CARRY: '[{"path":"/tmp/mesos","volume":"mesos-marathon-dev-cluster-mesos-master-data"}]' },
    { COMPONENT: "mesos-slave", CONTAINER: "mesos-slave-by-hand", DOCKER_HOST: "unix:///var/run/docker.sock", CARRY: "[]", SLAVE: "http://127.0.0.1:5051", SLAVE_STATE_PATH: "/state.json" },
    { COMPONENT: "marathon", CONTAINER: "marathon-by-hand", DOCKER_HOST: "unix:///var/run/docker.sock", CARRY: "[]" },
  ]);
  assert.deepEqual(adoptions.map((adoption) => adoption?.dependsOn), [
    ["Volume cluster-zookeeper-data"],
    ["Command cluster-zookeeper-ready", "Volume cluster-mesos-master-data"],
    [],
    ["Command cluster-mesos-master-ready"],
  ]);
  assert.ok(stack.resources.get("Container cluster-mesos-slave")?.dependsOn.includes("Command cluster-mesos-master-ready"));
  for (const component of components) {
    assert.ok(stack.resources.get(`Container cluster-${component}`)?.dependsOn.includes(`Command cluster-${component}-adoption`), component);
  }
  assert.equal(said.filter((text) => /the container \S+, which was started by hand, is replaced: /.test(text)).length, 4);

  // Once that is in the state it stays there as it is, and nothing is adopted again.
  const later = await mockedStack(cluster({ adoptions: { zookeeper: { CARRY: "[]", CONTAINER: "gone" } } }));
  const left = [...later.resources].filter(([called]) => called.endsWith("-adoption"));
  assert.deepEqual(left.map(([called, { inputs }]) => [called, inputs.environment]), [["Command cluster-zookeeper-adoption", { CARRY: "[]", CONTAINER: "gone" }]]);
});

test("what a replacement interrupts is said of a container that does its work", async (t) => {
  const slave = foundContainer("mesos-slave", {
    imageEnvironment: ["PATH=/bin"],
    environment: [
      "PATH=/bin",
      "MESOS_HOSTNAME=127.0.0.1",
      "MESOS_IP=127.0.0.1",
      "MESOS_MASTER=zk://127.0.0.1:2181/mesos",
      `MESOS_WORK_DIR=${workDir}`,
      "MESOS_RESOURCES=cpus:2;mem:2048;disk:10240;ports:[31000-32000]",
    ],
    binds: ["/sys/fs/cgroup:/sys/fs/cgroup", "/var/run/docker.sock:/var/run/docker.sock", `mesos-marathon-dev-cluster-mesos-slave-work:${workDir}`],
  });
  const ends = "all of its tasks are lost, and Marathon launches them anew";
  const cases: Record<string, [found: Partial<FoundContainer>, args: Parameters<typeof cluster>[0], said: string[]]> = {
    "nothing where nothing changes": [{}, {}, []],
    "nothing of one that is down already": [{ drift: "stopped at 2026-01-02T03:04:05Z" }, { mesosSlave: { port: 5052 } }, []],
    "a variable that comes": [{}, { mesosSlave: { port: 5052 } }, [`the container mesos-slave is replaced (changed: MESOS_PORT): ${ends}`]],
    "a variable that goes": [
      { environment: [...slave.environment, "MESOS_ATTRIBUTES=rack:1"] },
      {},
      [`the container mesos-slave is replaced (changed: MESOS_ATTRIBUTES): ${ends}`],
    ],
    "a variable of the user's, and a limit": [
      {},
      { mesosSlave: { environment: { MESOS_GC_DELAY: "2days" }, memory: 512 } },
      [`the container mesos-slave is replaced (changed: memory, MESOS_GC_DELAY): ${ends}`],
    ],
    "labels, log limits, processors and mounts of the user's": [
      { labels: [...foundContainer("mesos-slave").labels, "team=b", "given-by=image"], imageLabels: ["given-by=image"], logLimits: ["max-file=3", "max-size=50m"] },
      { labels: { team: "a" }, mesosSlave: { cpus: 0.5, mounts: ["/etc/a:/etc/a:ro"] } },
      [`the container mesos-slave is replaced (changed: cpus, team, max-size, /etc/a): ${ends}`],
    ],
    "nothing where labels, log limits, processors and mounts are as they were": [
      {
        labels: [...foundContainer("mesos-slave").labels, "team=a"],
        imageLabels: ["team=a"],
        logLimits: ["max-file=1", "max-size=50m"],
        cpus: 0.5,
        binds: ["/etc/a:/etc/a:ro", ...slave.binds],
      },
      { labels: { team: "a" }, logMaxSize: "50m", logMaxFiles: 1, restart: "unless-stopped", mesosSlave: { cpus: 0.5, mounts: ["/etc/a:/etc/a:ro"] } },
      [],
    ],
    "the network, and with it the slave's address": [
      { ports: ["127.0.0.1:5051"], environment: slave.environment.map((entry) => entry.replace("MESOS_IP=127.0.0.1", "MESOS_IP=172.30.250.4")) },
      {},
      [`the container mesos-slave is replaced (changed: MESOS_IP, ports): ${ends}`],
    ],
    "a name, an image and a mount": [
      { name: "agent", image: "other:1", binds: slave.binds.slice(1) },
      {},
      [`the container agent is replaced (changed: name, image, /sys/fs/cgroup): ${ends}`],
    ],
  };
  for (const [what, [more, args, said]] of Object.entries(cases)) {
    await t.test(what, async (t) => {
      const warn = t.mock.method(console, "warn", () => {});
      await mockedStack(cluster({ ...args, found: [{ ...slave, ...more }] }), { preview: true });
      assert.deepEqual(warn.mock.calls.map(({ arguments: [text] }) => text), said.map((text) => `warning: [runtime] ${text}`));
    });
  }
});

test("a teardown runs when the stack is destroyed and never else, while its interlock is gone, and keeps", async () => {
  const stack = await mockedStack(tutorial);
  const common = {
    DOCKER_HOST: "unix:///var/run/docker.sock",
    LABELS: '["mesos-marathon.project=mesos-marathon","mesos-marathon.stack=dev"]',
    ON_DESTROY: "keep",
  };
  const environments = {
    "mesos-slave": {
      ...common,
      COMPONENT: "mesos-slave",
      CONTAINER: "mesos-slave",
      INTERLOCK: "mesos-marathon-dev-cluster-mesos-slave-interlock",
      VOLUMES: JSON.stringify(["zookeeper-data", "mesos-master-data", "mesos-slave-work"].map((suffix) => `mesos-marathon-dev-cluster-${suffix}`)),
      WORK_DIR: workDir,
    },
    marathon: {
      ...common,
      COMPONENT: "marathon",
      CONTAINER: "marathon",
      FRAMEWORKS_PATH: "/master/state.json",
      INTERLOCK: "mesos-marathon-dev-cluster-marathon-interlock",
      MARATHON: "http://127.0.0.1:8080",
      MASTER: "http://127.0.0.1:5050",
      MASTER_CONTAINER: "mesos-master",
      TEARDOWN_PATH: "/master/teardown",
      ZK: "zk://127.0.0.1:2181/marathon",
    },
  };
  for (const [component, environment] of Object.entries(environments)) {
    assert.deepEqual(inputs(stack, `Command cluster-${component}-teardown`), {
      delete: `node -e 'import("mesos-marathon/checks/teardown.mjs")'`,
      environment,
      addPreviousOutputInEnv: false,
    });
    assert.deepEqual(inputs(stack, `Volume cluster-${component}-interlock`), {
      name: environment.INTERLOCK,
      driver: "local",
      labels: labels(component),
    });
  }
  // One that is replaced is gone for a moment: were it made anew first, its old self would take the new one with it.
  const deletedFirst = [...stack.resources].filter(([, { deleteBeforeReplace }]) => deleteBeforeReplace).map(([called]) => called);
  assert.deepEqual(deletedFirst.sort(), Object.keys(tree).filter((called) => /^Container |-interlock$/.test(called)).sort());
});

test("to be erased: the teardowns are told, no volume is kept, and nothing else changes", async () => {
  const kept = await mockedStack(rehearsal);
  const erased = await mockedStack(cluster({ imageSet: imageSets.rehearsal, onDestroy: "erase" }));
  assert.deepEqual([...erased.resources].filter(([, { retainOnDelete }]) => retainOnDelete), []);
  const [before, now] = [leaves(kept), leaves(erased)];
  assert.deepEqual([...now].filter(([path, value]) => before.get(path) !== value), [
    ["Command cluster-mesos-slave-teardown.environment.ON_DESTROY", "erase"],
    ["Command cluster-marathon-teardown.environment.ON_DESTROY", "erase"],
  ]);
  assert.equal(now.size, before.size);
});

test("dependencies follow readiness: a dependent names the gate, never the container or the component", async () => {
  const stack = await mockedStack(tutorial);
  const dependencies = Object.fromEntries(
    [...stack.resources].filter(([, { dependsOn }]) => dependsOn.length > 0).map(([called, { dependsOn }]) => [called, dependsOn]),
  );
  assert.deepEqual(dependencies, {
    "Container cluster-zookeeper": ["RemoteImage cluster-zookeeper-image", "Volume cluster-zookeeper-data"],
    "Command cluster-zookeeper-ready": ["Container cluster-zookeeper"],
    "Container cluster-mesos-master": [
      "Command cluster-zookeeper-ready",
      "RemoteImage cluster-mesos-master-image",
      "Volume cluster-mesos-master-data",
    ],
    "Command cluster-mesos-master-ready": ["Command cluster-zookeeper-ready", "Container cluster-mesos-master"],
    "Container cluster-mesos-slave": [
      "Command cluster-mesos-master-ready",
      "RemoteImage cluster-mesos-slave-image",
      "Volume cluster-mesos-slave-work",
    ],
    "Command cluster-mesos-slave-ready": ["Command cluster-mesos-master-ready", "Container cluster-mesos-slave"],
    // What is named here is still there while the teardown runs; the interlock is not.
    "Command cluster-mesos-slave-teardown": [
      "Container cluster-mesos-slave",
      "Volume cluster-mesos-master-data",
      "Volume cluster-mesos-slave-work",
      "Volume cluster-zookeeper-data",
    ],
    "Volume cluster-mesos-slave-interlock": ["Command cluster-mesos-slave-teardown"],
    "Container cluster-marathon": ["Command cluster-mesos-master-ready", "RemoteImage cluster-marathon-image"],
    "Command cluster-marathon-ready": ["Command cluster-mesos-master-ready", "Container cluster-marathon"],
    "Command cluster-marathon-teardown": [
      "Command cluster-mesos-slave-teardown",
      "Container cluster-marathon",
      "Container cluster-mesos-master",
    ],
    "Volume cluster-marathon-interlock": ["Command cluster-marathon-teardown"],
  });
});

test("what waits for a held resource, and nothing else, is not registered until it is released", async (t) => {
  const teardowns = ["marathon", "mesos-slave"].flatMap((name) => [`Command cluster-${name}-teardown`, `Volume cluster-${name}-interlock`]);
  const slave = ["Container cluster-mesos-slave", "Command cluster-mesos-slave-ready", ...teardowns];
  const marathon = ["Container cluster-marathon", "Command cluster-marathon-ready", ...teardowns.slice(0, 2)];
  const master = ["Container cluster-mesos-master", "Command cluster-mesos-master-ready"];
  const waiting: Record<string, string[]> = {
    "Command cluster-zookeeper-ready": [...master, ...slave, ...marathon.slice(0, 2)],
    "Command cluster-mesos-master-ready": [...slave, ...marathon.slice(0, 2)],
    // Slave and Marathon start at the same time: neither waits for the other.
    "Command cluster-mesos-slave-ready": [],
    "Command cluster-marathon-ready": [],
    "Container cluster-mesos-slave": slave.slice(1),
    "Container cluster-marathon": marathon.slice(1),
    "Volume cluster-mesos-slave-work": slave,
    "RemoteImage cluster-marathon-image": marathon,
  };
  for (const [held, expected] of Object.entries(waiting)) {
    await t.test(held, async () => {
      const stack = await mockedStack(tutorial, { hold: [held] });
      const missing = () => Object.keys(tree).filter((called) => !stack.resources.has(called)).sort();
      assert.ok(stack.resources.has(held));
      assert.deepEqual(missing(), [...expected].sort());
      stack.release(held);
      await stack.settled();
      assert.deepEqual(missing(), []);
    });
  }

  await t.test("all images and volumes are under way before anything waits", async () => {
    const isFirst = (called: string) => /^(RemoteImage|Volume) /.test(called) && !called.endsWith("-interlock");
    const first = Object.keys(tree).filter(isFirst);
    const stack = await mockedStack(tutorial, { hold: first });
    assert.deepEqual(
      Object.keys(tree).filter((called) => !stack.resources.has(called)).sort(),
      Object.keys(tree).filter((called) => /^(Container|Command|Volume) /.test(called) && !isFirst(called)).sort(),
    );
    first.forEach(stack.release);
    await stack.settled();
    assert.equal(stack.resources.size, 25);
  });
});

test("each output is known only when the slave is active and Marathon is an active framework", async (t) => {
  for (const held of ["Command cluster-mesos-slave-ready", "Command cluster-marathon-ready"]) {
    await t.test(held, async () => {
      const known: string[] = [];
      const program = async () => {
        const outputs: Record<string, pulumi.Output<unknown>> = await require("../../index")();
        Object.entries(outputs).forEach(([key, output]) => output.apply(() => known.push(key)));
        return outputs;
      };
      const stack = await mockedStack(program, { hold: [held], config: { ...defaults(), preflight: "false" } });
      assert.deepEqual(known, []);
      assert.equal(stack.resources.get("Cluster cluster")?.outputs, undefined);
      stack.release(held);
      await stack.outputs;
      assert.deepEqual(known.sort(), ["cluster", "marathonUrl", "mesosUrl", "zookeeperConnectionString"]);
    });
  }
});

const description = {
  schemaVersion: 1,
  imageSet: { name: "tutorial", standIn: false },
  zookeeper: { connectionString: "127.0.0.1:2181", mesosPath: "/mesos", marathonPath: "/marathon" },
  masters: [{ url: "http://127.0.0.1:5050", container: "mesos-master", version: "0.23.0" }],
  slaves: [{ url: "http://127.0.0.1:5051", container: "mesos-slave", version: "0.23.0" }],
  marathon: { url: "http://127.0.0.1:8080", container: "marathon", version: "0.10.1" },
};

test("the stack's outputs", async (t) => {
  await t.test("with nothing configured: the tutorial's", async () => {
    const stack = await mockedStack(require("../../index"), { config: { ...defaults(), preflight: "false" } });
    assert.deepEqual(await stack.outputs, {
      mesosUrl: "http://127.0.0.1:5050",
      marathonUrl: "http://127.0.0.1:8080",
      zookeeperConnectionString: "127.0.0.1:2181",
      cluster: description,
    });
  });

  await t.test("with the rehearsal's images: the description says that they are stand-ins", async () => {
    const stack = await mockedStack(require("../../index"), { config: { ...defaults(), preflight: "false", imageSet: "rehearsal" } });
    assert.deepEqual((await stack.outputs).cluster, {
      ...description,
      imageSet: { name: "rehearsal", standIn: true },
      masters: [{ ...description.masters[0], version: "1.11.0" }],
      slaves: [{ ...description.slaves[0], version: "1.11.0" }],
      marathon: { ...description.marathon, version: "1.11.0" },
    });
  });
});

test("each component registers what a consumer needs of it", async () => {
  const stack = await mockedStack(tutorial);
  const outputs = Object.fromEntries([...stack.resources].flatMap(([called, { outputs }]) => (outputs ? [[called, outputs]] : [])));
  assert.deepEqual(outputs, {
    "Cluster cluster": { description },
    "ZooKeeper cluster-zookeeper": { connectionString: "127.0.0.1:2181" },
    "MesosMaster cluster-mesos-master": { url: "http://127.0.0.1:5050", zk: "zk://127.0.0.1:2181/mesos" },
    "MesosSlave cluster-mesos-slave": { url: "http://127.0.0.1:5051" },
    "Marathon cluster-marathon": { url: "http://127.0.0.1:8080" },
  });
});

/** Every leaf of every input and output, by path. An environment entry is named by its variable, a mount by its place. */
function leaves(stack: MockedStack): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (path: string, value: any): void => {
    if (value !== null && typeof value === "object") {
      Object.entries(value).forEach(([key, child]) => walk(`${path}.${key}`, child));
    } else {
      found.set(path, String(value));
    }
  };
  for (const [called, { inputs: { envs = [], ...inputs }, outputs }] of stack.resources) {
    walk(called, inputs);
    envs.forEach((entry: string) => found.set(`${called}: ${entry.slice(0, entry.indexOf("="))}`, entry.slice(entry.indexOf("=") + 1)));
    walk(`${called} →`, outputs ?? {});
  }
  return found;
}

const unchanged: Record<string, Map<string, string>> = {};

/** What differs between the stack with nothing configured and with one change: path → new value, "absent" if gone. */
async function changes(set: Record<string, string>, imageSet = "tutorial"): Promise<Record<string, string>> {
  const config = { ...defaults(), preflight: "false", imageSet };
  const before = (unchanged[imageSet] ??= leaves(await mockedStack(require("../../index"), { config })));
  const after = leaves(await mockedStack(require("../../index"), { config: { ...config, ...set } }));
  const paths = [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path));
  return Object.fromEntries(paths.map((path) => [path, after.get(path) ?? "absent"]));
}

test("a new slave has a work directory of its own, and the one before leaves first", async (t) => {
  const args = { imageSet: imageSets.rehearsal, mesosSlave: { generation: 3 } };
  const stack = await mockedStack(cluster(args));
  const container = stack.resources.get("Container cluster-mesos-slave");
  assert.deepEqual(inputs(stack, "Container cluster-mesos-slave").labels, [...labels("mesos-slave"), { label: "mesos-marathon.generation", value: "3" }]);
  assert.ok(container?.dependsOn.includes("Command cluster-mesos-slave-renewal"));
  assert.deepEqual(stack.resources.get("Command cluster-mesos-slave-renewal")?.dependsOn, []);
  assert.deepEqual(inputs(stack, "Command cluster-mesos-slave-renewal").environment, {
    DOCKER_HOST: "unix:///var/run/docker.sock",
    LABELS: '["mesos-marathon.project=mesos-marathon","mesos-marathon.stack=dev","mesos-marathon.component=mesos-slave"]',
    NEW: "mesos-marathon.generation=3",
  });
  const { name, labels: marks } = inputs(stack, "Volume cluster-mesos-slave-work-3");
  assert.deepEqual([name, marks], ["mesos-marathon-dev-cluster-mesos-slave-work-3", labels("mesos-slave")]);
  const { FORMER_VOLUMES } = inputs(stack, "Command cluster-mesos-slave-teardown").environment;
  assert.deepEqual(JSON.parse(FORMER_VOLUMES), ["mesos-marathon-dev-cluster-mesos-slave-work", "mesos-marathon-dev-cluster-mesos-slave-work-2"]);

  const before = foundContainer("mesos-slave", { labels: ["mesos-marathon.generation=2"] });
  const loses = (rest: string) =>
    "warning: [runtime] the container mesos-slave is replaced, by another Mesos slave (generation 3): it leaves its master, all of its tasks are lost, " +
    `and Marathon launches them anew. Its work directory, with what tasks wrote, ${rest}`;
  for (const [rest, more, found] of [
    ["stays, as the volume mesos-marathon-dev-cluster-mesos-slave-work-2", {}, before],
    ["stays, as the folder /srv/mesos/mesos-marathon-dev-cluster-mesos-slave-work-2", { dataFolder: "/srv/mesos" }, before],
    ["is removed, as onDestroy is erase", { onDestroy: "erase" }, { ...before, drift: "stopped at 2026-01-02T03:04:05Z" }],
  ] as [string, Partial<ClusterArgs>, FoundContainer][]) {
    await t.test(rest, async (t) => {
      const warn = t.mock.method(console, "warn", () => {});
      await mockedStack(cluster({ ...args, ...more, found: [found] }), { preview: true });
      assert.deepEqual(warn.mock.calls.map(({ arguments: [text] }) => text), [loses(rest)]);
    });
  }
});

test("a configured value reaches every place that it must, and no other", async (t) => {
  await t.test("address", async () =>
    assert.deepEqual(await changes({ address: "192.0.2.7" }), {
      "Container cluster-zookeeper: SERVERS": "192.0.2.7",
      "Container cluster-mesos-master: MESOS_HOSTNAME": "192.0.2.7",
      "Container cluster-mesos-master: MESOS_IP": "192.0.2.7",
      "Container cluster-mesos-master: MESOS_ZK": "zk://192.0.2.7:2181/mesos",
      "Container cluster-mesos-slave: MESOS_HOSTNAME": "192.0.2.7",
      "Container cluster-mesos-slave: MESOS_IP": "192.0.2.7",
      "Container cluster-mesos-slave: MESOS_MASTER": "zk://192.0.2.7:2181/mesos",
      "Container cluster-marathon: LIBPROCESS_IP": "192.0.2.7",
      "Container cluster-marathon: MARATHON_HOSTNAME": "192.0.2.7",
      "Container cluster-marathon: MARATHON_HTTPS_ADDRESS": "192.0.2.7",
      "Container cluster-marathon: MARATHON_HTTP_ADDRESS": "192.0.2.7",
      "Container cluster-marathon: MARATHON_MASTER": "zk://192.0.2.7:2181/mesos",
      "Container cluster-marathon: MARATHON_ZK": "zk://192.0.2.7:2181/marathon",
      "Command cluster-zookeeper-ready.environment.ADDRESS": "192.0.2.7",
      "Command cluster-mesos-master-ready.environment.MASTER": "http://192.0.2.7:5050",
      "Command cluster-mesos-slave-ready.environment.MASTER": "http://192.0.2.7:5050",
      "Command cluster-mesos-slave-ready.environment.SLAVE": "http://192.0.2.7:5051",
      "Command cluster-marathon-ready.environment.MARATHON": "http://192.0.2.7:8080",
      "Command cluster-marathon-ready.environment.MASTER": "http://192.0.2.7:5050",
      "Command cluster-marathon-teardown.environment.MARATHON": "http://192.0.2.7:8080",
      "Command cluster-marathon-teardown.environment.MASTER": "http://192.0.2.7:5050",
      "Command cluster-marathon-teardown.environment.ZK": "zk://192.0.2.7:2181/marathon",
      "ZooKeeper cluster-zookeeper →.connectionString": "192.0.2.7:2181",
      "MesosMaster cluster-mesos-master →.url": "http://192.0.2.7:5050",
      "MesosMaster cluster-mesos-master →.zk": "zk://192.0.2.7:2181/mesos",
      "MesosSlave cluster-mesos-slave →.url": "http://192.0.2.7:5051",
      "Marathon cluster-marathon →.url": "http://192.0.2.7:8080",
      "Cluster cluster →.description.zookeeper.connectionString": "192.0.2.7:2181",
      "Cluster cluster →.description.masters.0.url": "http://192.0.2.7:5050",
      "Cluster cluster →.description.slaves.0.url": "http://192.0.2.7:5051",
      "Cluster cluster →.description.marathon.url": "http://192.0.2.7:8080",
    }));

  await t.test("zookeeperPort, where the image can be told", async () =>
    assert.deepEqual(await changes({ zookeeperPort: "22181" }, "rehearsal"), {
      "Container cluster-zookeeper: ZOO_SERVERS": "server.1=127.0.0.1:2888:3888;127.0.0.1:22181",
      "Container cluster-mesos-master: MESOS_ZK": "zk://127.0.0.1:22181/mesos",
      "Container cluster-mesos-slave: MESOS_MASTER": "zk://127.0.0.1:22181/mesos",
      "Container cluster-marathon: MARATHON_MASTER": "zk://127.0.0.1:22181/mesos",
      "Container cluster-marathon: MARATHON_ZK": "zk://127.0.0.1:22181/marathon",
      "Command cluster-zookeeper-ready.environment.PORT": "22181",
      "Command cluster-marathon-teardown.environment.ZK": "zk://127.0.0.1:22181/marathon",
      "ZooKeeper cluster-zookeeper →.connectionString": "127.0.0.1:22181",
      "MesosMaster cluster-mesos-master →.zk": "zk://127.0.0.1:22181/mesos",
      "Cluster cluster →.description.zookeeper.connectionString": "127.0.0.1:22181",
    }));

  await t.test("mesosMasterPort", async () =>
    assert.deepEqual(await changes({ mesosMasterPort: "15050" }), {
      "Container cluster-mesos-master: MESOS_PORT": "15050",
      "Command cluster-mesos-master-ready.environment.MASTER": "http://127.0.0.1:15050",
      "Command cluster-mesos-slave-ready.environment.MASTER": "http://127.0.0.1:15050",
      "Command cluster-marathon-ready.environment.MASTER": "http://127.0.0.1:15050",
      "Command cluster-marathon-teardown.environment.MASTER": "http://127.0.0.1:15050",
      "MesosMaster cluster-mesos-master →.url": "http://127.0.0.1:15050",
      "Cluster cluster →.description.masters.0.url": "http://127.0.0.1:15050",
    }));

  await t.test("mesosSlavePort", async () =>
    assert.deepEqual(await changes({ mesosSlavePort: "15051" }), {
      "Container cluster-mesos-slave: MESOS_PORT": "15051",
      "Command cluster-mesos-slave-ready.environment.SLAVE": "http://127.0.0.1:15051",
      "MesosSlave cluster-mesos-slave →.url": "http://127.0.0.1:15051",
      "Cluster cluster →.description.slaves.0.url": "http://127.0.0.1:15051",
    }));

  await t.test("marathonPort", async () =>
    assert.deepEqual(await changes({ marathonPort: "18080" }), {
      "Container cluster-marathon: MARATHON_HTTP_PORT": "18080",
      "Command cluster-marathon-ready.environment.MARATHON": "http://127.0.0.1:18080",
      "Command cluster-marathon-teardown.environment.MARATHON": "http://127.0.0.1:18080",
      "Marathon cluster-marathon →.url": "http://127.0.0.1:18080",
      "Cluster cluster →.description.marathon.url": "http://127.0.0.1:18080",
    }));

  await t.test("the containers' names", async () =>
    assert.deepEqual(
      await changes({ zookeeperName: "zk", mesosMasterName: "master", mesosSlaveName: "slave", marathonName: "scheduler" }),
      {
        "Container cluster-zookeeper.name": "zk",
        "Container cluster-mesos-master.name": "master",
        "Container cluster-mesos-slave.name": "slave",
        "Container cluster-marathon.name": "scheduler",
        "Command cluster-zookeeper-ready.environment.CONTAINER": "zk",
        "Command cluster-mesos-master-ready.environment.CONTAINER": "master",
        "Command cluster-mesos-slave-ready.environment.CONTAINER": "slave",
        "Command cluster-mesos-slave-teardown.environment.CONTAINER": "slave",
        "Command cluster-marathon-ready.environment.CONTAINER": "scheduler",
        "Command cluster-marathon-teardown.environment.CONTAINER": "scheduler",
        "Command cluster-marathon-teardown.environment.MASTER_CONTAINER": "master",
        "Cluster cluster →.description.masters.0.container": "master",
        "Cluster cluster →.description.slaves.0.container": "slave",
        "Cluster cluster →.description.marathon.container": "scheduler",
      },
    ));

  await t.test("mesosSlaveResources and mesosSlaveAttributes", async () =>
    assert.deepEqual(await changes({ mesosSlaveResources: "cpus:8;mem:16384;disk:1", mesosSlaveAttributes: "rack:1;zone:a" }), {
      "Container cluster-mesos-slave: MESOS_RESOURCES": "cpus:8;mem:16384;disk:1",
      "Container cluster-mesos-slave: MESOS_ATTRIBUTES": "rack:1;zone:a",
    }));

  await t.test("further variables, each in its own container", async () =>
    assert.deepEqual(
      await changes({
        zookeeperEnvironment: '{"JVMFLAGS":"-Xmx256m"}',
        mesosMasterEnvironment: '{"MESOS_CLUSTER":"my \\"own\\" $(cluster)"}',
        mesosSlaveEnvironment: '{"MESOS_GC_DELAY":"2days","MESOS_STRICT":false}',
        marathonEnvironment: '{"MARATHON_FRAMEWORK_NAME":"{port}=x","MARATHON_TASK_LAUNCH_TIMEOUT":1000}',
      }),
      {
        "Container cluster-zookeeper: JVMFLAGS": "-Xmx256m",
        "Container cluster-mesos-master: MESOS_CLUSTER": 'my "own" $(cluster)',
        "Container cluster-mesos-slave: MESOS_GC_DELAY": "2days",
        "Container cluster-mesos-slave: MESOS_STRICT": "false",
        "Container cluster-marathon: MARATHON_FRAMEWORK_NAME": "{port}=x",
        "Container cluster-marathon: MARATHON_TASK_LAUNCH_TIMEOUT": "1000",
      },
    ));

  await t.test("mesosZookeeperPath: where the masters are found", async () =>
    assert.deepEqual(await changes({ mesosZookeeperPath: "/m" }), {
      "Container cluster-mesos-master: MESOS_ZK": "zk://127.0.0.1:2181/m",
      "Container cluster-mesos-slave: MESOS_MASTER": "zk://127.0.0.1:2181/m",
      "Container cluster-marathon: MARATHON_MASTER": "zk://127.0.0.1:2181/m",
      "MesosMaster cluster-mesos-master →.zk": "zk://127.0.0.1:2181/m",
      "Cluster cluster →.description.zookeeper.mesosPath": "/m",
    }));

  await t.test("marathonZookeeperPath: where Marathon keeps its apps", async () =>
    assert.deepEqual(await changes({ marathonZookeeperPath: "/m" }), {
      "Container cluster-marathon: MARATHON_ZK": "zk://127.0.0.1:2181/m",
      "Command cluster-marathon-teardown.environment.ZK": "zk://127.0.0.1:2181/m",
      "Cluster cluster →.description.zookeeper.marathonPath": "/m",
    }));

  await t.test("mesosRole: the slave's and Marathon's, and what a master of 0.23 has to know", async () =>
    assert.deepEqual(await changes({ mesosRole: "batch" }), {
      "Container cluster-mesos-master: MESOS_ROLES": "batch",
      "Container cluster-mesos-slave: MESOS_DEFAULT_ROLE": "batch",
      "Container cluster-marathon: MARATHON_MESOS_ROLE": "batch",
    }));

  await t.test("mesosRole: later masters need not know it", async () =>
    assert.deepEqual(await changes({ mesosRole: "batch" }, "rehearsal"), {
      "Container cluster-mesos-slave: MESOS_DEFAULT_ROLE": "batch",
      "Container cluster-marathon: MARATHON_MESOS_ROLE": "batch",
    }));

  await t.test("dataFolder: folders named as the volumes, the slave's at the same path inside and out", async () => {
    const folder = (name: string) => `/srv/mesos-marathon-dev-cluster-${name}`;
    const changed = Object.entries(await changes({ dataFolder: "/srv" }));
    const gone = changed.filter(([, value]) => value === "absent").map(([path]) => path.split(".")[0]);
    assert.deepEqual([...new Set(gone)].filter((called) => called.startsWith("Volume")).sort(), ["mesos-master-data", "mesos-slave-work", "zookeeper-data"].map((name) => `Volume cluster-${name}`));
    assert.deepEqual(Object.fromEntries(changed.filter(([, value]) => value !== "absent")), {
      "Container cluster-zookeeper.volumes.0.hostPath": folder("zookeeper-data"),
      "Container cluster-mesos-master.volumes.0.hostPath": folder("mesos-master-data"),
      "Container cluster-mesos-slave.volumes.2.hostPath": folder("mesos-slave-work"),
      "Container cluster-mesos-slave.volumes.2.containerPath": folder("mesos-slave-work"),
      "Container cluster-mesos-slave: MESOS_WORK_DIR": folder("mesos-slave-work"),
      "Command cluster-mesos-slave-teardown.environment.FOLDERS": JSON.stringify(["zookeeper-data", "mesos-master-data", "mesos-slave-work"].map(folder)),
      "Command cluster-mesos-slave-teardown.environment.VOLUMES": "[]",
      "Command cluster-mesos-slave-teardown.environment.WORK_DIR": folder("mesos-slave-work"),
    });
  });

  const ofAll = (field: string, value: string) => Object.fromEntries(["zookeeper", "mesos-master", "mesos-slave", "marathon"].map((container) => [`Container cluster-${container}.${field}`, value]));
  await t.test("restart, log limits and labels of all four", async () =>
    assert.deepEqual(await changes({ restart: "unless-stopped", logMaxSize: "1g", logMaxFiles: "9", labels: '{"a/b.c":1,"d":""}' }), {
      ...ofAll("restart", "unless-stopped"),
      ...ofAll("logOpts.max-size", "1g"),
      ...ofAll("logOpts.max-file", "9"),
      ...ofAll("labels.3.label", "a/b.c"),
      ...ofAll("labels.3.value", "1"),
      ...ofAll("labels.4.label", "d"),
      ...ofAll("labels.4.value", ""),
    }));

  for (const [program, container] of [["zookeeper", "zookeeper"], ["mesosMaster", "mesos-master"], ["mesosSlave", "mesos-slave"], ["marathon", "marathon"]]) {
    await t.test(`${program}Memory, with swap that has no limit`, async () =>
      assert.deepEqual(await changes({ [`${program}Memory`]: "512" }), {
        [`Container cluster-${container}.memory`]: "512",
        [`Container cluster-${container}.memorySwap`]: "-1",
      }));
    await t.test(`${program}Cpus`, async () => assert.deepEqual(await changes({ [`${program}Cpus`]: "1.50" }), { [`Container cluster-${container}.cpus`]: "1.5" }));
  }

  await t.test("mounts, each in its own container, and no template in them", async () =>
    assert.deepEqual(await changes({ marathonMounts: '["/srv/{port}:/a b","/c:/d:ro"]' }), {
      "Container cluster-marathon.volumes.0.containerPath": "/a b",
      "Container cluster-marathon.volumes.0.hostPath": "/srv/{port}",
      "Container cluster-marathon.volumes.1.containerPath": "/d",
      "Container cluster-marathon.volumes.1.hostPath": "/c",
      "Container cluster-marathon.volumes.1.readOnly": "true",
    }));

  const everyGate = (variable: string, value: string) =>
    Object.fromEntries(
      ["zookeeper", "mesos-master", "mesos-slave", "marathon"].map((component) => [`Command cluster-${component}-ready.environment.${variable}`, value]),
    );

  await t.test("dockerHost: the provider, the gates, the teardowns, and the socket that the slave gets", async () =>
    assert.deepEqual(await changes({ dockerHost: "unix:///run/other/docker.sock" }), {
      "docker host.host": "unix:///run/other/docker.sock",
      ...everyGate("DOCKER_HOST", "unix:///run/other/docker.sock"),
      "Command cluster-mesos-slave-teardown.environment.DOCKER_HOST": "unix:///run/other/docker.sock",
      "Command cluster-marathon-teardown.environment.DOCKER_HOST": "unix:///run/other/docker.sock",
      "Container cluster-mesos-slave.volumes.1.hostPath": "/run/other/docker.sock",
    }));

  await t.test("dockerSocket: under its usual path in the tutorial's slave, which looks nowhere else", async () =>
    assert.deepEqual(await changes({ dockerSocket: "/run/other/docker.sock" }), {
      "Container cluster-mesos-slave.volumes.1.hostPath": "/run/other/docker.sock",
    }));

  await t.test("dockerSocket: under its own path in the rehearsal's slave, whose executors get it from there", async () =>
    assert.deepEqual(await changes({ dockerSocket: "/run/other/docker.sock" }, "rehearsal"), {
      "Container cluster-mesos-slave.volumes.1.hostPath": "/run/other/docker.sock",
      "Container cluster-mesos-slave.volumes.1.containerPath": "/run/other/docker.sock",
      "Container cluster-mesos-slave: MESOS_DOCKER_SOCKET": "/run/other/docker.sock",
    }));

  await t.test("readyTimeout", async () => assert.deepEqual(await changes({ readyTimeout: "7" }), everyGate("READY_TIMEOUT", "7")));

  await t.test("onDestroy", async () =>
    assert.deepEqual(await changes({ onDestroy: "erase" }), {
      "Command cluster-mesos-slave-teardown.environment.ON_DESTROY": "erase",
      "Command cluster-marathon-teardown.environment.ON_DESTROY": "erase",
    }));
});

test("a container whose limit of memory changes is replaced: the provider cannot take a limit away", async () => {
  const { resources } = await mockedStack(tutorial);
  const replaced = [...resources].filter(([called]) => called.startsWith("Container "));
  assert.deepEqual(
    replaced.map(([called, { replaceOnChanges }]) => [called, replaceOnChanges]).sort(),
    ["marathon", "mesos-master", "mesos-slave", "zookeeper"].map((component) => [`Container cluster-${component}`, ["memory"]]),
  );
});

for (const variable of ["MARATHON_HTTP_CREDENTIALS", "MESOSPHERE_HTTP_CREDENTIALS"]) {
  test(`${variable} is a secret in the container, in the gate and in the teardown, and is nowhere else`, async () => {
    const config = { ...defaults(), preflight: "false", imageSet: "rehearsal", marathonEnvironment: `{"${variable}":"me:p4ss"}` };
    const stack = await mockedStack(require("../../index"), { config, secrets: ["marathonEnvironment"] });
    // How a secret looks on its way to the engine (Pulumi SDK, runtime/rpc).
    const secret = (value: string) => ({ "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value });
    const { envs } = inputs(stack, "Container cluster-marathon");
    assert.deepEqual(envs.filter((entry: unknown) => typeof entry !== "string"), [secret(`${variable}=me:p4ss`)]);
    for (const command of ["ready", "teardown"]) {
      assert.deepEqual(inputs(stack, `Command cluster-marathon-${command}`).environment.CREDENTIALS, secret("me:p4ss"));
    }
    const all = JSON.stringify([...stack.resources]);
    assert.equal(all.split("p4ss").length - 1, 3);
  });
}

test("a component refuses a further variable that it sets itself", async () => {
  let error: any;
  await mockedStack(() => {
    try {
      cluster({ marathon: { environment: { MARATHON_ZK: "zk://192.0.2.7:2181/m" } } })();
    } catch (thrown) {
      error = thrown;
    }
  });
  assert.ok(pulumi.RunError.isInstance(error));
  assert.equal(error.message, "MARATHON_ZK cannot be set in the environment of mesoscloud/marathon:0.10.1-ubuntu-14.04: the component does");
});

test("Pulumi.yaml's defaults make what the components make by themselves", async () => {
  const configured = await mockedStack(require("../../index"), { config: { ...defaults(), preflight: "false" } });
  assert.equal(configured.resources.size, 25);
  assert.deepEqual(leaves(configured), leaves(await mockedStack(tutorial)));
});

test("the stack's name reaches labels and volumes only", async () => {
  const dev = leaves(await mockedStack(tutorial));
  const other = leaves(await mockedStack(tutorial, { stack: "other" }));
  const changed = [...dev.keys()].filter((path) => dev.get(path) !== other.get(path)).sort();
  const label = (called: string) => `${called}.labels.1.value`;
  assert.deepEqual(
    changed,
    [
      ...["zookeeper", "mesos-master", "mesos-slave", "marathon"].map((component) => label(`Container cluster-${component}`)),
      ...["zookeeper-data", "mesos-master-data", "mesos-slave-work", "mesos-slave-interlock", "marathon-interlock"].flatMap((suffix) => [label(`Volume cluster-${suffix}`), `Volume cluster-${suffix}.name`]),
      "Container cluster-zookeeper.volumes.0.volumeName",
      "Container cluster-mesos-master.volumes.0.volumeName",
      "Container cluster-mesos-slave.volumes.2.volumeName",
      "Container cluster-mesos-slave.volumes.2.containerPath",
      "Container cluster-mesos-slave: MESOS_WORK_DIR",
      ...["mesos-slave", "marathon"].flatMap((component) => ["LABELS", "INTERLOCK"].map((variable) => `Command cluster-${component}-teardown.environment.${variable}`)),
      "Command cluster-mesos-slave-teardown.environment.VOLUMES",
      "Command cluster-mesos-slave-teardown.environment.WORK_DIR",
    ].sort(),
  );
});

test("a cluster whose data is in folders is not one that can be erased", async () => {
  let error: any;
  await mockedStack(() => {
    try {
      cluster({ dataFolder: "/srv", onDestroy: "erase" })();
    } catch (thrown) {
      error = thrown;
    }
  });
  assert.ok(pulumi.RunError.isInstance(error));
  assert.equal(error.message, "Nothing removes the folders in /srv (dataFolder), so onDestroy cannot be erase");
});

test("a slave of a Mesos that stops whatever is called mesos-… gets no cluster with such names", async (t) => {
  const slaveOf = (version: string, environment: Record<string, string> = {}) => ({
    ...imageSets.rehearsal,
    mesosSlave: { ...imageSets.rehearsal.mesosSlave, version, environment },
  });
  const sentence = (version: string, ...names: (readonly [program: string, name: string])[]) =>
    [
      "Containers of the cluster would be stopped by its own slave:",
      ...names.map(
        ([program, name]) =>
          `  - ${program}.containerName: a Mesos slave ${version} that starts on kept state stops every container whose name begins with mesos-; write another name, such as ${name}`,
      ),
    ].join("\n");
  const refused = async (args: Omit<ClusterArgs, "host">) => {
    let error: any;
    const stack = await mockedStack(() => {
      try {
        cluster(args)();
      } catch (thrown) {
        error = thrown;
      }
    });
    assert.equal(error === undefined, stack.resources.has("Container cluster-zookeeper"));
    return error && { message: error.message, stack: error.stack };
  };
  const defaults = [["mesosMaster", "master"], ["mesosSlave", "slave"]] as const;
  // As Mesos's source has it at each of these tags.
  for (const version of ["0.22.0", "0.22.1", "1.0.0", "1.0.1", "1.1.0", "1.1.3"]) {
    await t.test(version, async () => assert.deepEqual(await refused({ imageSet: slaveOf(version) }), { message: sentence(version, ...defaults), stack: undefined }));
  }
  for (const version of ["0.23.0", "0.28.1", "1.0.2", "1.2.0", "1.11.0"]) {
    await t.test(version, async () => assert.equal(await refused({ imageSet: slaveOf(version) }), undefined));
  }
  await t.test("1.1.0 that kills no orphans", async () =>
    assert.equal(await refused({ imageSet: slaveOf("1.1.0", { MESOS_DOCKER_KILL_ORPHANS: "false" }) }), undefined));
  await t.test("0.22 knows no such switch", async () =>
    assert.notEqual(await refused({ imageSet: slaveOf("0.22.1", { MESOS_DOCKER_KILL_ORPHANS: "false" }) }), undefined));
  const others = { mesosMaster: { containerName: "master" }, mesosSlave: { containerName: "slave" } };
  await t.test("with other names", async () => assert.equal(await refused({ imageSet: slaveOf("1.1.0"), ...others }), undefined));
  await t.test("with a name of somebody's own", async () =>
    assert.equal(
      (await refused({ imageSet: slaveOf("1.1.0"), ...others, marathon: { containerName: "mesos-marathon" } }))?.message,
      sentence("1.1.0", ["marathon", "marathon"]),
    ));
});

test("an address that is an output of another resource works like a text", async () => {
  const asOutput = await mockedStack(cluster({}, { address: pulumi.output("192.0.2.7") }));
  const asText = await mockedStack(cluster({}, { address: "192.0.2.7" }));
  assert.deepEqual(leaves(asOutput), leaves(asText));
  assert.deepEqual(inputs(asOutput, "Container cluster-zookeeper").envs, ["MYID=1", "SERVERS=192.0.2.7"]);
});

test("no input knows where the clone is", async () => {
  for (const program of [tutorial, rehearsal]) {
    const stack = await mockedStack(program);
    const values = [...leaves(stack).values()];
    assert.ok(values.length > 150, `${values.length} values`);
    for (const folder of [project, realpathSync(project), process.cwd()]) {
      assert.deepEqual(values.filter((value) => value.includes(folder)), []);
    }
    // And by name, so that a path made in another way is seen too.
    const absolute = new Set(values.flatMap((value) => value.match(/(?<![\w/.:])\/[\w/.-]+/g) ?? []));
    absolute.delete(workDir);
    const expected = ["/sys/fs/cgroup", "/var/run/docker.sock", "/mesos", "/marathon", "/master/teardown"];
    const ofImages = program === tutorial ? ["/tmp/zookeeper", "/tmp/mesos", "/master/state.json", "/state.json"] : ["/data", "/datalog", "/var/lib/mesos", "/master/slaves", "/master/frameworks", "/state"];
    assert.deepEqual([...absolute].sort(), [...expected, ...ofImages].sort());
  }
});

test("a preview of nothing yet shows every resource", async () => {
  const stack = await mockedStack(require("../../index"), { config: { ...defaults(), preflight: "false" }, preview: true });
  assert.deepEqual(treeOf(stack), tree);
});
