/** Settings that the real Mesos refuses are refused by the stand-ins, in its words and with its exit code. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Cluster, exit, get, image, logs, until } from "./mesos-cluster";

const cluster = new Cluster();
after(() => cluster.down());

const masterWith = (changes: Record<string, string | undefined>) => cluster.master(changes).then(async (container) => {
  const end = await exit(container);
  await cluster.remove(container);
  return end;
});
const slaveWith = (changes: Record<string, string | undefined>) => cluster.slave(changes).then(async (container) => {
  const end = await exit(container);
  await cluster.remove(container);
  return end;
});

for (const [what, start, changes, words] of [
  ["a master without a quorum", masterWith, { MESOS_QUORUM: undefined }, /Need to specify --quorum for replicated log based registry when using ZooKeeper/],
  ["a master without a path in the ZooKeeper URL", masterWith, { MESOS_ZK: "zk://127.0.0.1:2181" }, /Expecting a \(chroot\) path for ZooKeeper \('\/' is not supported\)/],
  ["a master whose ZooKeeper URL is none", masterWith, { MESOS_ZK: "127.0.0.1:2181/mesos" }, /Error parsing ZooKeeper URL: Expecting 'zk:\/\/' at the beginning of the URL/],
  ["a master without a work directory", masterWith, { MESOS_WORK_DIR: undefined }, /--work_dir needed for replicated log based registry/],
  ["a master with a duration that is none", masterWith, { MESOS_ZK_SESSION_TIMEOUT: "10" }, /Failed to load flag 'zk_session_timeout'[^]*Usage: mesos-master/],
  ["a slave without a master", slaveWith, { MESOS_MASTER: undefined }, /Flag 'master' is required[^]*Usage: mesos-slave/],
  ["a slave without a work directory", slaveWith, { MESOS_WORK_DIR: undefined }, /Flag 'work_dir' is required/],
  ["a slave without a path in the ZooKeeper URL", slaveWith, { MESOS_MASTER: "zk://127.0.0.1:2181/" }, /Failed to create a master detector: Expecting a \(chroot\) path for ZooKeeper/],
  ["a slave with resources that are none", slaveWith, { MESOS_RESOURCES: "cpus=2" }, /Failed to determine agent resources/],
] as const) {
  test(`${what} exits with 1`, async () => {
    const { code, log } = await start(changes);
    assert.match(log, words);
    assert.equal(code, 1);
  });
}

test("a taken port ends master and slave with the real one's words", async () => {
  const holder = await cluster.master({}, { name: "holder" });
  await until("the port's holder", async () => (await get(`${cluster.masterUrl}/health`)).status === 200);
  for (const end of [await masterWith({}), await slaveWith({ MESOS_PORT: `${cluster.masterPort}` })]) {
    assert.equal(end.code, 134);
    assert.match(end.log, new RegExp(`Failed to initialize: Failed to bind on 127\\.0\\.0\\.1:${cluster.masterPort}: Address already in use: Address already in use \\[98\\]`));
  }
  await cluster.remove(holder);
});

test("a slave that cannot reach Docker does not start", async () => {
  const { code, log } = await slaveWith({ MESOS_DOCKER_SOCKET: "/nowhere.sock" });
  assert.equal(code, 1);
  assert.match(log, /Failed to perform recovery: Collect failed: Failed to run 'docker -H unix:\/\/\/nowhere\.sock ps -a': exited with status 1/);
});

test("unknown MESOS_ variables are ignored, and every program says that it is a stand-in", async () => {
  const master = await cluster.master({ MESOS_NO_SUCH_FLAG: "1" });
  await until("its port", async () => (await get(`${cluster.masterUrl}/health`)).status === 200);
  assert.match(await logs(master), /stand-in for the Mesos master 1\.11\.0, not Mesos itself/);
  assert.match((await get(`${cluster.masterUrl}/`)).text, /stand-in/);
  for (const program of ["mesos-master", "mesos-slave"] as const) {
    const help = await cluster.start(`help-${program}`, { Image: image(program), Cmd: ["--help"] });
    const { code, log } = await exit(help);
    assert.equal(code, 0);
    assert.match(log, new RegExp(`Usage: ${program} .*stand-in`));
  }
});
