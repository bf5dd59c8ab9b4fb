/** Mesos on a network of its own, its executors on the host's: what they must be told, and where the slave must come back. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import type { Container, Network } from "dockerode";
import { Cluster, docker, dockerTask, get, image, logs, socket, until, zookeeperImage } from "./mesos-cluster";
import { Scheduler } from "./mesos-scheduler";

const gateway = "172.30.240.1";
const executors = { MESOS_EXECUTOR_ENVIRONMENT_VARIABLES: JSON.stringify({ LIBPROCESS_IP: gateway }) };

let network: Network;
let cluster: Cluster;
let scheduler: Scheduler;

before(async () => {
  network = await docker.createNetwork({ Name: "stand-ins-bridge", Driver: "bridge", IPAM: { Config: [{ Subnet: "172.30.240.0/24", Gateway: gateway }] } });
});
after(() => network.remove());
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(async () => {
  await scheduler?.unregister();
  scheduler?.close();
  await cluster.down();
});

const at = (last: number) => `172.30.240.${last}`;

function inside(last: number, spec: Parameters<Cluster["start"]>[1], name: string): Promise<Container> {
  const NetworkingConfig = { EndpointsConfig: { "stand-ins-bridge": { IPAMConfig: { IPv4Address: at(last) } } } };
  return cluster.start(name, { ...spec, NetworkingConfig, HostConfig: { ...spec.HostConfig, NetworkMode: "stand-ins-bridge" } } as typeof spec);
}

/** The scheduler listens on the host, where containers find it at the gateway; the master is asked at its own address. */
async function up(slaveEnvironment: Record<string, string> = executors) {
  const zk = `zk://${at(2)}:2181/mesos`;
  await inside(2, { Image: zookeeperImage, Env: ["ZOO_ADMINSERVER_ENABLED=false", `ZOO_SERVERS=server.1=${at(2)}:2888:3888;${at(2)}:2181`] }, "zookeeper");
  await inside(3, { Image: image("mesos-master"), Env: ["MESOS_HOSTNAME=127.0.0.1", "MESOS_QUORUM=1", `MESOS_ZK=${zk}`, "MESOS_WORK_DIR=/var/lib/mesos"] }, "master");
  const slave = (last = 4) =>
    inside(
      last,
      {
        Image: image("mesos-slave"),
        Env: Object.entries({
          MESOS_HOSTNAME: gateway, MESOS_MASTER: zk, MESOS_WORK_DIR: cluster.workDir, MESOS_CONTAINERIZERS: "docker,mesos", MESOS_DOCKER_MESOS_IMAGE: image("mesos-slave"),
          MESOS_DOCKER_SOCKET: socket, MESOS_RESOURCES: "cpus:2;mem:2048;disk:4096;ports:[31000-32000]", ...slaveEnvironment,
        }).map(([name, value]) => `${name}=${value}`),
        HostConfig: { Privileged: true, PidMode: "host", Binds: [`${socket}:${socket}`, `${cluster.workDir}:${cluster.workDir}`] },
      },
      "slave",
    );
  const made = await slave();
  await active(4);
  scheduler = new Scheduler(5050, at(3), gateway);
  await scheduler.subscribe();
  await scheduler.launch("t", dockerTask("sleep 600"));
  return { slave, made };
}

const active = (last: number) =>
  until("an active slave", async () => {
    const { json } = await get(`http://${at(3)}:5050/master/slaves`);
    return json?.slaves.some((slave: { active: boolean; pid: string }) => slave.active && slave.pid === `slave(1)@${at(last)}:5051`);
  });

test("executors that are told the gateway run tasks, and find a slave again that comes back at its address", async () => {
  const { slave, made } = await up();
  await scheduler.state("t", "TASK_RUNNING");
  const [before] = await cluster.running();
  await cluster.remove(made);
  assert.deepEqual(await cluster.running(), [before]);
  const again = await slave();
  await until("its registration", async () => /Registered with master/.test(await logs(again)));
  await scheduler.kill("t");
  await scheduler.state("t", "TASK_KILLED");
  assert.deepEqual(scheduler.states("t"), ["TASK_STARTING", "TASK_RUNNING", "TASK_KILLED"]);
});

test("executors that are told nothing say an address that the slave does not reach, and no task ever starts", async () => {
  const { made } = await up({});
  await until("the attempt", async () => /Failed to connect to \S+:\d+/.test(await logs(made)));
  assert.deepEqual([scheduler.states("t"), await cluster.running()], [[], []]);
});

test("executors that are told the slave's address cannot have it on the host, and each task fails", async () => {
  await up({ MESOS_IP: at(4) });
  assert.equal((await scheduler.state("t", "TASK_FAILED")).message, "Container terminated");
});

test("a slave that comes back at another address loses its tasks", async () => {
  const { slave, made } = await up();
  await scheduler.state("t", "TASK_RUNNING");
  await cluster.remove(made);
  await slave(14);
  const { message } = await scheduler.state("t", "TASK_FAILED");
  assert.equal(message, "Abnormal executor termination: unknown container");
  await active(14);
});
