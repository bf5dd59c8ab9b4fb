import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { docker, plant, standing, testImage, volumeNames } from "./docker";
import { dockerHost, TestStack } from "./stack";

const base = {
  "mesos-marathon:imageSet": "rehearsal",
  "mesos-marathon:zookeeperName": "bad-zookeeper",
  "mesos-marathon:mesosMasterName": "bad-master",
  "mesos-marathon:mesosSlaveName": "bad-slave",
  "mesos-marathon:marathonName": "bad-marathon",
  "mesos-marathon:zookeeperPort": 23181,
  "mesos-marathon:mesosMasterPort": 26050,
  "mesos-marathon:mesosSlavePort": 26051,
  "mesos-marathon:marathonPort": 29080,
};

let stack: TestStack;
let untouched: unknown;
const census = async () => [await standing(), await volumeNames()];

before(async () => {
  stack = await TestStack.create("bad", base);
});
after(() => stack.remove());

/** Runs `up` with more configuration and expects it to end with these sentences and to have made nothing. */
async function refused(config: Record<string, string | number>, sentences: RegExp[], { name = `bad-${Date.now()}`, dockerHost = undefined as string | undefined } = {}) {
  untouched = await census();
  const bad = await TestStack.create(name, { ...base, ...config }, { backend: stack, dockerHost });
  for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
    const { code, output } = await bad.run(...command);
    assert.notEqual(code, 0, output);
    for (const sentence of sentences) {
      assert.match(output, sentence);
    }
    assert.doesNotMatch(output, /^\s+at .+:\d+:\d+\)?$/m, "a stack trace");
  }
  assert.deepEqual(await census(), untouched);
}

test("a name and a port that are taken, and an address that the host has not, are told in one go", async () => {
  const stranger = await plant("bad-marathon");
  const server = createServer().listen(26050, "127.0.0.1");
  try {
    await refused({}, [
      new RegExp(`container name bad-marathon \\(mesos-marathon:marathonName\\) is taken by a container that this stack did not make \\(${stranger.id.slice(0, 12)}, image ${testImage}, created `),
      new RegExp(`port 26050 of 127.0.0.1 \\(mesos-marathon:mesosMasterPort, for the Mesos master\\) is held by .+ \\(process ${process.pid}\\)`),
    ]);
    await refused({ "mesos-marathon:address": "10.1.2.3" }, [/10\.1\.2\.3 \(mesos-marathon:address\) is not an address of this host/, /bad-marathon/]);
  } finally {
    server.close();
    await stranger.remove({ force: true });
  }
});

test("a volume of a stranger's that bears a name of ours is neither taken nor removed", async () => {
  const Name = "mesos-marathon-bad-volume-cluster-zookeeper-data";
  await docker.createVolume({ Name });
  try {
    await refused({}, [new RegExp(`the volume ${Name} \\(CreatedAt \\S+\\) would be taken for this stack's, but does not bear its labels: .*\\(docker volume rm ${Name}\\)`)], { name: "bad-volume" });
  } finally {
    await docker.getVolume(Name).remove();
  }
});

test("all problems of a configuration are told in one go", async () => {
  await refused({ "mesos-marathon:marathonPort": 0, "mesos-marathon:zookeeperNames": "zk", "mesos-marathon:mesosSlaveName": "$(reboot)" }, [
    /mesos-marathon:marathonPort is "0": write a port from 1 to 65535/,
    /mesos-marathon:zookeeperNames is not a key of this project, did you mean zookeeperName\?/,
    /mesos-marathon:mesosSlaveName is "\$\(reboot\)": write a container name/,
  ]);
});

test("an unknown image set is told with the ones that there are", async () => {
  await refused({ "mesos-marathon:imageSet": "rehersal" }, [/there is no such image set, did you mean rehearsal\?; write tutorial or classic or modern or rehearsal or auto or custom/]);
});

test("images that are nowhere to be had are told by name", async () => {
  const image = docker.getImage("mesos-marathon/stand-in-marathon:1.11.0");
  const { Id } = await image.inspect();
  // Another tag keeps the image while its name is away.
  await image.tag({ repo: "mesos-marathon/put-aside", tag: "1" });
  await image.remove();
  try {
    await refused({}, [/the Docker Engine has no image mesos-marathon\/stand-in-marathon:1\.11\.0, and no registry has/]);
  } finally {
    await docker.getImage(Id).tag({ repo: "mesos-marathon/stand-in-marathon", tag: "1.11.0" });
    await docker.getImage("mesos-marathon/put-aside:1").remove();
  }
});

test("a Docker Engine that does not run is told with the cure", async () => {
  await refused({}, [/the Docker Engine at unix:\/\/\/nowhere\/docker\.sock does not answer; there is no such socket: start Docker/], { dockerHost: "unix:///nowhere/docker.sock" });
});

test("loopback is refused where the Docker Engine is on another machine, before that one is asked", async () => {
  await refused({}, [/mesos-marathon:address is "127\.0\.0\.1": the Docker Engine is on another machine \(ssh:\/\/far\.example\)/], { dockerHost: "ssh://far.example" });
});

test("a stack that exists stays as it is when its new name and port are taken, and when the Docker Engine has gone away", async () => {
  const engine = dockerHost().slice("unix://".length);
  const socket = join(stack.folder, "docker.sock");
  // A door to the Engine that can be closed while the Engine itself serves the other tests.
  const connections = new Set<Socket>();
  const door = createServer((client) => {
    const upstream = connect(engine);
    for (const end of [client, upstream]) {
      connections.add(end);
      end.on("error", () => {}).on("close", () => connections.delete(end));
    }
    client.pipe(upstream).pipe(client);
  }).listen(socket);
  const existing = await TestStack.create("existing", { ...base, "mesos-marathon:dockerHost": `unix://${socket}`, "mesos-marathon:dockerSocket": engine }, { backend: stack });
  try {
    await existing.up();
    // The docker plugin would remove the old container first, and then find the name taken.
    const stranger = await plant("bad-taken");
    const server = createServer().listen(26052, "127.0.0.1");
    const [before, containers] = [await existing.resources(), await standing()];
    const refusal = await existing.run("up", "--yes", "--skip-preview", "--config", "mesos-marathon:marathonName=bad-taken", "--config", "mesos-marathon:mesosMasterPort=26052");
    server.close();
    assert.notEqual(refusal.code, 0);
    assert.match(refusal.output, /the container name bad-taken \(mesos-marathon:marathonName\) is taken by a container that this stack did not make/);
    assert.match(refusal.output, /port 26052 of 127\.0\.0\.1 \(mesos-marathon:mesosMasterPort, for the Mesos master\) is held by/);
    assert.deepEqual(await standing(), containers);
    await stranger.remove({ force: true });
    await existing.set("mesos-marathon:marathonName", "bad-marathon");

    await new Promise((resolve) => {
      door.close(resolve);
      connections.forEach((connection) => connection.destroy());
    });
    const { code, output } = await existing.run("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0);
    assert.match(output, new RegExp(`${socket}`));
    assert.deepEqual(await existing.resources(), before);
    assert.deepEqual(await standing(), containers.filter(({ id }) => id !== stranger.id));
  } finally {
    if (!door.listening) {
      await new Promise<void>((resolve) => door.listen(socket, resolve));
    }
    await existing.run("destroy", "--yes", "--skip-preview");
    await new Promise((resolve) => {
      door.close(resolve);
      connections.forEach((connection) => connection.destroy());
    });
  }
});
