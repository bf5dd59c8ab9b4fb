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
  assert.equal(await ask(port, "ruok"), "imok");
  const seen = await settings(container);
  for (const line of ["dataDir=/data", "dataLogDir=/datalog", "admin.enableServer=false", "maxSessionTimeout=30000", "minSessionTimeout=4000"]) {
    assert.ok(seen.includes(line), line);
  }
});

test("without a whitelist only srvr is answered", async () => {
  const port = cluster.zookeeperPort;
  await cluster.zookeeper();
  await serves(port);
  assert.match(await ask(port, "ruok"), /is not executed because it is not in the whitelist/);
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
