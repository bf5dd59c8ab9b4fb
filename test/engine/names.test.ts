import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type Known, knownTo, startApp } from "./app";
import { docker, plant, refused, standing, volumeNames } from "./docker";
import { eventually } from "./eventually";
import { TestStack } from "./stack";

// What comes to bear the names of a cluster's things behind Pulumi's back: other images, somebody's container, the containers of a
// stack of the same name. One cluster, in order.

const base = { "mesos-marathon:imageSet": "rehearsal" };
const names = ["marathon", "mesos-master", "mesos-slave", "zookeeper"];
const urls = { mesosUrl: "http://127.0.0.1:5050", marathonUrl: "http://127.0.0.1:8080" };
const container = (name: string) => docker.getContainer(name);
const knows = () => knownTo(urls, "/sleep");
/** Of Marathon's gate, as its container is another. */
const provedAnew = "update cluster-marathon-ready: environment.CONTAINER_ID";

let stack: TestStack;
let known: Known;

before(async () => {
  stack = await TestStack.create("names", base);
  await stack.up();
  await startApp(urls.marathonUrl, "/sleep");
  known = await eventually("a running task", knows);
});

after(() => stack.remove());

test("an image that was removed is told with the cure, and nothing is touched", async () => {
  const [repo, tag] = ["mesos-marathon/stand-in-marathon", "1.11.0"];
  const { Image } = await container("marathon").inspect();
  await docker.getImage(`${repo}:${tag}`).remove({ force: true });
  try {
    await refused(stack, /the Docker Engine has no image mesos-marathon\/stand-in-marathon:1\.11\.0, and no registry has: build what is missing with npm run images -- build --stack names/);
  } finally {
    await docker.getImage(Image).tag({ repo, tag });
  }
  // The refused `up` had refreshed the state. The container does not depend on it.
  assert.deepEqual(await stack.upSteps(), ["create cluster-marathon-image: "]);
});

test("an image that moves behind its tag replaces nothing by surprise", async () => {
  const [repo, tag] = ["mesos-marathon/stand-in-marathon", "1.11.0"];
  const { Image } = await container("marathon").inspect();
  await docker.getImage("mesos-marathon/rehearsal-base:bookworm").tag({ repo, tag });
  try {
    assert.deepEqual(await stack.wholePreview(), { steps: [], warnings: [] });
  } finally {
    await docker.getImage(Image).tag({ repo, tag });
  }
});

test("with followImageTags, an image that moves behind its tag replaces its container, once, and no other", async () => {
  const [repo, tag] = ["mesos-marathon/stand-in-marathon", "1.11.0"];
  const { Image: first } = await container("marathon").inspect();
  const runs = async () => (await container("marathon").inspect()).Image;
  const taken = ["replace cluster-marathon: image", provedAnew];
  const committed = await docker.createContainer({ Image: first });
  await stack.set("mesos-marathon:followImageTags", true);
  try {
    assert.deepEqual(await stack.wholePreview(), { steps: [], warnings: [] });
    const { Id: second } = await committed.commit({ repo, tag, comment: "another one" });
    const { steps, warnings } = await stack.wholePreview();
    assert.deepEqual(steps, taken);
    assert.deepEqual(warnings, ["the container marathon is replaced (changed: image): for some five seconds its UI and API do not answer; tasks keep running"]);
    assert.deepEqual(await stack.upSteps(), taken);
    assert.equal(await runs(), second);
    assert.deepEqual(await stack.wholePreview(), { steps: [], warnings: [] });

    // Followed no more, it stays as it is, whatever the name stands for.
    await stack.set("mesos-marathon:followImageTags", undefined);
    assert.deepEqual(await stack.wholePreview(), { steps: [], warnings: [] });
    await docker.getImage(first).tag({ repo, tag });
    assert.deepEqual(await stack.wholePreview(), { steps: [], warnings: [] });

    await stack.set("mesos-marathon:followImageTags", true);
    assert.deepEqual(await stack.upSteps(), taken);
    assert.equal(await runs(), first);
    assert.deepEqual(await eventually("its task", knows), known);
  } finally {
    await docker.getImage(first).tag({ repo, tag });
    await committed.remove();
    await stack.set("mesos-marathon:followImageTags", undefined);
  }
});

test("a container that somebody put in the place of ours is a stranger's: nothing is touched, and it is told whose it is", async () => {
  await container("marathon").remove({ force: true });
  const stranger = await plant("marathon", { Labels: { "com.docker.compose.project": "shop" } });
  try {
    await refused(
      stack,
      new RegExp(
        `the container name marathon \\(mesos-marathon:marathonName\\) is taken by a container that this stack did not make \\(${stranger.id.slice(0, 12)}, ` +
          "image mesos-marathon/rehearsal-base:bookworm, created \\d{4}-\\S+Z, of Docker Compose project shop\\): " +
          "remove or rename that one, or choose another name: pulumi config set marathonName NAME",
      ),
    );
  } finally {
    await stranger.remove({ force: true });
  }
  assert.deepEqual(await stack.preview(), ["create cluster-marathon: ", provedAnew]);
  await stack.up();
  assert.deepEqual(await eventually("its task", knows), known);
});

test("a stack of the same name in another clone does not take this one's containers for its own", async () => {
  const clone = await TestStack.create("names", { ...base, "mesos-marathon:marathonName": "another-name" });
  try {
    const before = [await standing(), await volumeNames()];
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const { code, output } = await clone.run(...command);
      assert.notEqual(code, 0, output);
      for (const name of names) {
        assert.match(output, new RegExp(`the container ${name} \\(.+, of stack names of project mesos-marathon\\) bears this stack's labels, but is not in its state`));
      }
    }
    assert.deepEqual([await standing(), await volumeNames()], before);
  } finally {
    await clone.remove();
  }
});
