/** What runs where: preflight on Docker endpoints of many kinds, the table that is published, and the choice of a set. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import * as pulumi from "@pulumi/pulumi";

import { chooseImageSet, setOfImages, type Sight, telltales } from "../../components/choose-image-set";
import { fromRegistry, imageSets, imagesOf } from "../../components/images";
import { clientApi, engineReleases, obstacles, type Platform, platformOf, releaseOf, trials } from "../../components/platforms";
import { compareVersions } from "../../components/versions";
import { type Configuration, readConfiguration } from "../../configuration";
import { cell, rows } from "../../docs/platform-tables";
import { automaticImageSet } from "../../preflight/automatic";
import { lookAtClient } from "../../preflight/docker-client";
import { judge, levels } from "../../preflight/judge";
import { look } from "../../preflight/look";
import { type DockerEndpoint, dockerEndpoints, schema1Refused, serve, written } from "./docker-endpoints";
import type { FakeContainer } from "./fake-engine";
import { mockedStack } from "./mocked-stack";
import { defaults } from "./pulumi-yaml";

const owner = { project: "mesos-marathon", stack: "dev" };
type SetName = "tutorial" | "classic" | "modern" | "rehearsal";
const sets = Object.keys(imageSets) as SetName[];

/** Names of what is about platforms. */
const platformNames = [
  "manifest-schema-1",
  "other-architecture",
  "emulated-architecture",
  "cgroup-version",
  "docker-client-too-old",
  "containerd-image-store",
  "no-real-root",
];

/** What preflight finds of the platform, by image set, of which nothing is there but what is built. */
async function found(t: TestContext, endpoint: DockerEndpoint): Promise<Record<SetName, string[]>> {
  const engine = await serve(endpoint);
  t.after(() => engine.stop());
  const version = String(endpoint.version.Version);
  engine.images = [{ Id: "sha256:1", RepoTags: sets.flatMap((name) => imagesOf(imageSets[name]).filter((image) => image.startsWith("mesos-marathon/"))) }];
  if (releaseOf(version).schema1 !== "pulled") {
    engine.registries = Object.fromEntries(imagesOf(imageSets.tutorial).map((image) => [image, schema1Refused(image, version)]));
  }
  const names = async (imageSet: string) => {
    const all: Record<string, string> = { ...defaults(), imageSet };
    const { configuration, problems } = readConfiguration((key) => all[key], Object.keys(all), () => engine.dockerHost);
    assert.deepEqual(problems, []);
    const findings = judge(configuration, await look(configuration), owner);
    return findings.filter(({ name }) => platformNames.includes(name)).map(({ name }) => name);
  };
  return Object.fromEntries(await Promise.all(sets.map(async (name) => [name, await names(name)]))) as Record<SetName, string[]>;
}

const schema1 = "manifest-schema-1";
const cgroup = "cgroup-version";
const client = "docker-client-too-old";
const store = "containerd-image-store";
const emulated = "emulated-architecture";
const root = "no-real-root";

/** By hand, from what is known of each Engine: what keeps which set from running. */
const expected: Record<keyof typeof dockerEndpoints, Record<SetName, string[]>> = {
  "20.10, recorded": { tutorial: [], classic: [], modern: [cgroup], rehearsal: [] },
  "23.0": { tutorial: [], classic: [], modern: [cgroup], rehearsal: [] },
  "24.0": { tutorial: [], classic: [], modern: [cgroup], rehearsal: [] },
  "24.0, cgroup v2": { tutorial: [cgroup], classic: [cgroup], modern: [], rehearsal: [] },
  "25.0": { tutorial: [client], classic: [], modern: [cgroup], rehearsal: [] },
  "25.0, told to answer old clients": { tutorial: [], classic: [], modern: [cgroup], rehearsal: [] },
  "26.1, recorded": { tutorial: [schema1, client], classic: [], modern: [cgroup], rehearsal: [] },
  "27.5": { tutorial: [schema1, client], classic: [], modern: [cgroup], rehearsal: [] },
  "27.5, containerd's store": { tutorial: [schema1, client], classic: [], modern: [cgroup], rehearsal: [] },
  "27.5, cgroup v2": { tutorial: [schema1, cgroup, client], classic: [cgroup], modern: [], rehearsal: [] },
  "28.0, containerd's store": { tutorial: [schema1, client, store], classic: [store], modern: [cgroup], rehearsal: [] },
  "28.5": { tutorial: [schema1, client], classic: [], modern: [cgroup], rehearsal: [] },
  "29.0": { tutorial: [schema1, client], classic: [client], modern: [cgroup], rehearsal: [] },
  "29.0, told to answer old clients": { tutorial: [schema1, client], classic: [], modern: [cgroup], rehearsal: [] },
  "29.0 on a fresh data folder": { tutorial: [schema1, client, store], classic: [client, store], modern: [cgroup], rehearsal: [] },
  "29.3, cgroup v2, on a fresh data folder": { tutorial: [schema1, cgroup, client, store], classic: [cgroup, client, store], modern: [], rehearsal: [] },
  "Docker Desktop on Apple silicon": {
    tutorial: [schema1, emulated, cgroup, client, store],
    classic: [emulated, cgroup, store],
    modern: [emulated],
    rehearsal: [],
  },
  "rootless": { tutorial: [schema1, cgroup, client, root], classic: [cgroup, root], modern: [root], rehearsal: [root] },
  "user namespaces": { tutorial: [root], classic: [root], modern: [cgroup, root], rehearsal: [root] },
};

test("what keeps which image set from running on which Docker Engine", async (t) => {
  assert.deepEqual(platformNames.filter((name) => !(name in levels)), []);
  for (const [name, endpoint] of Object.entries(dockerEndpoints)) {
    await t.test(`${name}: ${endpoint.source.split(/[:;]/)[0]}`, async (t) => assert.deepEqual(await found(t, endpoint), expected[name as keyof typeof dockerEndpoints]));
  }
});

test("every cell of the published tables is what preflight finds there", async (t) => {
  for (const architecture of ["amd64", "arm64"]) {
    for (const cgroupVersion of ["1", "2"]) {
      for (const { engine, store, platform } of rows(architecture, cgroupVersion)) {
        await t.test(`${engine}, ${store}, cgroup v${cgroupVersion}, ${architecture}`, async (t) => {
          const names = await found(t, written(platform));
          for (const name of sets) {
            const said = obstacles(imageSets[name], platform, imagesOf(imageSets[name]));
            assert.deepEqual(names[name], said.map(({ name }) => name), name);
            const verdict = said.some(({ curable }) => !curable) ? "refused: " : said.length > 0 ? "with " : "works ";
            assert.ok(cell(imageSets[name], platform).startsWith(verdict), name);
          }
        });
      }
    }
  }
});

test("an architecture that is not the images': whether the kernel runs it is seen on the host itself", () => {
  const arm = { version: "24.0.9", minApiVersion: "1.12", cgroupVersion: "1", architecture: "arm64" };
  const names = (emulatesAmd64?: boolean) => obstacles(imageSets.classic, { ...arm, emulatesAmd64 }, []).map(({ name, curable }) => [name, curable]);
  assert.deepEqual(names(), [["emulated-architecture", true]]);
  assert.deepEqual(names(true), [["emulated-architecture", true]]);
  assert.deepEqual(names(false), [["other-architecture", false]]);
  assert.deepEqual(obstacles(imageSets.rehearsal, { ...arm, emulatesAmd64: false }, []), []);
});

test("a docker client of the host's: which goes with which Engine", () => {
  const api = (version: string) => version && clientApi(version);
  assert.deepEqual(["17.05", "19.03.15", "20.10.24", "25.0.5", "26.1.0", "29.1"].map(api), ["1.39", "1.40", "1.41", "1.44", "1.45", "1.45"]);
  const names = (platform: Partial<Platform>, api?: string, imageSet = imageSets.tutorial) =>
    obstacles(imageSet, { version: "29.0.1", minApiVersion: "1.44", cgroupVersion: "1", architecture: "amd64", ...platform }, [], { path: "/opt/docker", api }).map(({ name }) => name);
  assert.deepEqual(names({}), []);
  assert.deepEqual(names({}, "1.44", imageSets.classic), []);
  assert.deepEqual(names({}, "1.43"), ["docker-client-too-old"]);
  assert.deepEqual(names({ version: "27.5.1", minApiVersion: "1.24" }, "1.43"), []);
  assert.deepEqual(names({}, "1.45"), ["docker-client-too-new"]);
  assert.deepEqual(names({ version: "25.0.5", minApiVersion: "1.24" }, "1.45"), []);
  assert.deepEqual(names({ containerdStore: true }, "1.44"), ["containerd-image-store"]);
});

test("a docker client is looked at where it is", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "client-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const at = (name: string, content: string | Buffer, mode = 0o755) => {
    writeFileSync(join(folder, name), content, { mode });
    return lookAtClient(join(folder, name));
  };
  /** The beginning of a program for 64 bits, low bytes first, with one program header. */
  const program = (type: number) => {
    const head = Buffer.alloc(256);
    head.write("\x7fELF\x02\x01", "latin1");
    head.writeBigUInt64LE(64n, 32);
    head.writeUInt16LE(56, 54);
    head.writeUInt16LE(1, 56);
    head.writeUInt32LE(type, 64);
    return head;
  };
  assert.deepEqual(await lookAtClient(join(folder, "none")), { problem: "missing" });
  assert.deepEqual(await lookAtClient(folder), { problem: "no program" });
  assert.deepEqual(await at("text", "docker client"), { problem: "no program" });
  assert.deepEqual(await at("not-executable", program(1), 0o644), { problem: "no program" });
  assert.deepEqual(await at("dynamic", program(3)), { problem: "needs libraries" });
  assert.deepEqual(await at("script", "#!/bin/sh\ntouch ran\n"), {});
  // It is no program that this machine runs, and so says no version.
  assert.deepEqual(await at("static", program(1)), { version: undefined });
});

test("a release is found by its versions, and what was tried is in the table", () => {
  const named = (version: string) => releaseOf(version).name;
  assert.deepEqual(
    ["19.03.15", "20.10.24+dfsg1", "24.0.9", "25.0.0", "26.1.5", "28.1.1", "28.2.0", "29.2.9", "29.3.0", "31.0.0"].map(named),
    ["20.10 to 24", "20.10 to 24", "20.10 to 24", "25", "26 and 27", "28.0 and 28.1", "28.2 to 28.5", "29.0 to 29.2", "29.3 and later", "29.3 and later"],
  );
  assert.deepEqual(engineReleases.map(({ from }) => from), engineReleases.map(({ from }) => from).sort(compareVersions));
  for (const trial of trials) {
    assert.match(cell(imageSets[trial.imageSet], trial), new RegExp(`^works · tried ${trial.date} on ${trial.version}$`));
  }
  assert.match(cell(imageSets.rehearsal, { ...trials[0], cgroupVersion: "2" }), /^works · sources$/);
});

test("versions are compared by number", () => {
  assert.deepEqual(["1.9", "1.19", "1.9.1", "1.9-rc1", "2"].sort(compareVersions), ["1.9", "1.9-rc1", "1.9.1", "1.19", "2"]);
  assert.equal(compareVersions("1.9", "1.9.0"), 0);
});

test("an Engine that does not say it answers every version of the API, and has cgroup v1", () => {
  assert.deepEqual(platformOf({ Version: "1.13.1", Arch: "amd64" }, {}), {
    version: "1.13.1",
    minApiVersion: "1.12",
    cgroupVersion: "1",
    architecture: "amd64",
    containerdStore: false,
  });
});

const old: Platform = { version: "20.10.24", minApiVersion: "1.12", cgroupVersion: "1", architecture: "amd64" };
const newer: Platform = { ...old, version: "28.5.2", minApiVersion: "1.24" };
const today: Platform = { ...old, version: "29.3.0", minApiVersion: "1.40", cgroupVersion: "2", containerdStore: true };
const all = (answer: Sight["registries"][string]): Sight["registries"] => Object.fromEntries(telltales([]).map((image) => [image, answer]));
const tutorialImages = imagesOf(imageSets.tutorial);

const choices: Record<string, [sight: Partial<Sight>, chosen: string]> = {
  "the tutorial's, where the host runs them": [{}, "tutorial"],
  "the tutorial's, where they are here and no registry answers": [{ images: tutorialImages, registries: all("out of reach") }, "tutorial"],
  "classic, where the Engine is too new for the tutorial's": [{ platform: newer }, "classic"],
  "classic, where the registry has no other": [{ registries: { ...all("lacks it"), "zookeeper:3.6.4": "has it" } }, "classic"],
  "modern, on cgroup v2": [{ platform: today }, "modern"],
  "stand-ins, where no registry answers": [{ registries: all("out of reach") }, "rehearsal"],
  "stand-ins, where no registry answers and the images that are here do not run": [{ platform: today, images: tutorialImages, registries: all("out of reach") }, "rehearsal"],
  "stand-ins, where no registry answers and one image is missing": [{ images: tutorialImages.slice(1), registries: all("out of reach") }, "rehearsal"],
  "none, where a registry answers and none of them runs": [{ platform: { ...today, cgroupVersion: "1" } }, ""],
  "none, where a registry answers and has none": [{ registries: all("lacks it") }, ""],
  "none on another architecture: not even one that would be emulated": [{ platform: { ...old, architecture: "arm64", emulatesAmd64: true } }, ""],
};

test("the set that is chosen", async (t) => {
  for (const [what, [sight, chosen]] of Object.entries(choices)) {
    await t.test(what, () => {
      const choice = chooseImageSet({ platform: old, images: [], registries: all("has it"), ...sight });
      assert.equal("imageSet" in choice ? choice.imageSet : "", chosen);
    });
  }

  await t.test("is explained, with what was passed over", () => {
    const choice = chooseImageSet({ platform: today, images: [], registries: { ...all("lacks it"), "zookeeper:3.9.4": "has it" } });
    assert.deepEqual("why" in choice && choice.why.split("; ").map((part) => part.split(" ").slice(0, 6).join(" ")), [
      "an image registry answers, and this",
      "not tutorial: Docker Engine 29.3.0 does",
      "not tutorial: Mesos 0.23.0 needs cgroup",
      "not tutorial: the docker client in",
      "not tutorial: Docker Engine 29.3.0 keeps",
      "not tutorial: the image registry does",
      "not classic: Mesos 1.7.1 needs cgroup",
      "not classic: the docker client in",
      "not classic: Docker Engine 29.3.0 keeps",
      "not classic: the image registry does",
    ]);
  });

  await t.test("is none, with why and with what would make one run", () => {
    const choice = chooseImageSet({ platform: { ...today, cgroupVersion: "1" }, images: [], registries: all("has it") });
    assert.ok("reasons" in choice);
    assert.deepEqual(choice.reasons.map((reason) => reason.split(":")[0]), ["tutorial", "tutorial", "classic", "classic", "modern"]);
    assert.deepEqual(choice.cures.filter((cure) => cure.startsWith("classic")), [
      "classic: Mount a static docker client of version 25.0: pulumi config set mesosSlaveDockerClient PATH, or start the Docker Engine with DOCKER_MIN_API_VERSION=1.29 in its environment",
      'classic: Put "features": {"containerd-snapshotter": false} into its daemon.json',
    ]);
  });
});

test("by one image of each set it is seen whether a registry answers, under the name that it has for the stack", () => {
  assert.deepEqual(telltales([]), ["mesoscloud/zookeeper:3.4.6-ubuntu-14.04", "zookeeper:3.6.4", "zookeeper:3.9.4"]);
  assert.deepEqual(telltales(["zookeeper:3.6.4"]), ["mesoscloud/zookeeper:3.4.6-ubuntu-14.04", "zookeeper:3.9.4"]);
  const mirrored = Object.values(imageSets).map((imageSet) => fromRegistry(imageSet, "registry.test"));
  assert.deepEqual(telltales([], mirrored).slice(1), ["registry.test/library/zookeeper:3.6.4", "registry.test/library/zookeeper:3.9.4"]);
});

test("the set that runs is known by its images", () => {
  for (const [name, imageSet] of Object.entries(imageSets)) {
    for (const image of imagesOf(imageSet)) {
      assert.equal(setOfImages(["other/image:1", image]), name);
      assert.equal(setOfImages([`${image}@sha256:1234`]), name);
    }
  }
  assert.equal(setOfImages(["other/image:1"]), undefined);
});

test("imageSet: auto in the program", async (t) => {
  const host = (dockerHost: string) => ({ address: "127.0.0.1", dockerHost, dockerSocket: "/var/run/docker.sock" }) as Configuration["host"];
  const chosen = async (t: TestContext, endpoint: DockerEndpoint | undefined, ...containers: FakeContainer[]) => {
    const engine = await serve(endpoint ?? dockerEndpoints["24.0"]);
    containers.forEach((container) => engine.containers.set(container.name, container));
    t.after(() => engine.stop());
    const said = t.mock.method(console, "log", () => {});
    let thrown: any;
    const dockerHost = endpoint ? engine.dockerHost : "unix:///nowhere/docker.sock";
    const stack = await mockedStack(() => automaticImageSet(host(dockerHost), Object.values(imageSets)).catch((error) => void (thrown = error)));
    return { chosen: await stack.outputs, thrown, said: said.mock.calls.map(({ arguments: [line] }) => String(line)) };
  };
  const labels = { "mesos-marathon.project": "mesos-marathon", "mesos-marathon.stack": "dev" };
  const today = dockerEndpoints["29.3, cgroup v2, on a fresh data folder"];

  await t.test("is chosen by the host, and said", async (t) => {
    const { chosen: set, said } = await chosen(t, dockerEndpoints["24.0"]);
    assert.equal(set, "tutorial");
    assert.deepEqual(said, ["info: [runtime] image set tutorial (mesos-marathon:imageSet is auto): an image registry answers, and this host can run its images"]);
  });

  await t.test("stays what the stack runs, where the host cannot run it any more", async (t) => {
    const { chosen: set, said } = await chosen(t, today, { name: "zk", image: "mesoscloud/zookeeper:3.4.6-ubuntu-14.04", labels, status: "exited" });
    assert.equal(set, "tutorial");
    assert.deepEqual(said, ["info: [runtime] image set tutorial (mesos-marathon:imageSet is auto): this stack runs it"]);
  });

  await t.test("is not what another stack runs", async (t) => {
    const { chosen: set } = await chosen(t, today, { name: "zk", image: "mesoscloud/zookeeper:3.4.6-ubuntu-14.04", labels: { ...labels, "mesos-marathon.stack": "dev-2" } });
    assert.equal(set, "modern");
  });

  await t.test("is refused where the stack runs images of no set", async (t) => {
    const { thrown } = await chosen(t, today, { name: "zk", image: "my/zookeeper:1", labels });
    assert.ok(pulumi.RunError.isInstance(thrown));
    assert.equal(
      thrown.message,
      "The image set cannot be chosen (mesos-marathon:imageSet is auto):\n" +
        "  - this stack runs images of none of them (my/zookeeper:1): name the set that it shall run: pulumi config set imageSet NAME",
    );
  });

  await t.test("is refused where the Docker Engine does not answer", async (t) => {
    const { thrown } = await chosen(t, undefined);
    assert.match(thrown.message, /^The image set cannot be chosen .*\n  - the Docker Engine at unix:\/\/\/nowhere\/docker\.sock does not answer; there is no such socket/);
  });

  await t.test("is refused where the host runs none as it is", async (t) => {
    const { thrown } = await chosen(t, dockerEndpoints["29.0"]);
    assert.match(thrown.message, /^This host can run none of the image sets as it is .*; nothing was changed:\n  - tutorial: /);
  });
});
