/** The rehearsal's ZooKeeper image takes the settings of both image families, keeps its data where they do, and stops cleanly. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { afterEach, beforeEach, test } from "node:test";
import { Cluster, exit, freePort, logs, until, zookeeperImage } from "./mesos-cluster";

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(() => cluster.down());

/** A four-letter word's answer; one that does not come within 2 s (ZooKeeper is still starting) is an error. */
const ask = (port: number, word: string) =>
  new Promise<string>((resolve, reject) => {
    let text = "";
    const connection = connect(port, "127.0.0.1", () => connection.write(word));
    connection.setTimeout(2000, () => connection.destroy(new Error(`no answer to ${word}`)));
    connection.on("data", (part) => (text += part)).on("end", () => resolve(text)).on("error", reject);
  });
const serves = (port: number) => until("Mode", async () => /Mode: (\w+)/.exec(await ask(port, "srvr"))?.[1]);

const start = (...Env: string[]) => cluster.start("zookeeper", { Image: zookeeperImage, Env });
const settings = async (container: Awaited<ReturnType<typeof start>>) =>
  (await logs(container)).split("\n").filter((line) => /^ {2}\S+=/.test(line)).map((line) => line.trim());

test("mesoscloud's settings: MYID and SERVERS, data in /tmp/zookeeper, port 2181, no AdminServer", async () => {
  const container = await start("MYID=1", "SERVERS=127.0.0.1");
  assert.equal(await serves(2181), "standalone");
  const seen = await settings(container);
  for (const line of ["dataDir=/tmp/zookeeper", "clientPort=2181", "server.1=127.0.0.1:2888:3888", "admin.enableServer=false"]) {
    assert.ok(seen.includes(line), line);
  }
});

test("the official image's settings: data in /data and /datalog, and everything of ZOO_CFG_EXTRA", async () => {
  const port = cluster.zookeeperPort;
  const container = await start("ZOO_MY_ID=1", "ZOO_ADMINSERVER_ENABLED=false", "ZOO_4LW_COMMANDS_WHITELIST=ruok,srvr",
    `ZOO_SERVERS=server.1=127.0.0.1:${freePort()}:${freePort()};127.0.0.1:${port}`, "ZOO_CFG_EXTRA=maxSessionTimeout=30000 minSessionTimeout=4000");
  assert.equal(await serves(port), "standalone");
  await until("imok", async () => (await ask(port, "ruok")) === "imok");
  const seen = await settings(container);
  for (const line of ["dataDir=/data", "dataLogDir=/datalog", "admin.enableServer=false", "maxSessionTimeout=30000", "minSessionTimeout=4000"]) {
    assert.ok(seen.includes(line), line);
  }
});

test("every variable of the official image's is in force in the server that runs", async () => {
  const port = cluster.zookeeperPort;
  const admin = freePort();
  const container = await start("ZOO_MY_ID=5", `ZOO_SERVERS=server.5=127.0.0.1:${freePort()}:${freePort()};127.0.0.1:${port}`, "ZOO_STANDALONE_ENABLED=false",
    "ZOO_DATA_DIR=/elsewhere", "ZOO_DATA_LOG_DIR=/log-elsewhere", "ZOO_TICK_TIME=3000", "ZOO_INIT_LIMIT=7", "ZOO_SYNC_LIMIT=3", "ZOO_MAX_CLIENT_CNXNS=50",
    "ZOO_AUTOPURGE_SNAPRETAINCOUNT=4", "ZOO_AUTOPURGE_PURGEINTERVAL=1", "ZOO_4LW_COMMANDS_WHITELIST=conf,srvr", "ZOO_ADMINSERVER_ENABLED=false",
    `ZOO_CFG_EXTRA=maxSessionTimeout=90000 admin.enableServer=true admin.serverAddress=127.0.0.1 admin.serverPort=${admin}`,
    "ZK_SERVER_HEAP=200", "SERVER_JVMFLAGS=-Da=1", "JVMFLAGS=-Db=2 -Dc=3");
  // One server that is told not to stand alone leads itself.
  assert.equal(await serves(port), "leader");
  const conf = (await until("its settings", () => ask(port, "conf"))).split("\n");
  for (const line of ["dataDir=/elsewhere/version-2", "dataLogDir=/log-elsewhere/version-2", "serverId=5", "tickTime=3000", "initLimit=7", "syncLimit=3", "maxClientCnxns=50", "maxSessionTimeout=90000"]) {
    assert.ok(conf.includes(line), `${line} is not in ${conf.join(", ")}`);
  }
  const log = await logs(container);
  assert.match(log, /autopurge\.snapRetainCount set to 4/);
  assert.match(log, /autopurge\.purgeInterval set to 1/);
  const answer: any = await until("the AdminServer", async () => (await fetch(`http://127.0.0.1:${admin}/commands/server_stats`)).json());
  assert.match(answer.version, /^3\.8\.0/);
  const { Processes } = (await container.top()) as { Processes: string[][] };
  assert.match(Processes[0]!.at(-1)!, /^java -Xmx200m .*-Da=1 -Db=2 -Dc=3 /);
});

test("without a whitelist only srvr is answered", async () => {
  const port = cluster.zookeeperPort;
  await cluster.zookeeper();
  await serves(port);
  assert.match(await until("a refusal", () => ask(port, "ruok")), /is not executed because it is not in the whitelist/);
});

test("three of them make an ensemble", async () => {
  const ports = [1, 2, 3].map(() => [freePort(), freePort(), freePort()] as const);
  const servers = ports.map(([peer, election, client], index) => `server.${index + 1}=127.0.0.1:${peer}:${election};127.0.0.1:${client}`).join(" ");
  for (const index of [0, 1, 2]) {
    await cluster.start(`zookeeper-${index + 1}`, {
      Image: zookeeperImage, Env: [`ZOO_MY_ID=${index + 1}`, `ZOO_SERVERS=${servers}`, "ZOO_ADMINSERVER_ENABLED=false"],
    });
  }
  const modes = await Promise.all(ports.map(([, , client]) => serves(client)));
  assert.deepEqual(modes.sort(), ["follower", "follower", "leader"]);
});

test("java is the container's own process, and SIGTERM ends it", async () => {
  const container = await cluster.zookeeper();
  await serves(cluster.zookeeperPort);
  const { Processes } = (await container.top()) as { Processes: string[][] };
  assert.equal(Processes.length, 1);
  assert.match(Processes[0]!.at(-1)!, /^java .*QuorumPeerMain/);
  await container.kill({ signal: "SIGTERM" });
  assert.equal((await exit(container)).code, 143);
});
