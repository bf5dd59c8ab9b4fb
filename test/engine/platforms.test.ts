import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { imageSets, imagesOf } from "../../components";
import { platformOf } from "../../components/platforms";
import { type DockerEndpoint, dockerEndpoints, serve } from "../unit/docker-endpoints";
import { docker, standing } from "./docker";
import { TestStack } from "./stack";

// The whole program on Docker endpoints of the test's own, and `imageSet: auto` on a real one.

const names = { zookeeperName: "auto-zookeeper", mesosMasterName: "auto-master", mesosSlaveName: "auto-slave", marathonName: "auto-marathon" };
const ports = { zookeeperPort: 24281, mesosMasterPort: 27150, mesosSlavePort: 27151, marathonPort: 30180 };
const config = (more: object) =>
  Object.fromEntries(
    Object.entries({ ...names, ...ports, mesosSlaveResources: "cpus:1;mem:512;disk:512;ports:[31600-31699]", ...more }).map(([key, value]) => [`mesos-marathon:${key}`, value]),
  );

describe("a Docker endpoint", () => {
  /** A preview there; the Engine has no image, and registries give out every one. */
  const preview = async (endpoint: DockerEndpoint, imageSet: string) => {
    const engine = await serve(endpoint);
    const stack = await TestStack.create("endpoint", config({ imageSet, zookeeperPort: 2181 }), { dockerHost: engine.dockerHost });
    try {
      const run = await stack.run("preview");
      return { ...run, changes: engine.changes };
    } finally {
      await stack.remove();
      await engine.stop();
    }
  };

  it("that runs the set is told what will be made", async () => {
    const { code, output, changes } = await preview(dockerEndpoints["20.10, recorded"], "tutorial");
    assert.equal(code, 0, output);
    assert.match(output, /4 of 4 images are not here yet and will be pulled[\s\S]*\+ 2\d to create/);
    assert.deepEqual(changes, []);
  });

  it("that does not is told every reason at once, and what to do, before anything is made", async () => {
    const { code, output, changes } = await preview(dockerEndpoints["29.3, cgroup v2, on a fresh data folder"], "classic");
    assert.notEqual(code, 0);
    assert.match(output, /nothing was changed:\s+- Mesos 1\.7\.1 needs cgroup v1, and this host has v2: .*\s+- the docker client in .* speaks API 1\.29, and Docker Engine 29\.3\.0 answers from 1\.40 on: .*\s+- Docker Engine 29\.3\.0 keeps images in containerd's store/);
    assert.doesNotMatch(output, /docker:index:|\d\d to create/);
    assert.deepEqual(changes, []);
  });

  it("is what auto goes by, which says so", async () => {
    const { code, output } = await preview(dockerEndpoints["25.0"], "auto");
    assert.equal(code, 0, output);
    assert.match(output, /image set classic \(mesos-marathon:imageSet is auto\): an image registry answers, and this host can run its images; not tutorial: the docker client in /);
  });

  it("that runs none as it is ends auto, with the reasons and the ways out", async () => {
    const { code, output, changes } = await preview(dockerEndpoints["29.0"], "auto");
    assert.notEqual(code, 0);
    assert.match(output, /This host can run none of the image sets as it is \(mesos-marathon:imageSet is auto\); nothing was changed:[\s\S]*- classic: the docker client[\s\S]*- a way out for classic: Mount a static docker client of version 25\.0/);
    assert.deepEqual(changes, []);
  });

  it("that is recorded is what the real one says here", async (t) => {
    const [version, info] = await Promise.all([docker.version(), docker.info()]);
    const recorded = Object.values(dockerEndpoints).find((endpoint) => endpoint.version.Version === version.Version && endpoint.source.startsWith("Recorded"));
    if (!recorded) {
      return t.skip(`Docker Engine ${version.Version} is not recorded`);
    }
    const { architecture, cgroupVersion, ...said } = platformOf(version, info);
    const { architecture: a, cgroupVersion: c, ...was } = platformOf(recorded.version as any, recorded.info);
    assert.deepEqual(said, was);
    assert.deepEqual(Object.keys(version).sort(), Object.keys(recorded.version).sort());
  });
});

describe("imageSet: auto", () => {
  let stack: TestStack;
  const tagged = imagesOf(imageSets.tutorial);

  before(async () => {
    stack = await TestStack.create("auto", config({ imageSet: "auto" }));
  });

  after(() => stack?.remove());

  it("takes the stand-ins where no registry answers", async () => {
    const { output } = await stack.up();
    assert.match(output, /image set rehearsal \(mesos-marathon:imageSet is auto\): no image registry can be reached, so images are built on the spot/);
    assert.deepEqual((await stack.outputs()).cluster.imageSet, { name: "rehearsal", standIn: true });
  });

  it("stays with what runs, whatever the host could run by now", async () => {
    // The tutorial's images, as it seems, are here.
    for (const [index, image] of tagged.entries()) {
      const [repo, tag] = image.split(":");
      await docker.getImage(imagesOf(imageSets.rehearsal)[index]).tag({ repo, tag });
    }
    const before = await standing((name) => name.startsWith("auto-"));
    const { output } = await stack.mustRun("preview");
    assert.match(output, /image set rehearsal \(mesos-marathon:imageSet is auto\): this stack runs it/);
    assert.deepEqual(await stack.preview(), []);
    await stack.up();
    assert.deepEqual(await standing((name) => name.startsWith("auto-")), before);

    const another = await TestStack.create("auto-2", { ...config({ imageSet: "auto" }), "mesos-marathon:zookeeperPort": 2181 }, { backend: stack });
    const { output: chosen } = await another.run("preview");
    assert.match(chosen, /image set tutorial \(mesos-marathon:imageSet is auto\): its images are here, and this host can run them/);
  });
});
