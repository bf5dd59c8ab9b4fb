/** What `npm run images` is asked for, and which images a stack has. */
import assert from "node:assert/strict";
import { copyFileSync, cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, it } from "node:test";

import { imageSets, imagesOf } from "../../components";
import { choosableImageSets, telltales } from "../../components/choose-image-set";
import { FakeEngine } from "./fake-engine";

let bundle: typeof import("../../setup/bundle.mjs", { with: { "resolution-mode": "import" } });
before(async () => void (bundle = await import("../../setup/bundle.mjs")));

describe("npm run images", () => {
  it("takes what to do, a file and a stack", () => {
    assert.deepEqual(bundle.request(["save", "a.tar"]), { verb: "save", file: "a.tar", buildArgs: [], asked: undefined });
    assert.deepEqual(bundle.request(["load", "--stack", "dev", "a.tar"]), { verb: "load", file: "a.tar", buildArgs: [], asked: "dev" });
    assert.deepEqual(bundle.request(["build", "-s", "modern"]), { verb: "build", file: "", buildArgs: [], asked: "modern" });
    assert.deepEqual(bundle.request(["build", "--build-arg", "A=1", "--build-arg", "B="]).buildArgs, ["A=1", "B="]);
  });

  it("says how it is used where it is asked for anything else", () => {
    for (const args of [[], ["save"], ["keep", "a.tar"], ["save", "--help"], ["load", "a.tar", "b.tar"], ["build", "a.tar"], ["build", "--build-arg"], ["build", "--build-arg", "A"]]) {
      assert.throws(() => bundle.request(args), /^Error: npm run images -- save FILE writes the images of a stack into a file/, args.join(" "));
    }
  });

  it("knows the images of a stack from its file", async () => {
    assert.deepEqual(await bundle.stackImages("dev", "unix:///nowhere"), { name: "tutorial", images: imagesOf(imageSets.tutorial), folders: [] });
  });

  it("takes all that is built on the spot with the rehearsal's, so that nothing has to be built elsewhere", async () => {
    const { name, images, folders } = await bundle.stackImages("rehearsal", "unix:///nowhere");
    assert.deepEqual([name, folders], ["rehearsal", ["rehearsal"]]);
    assert.ok(images.includes("mesos-marathon/rehearsal-base:bookworm"));
    assert.deepEqual(imagesOf(imageSets.rehearsal).filter((image) => !images.includes(image)), []);
    assert.equal(images.length, 8);
  });

  it("knows which of an image set's are built, each by a target of its folder's Dockerfile", async () => {
    const { builtImages } = await import("../../setup/images.mjs");
    for (const imageSet of Object.values(imageSets)) {
      for (const program of ["zookeeper", "mesosMaster", "mesosSlave", "marathon"] as const) {
        const { image, builtFrom } = imageSet[program];
        assert.equal(image.startsWith("mesos-marathon/"), builtFrom !== undefined, image);
        assert.ok(!builtFrom || builtImages(builtFrom).includes(image), image);
      }
    }
    assert.deepEqual(await bundle.stackImages("modern", "unix:///nowhere"), { name: "modern", images: imagesOf(imageSets.modern), folders: ["modern"] });
  });

  it("builds what is not there or from other sources, and with build arguments all of it, which later runs take as it is", async () => {
    const { builtImages, toBuild } = await import("../../setup/images.mjs");
    for (const folder of ["modern", "rehearsal"]) {
      const names = builtImages(folder).filter((name) => !name.startsWith("mesos-marathon/rehearsal-base:"));
      const built = (there: Record<string, string>, ...buildArgs: string[]) => toBuild(folder, there, buildArgs).map(({ name }) => name);
      const made = Object.fromEntries(toBuild(folder, {}, ["PACKAGES=https://mirror.test"]).map(({ name, recipe }) => [name, recipe]));
      assert.deepEqual(Object.keys(made), names);
      assert.deepEqual(built(made), []);
      assert.deepEqual(built(made, "PACKAGES=https://mirror.test"), names);
      assert.deepEqual(built({ ...made, [names[1]]: "other sources" }), [names[1]]);
    }
  });

  it("chooses an automatic set by the stack's own registry, as the program does", async (t) => {
    const root = join(__dirname, "../..");
    const clone = mkdtempSync(join(tmpdir(), "mesos-marathon-clone-"));
    t.after(() => rmSync(clone, { recursive: true }));
    for (const folder of ["setup", "checks", "components", "preflight"]) {
      cpSync(join(root, folder), join(clone, folder), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(clone, "node_modules"));
    copyFileSync(join(root, "package.json"), join(clone, "package.json"));
    const { stackImages }: typeof bundle = await import(join(clone, "setup", "bundle.mjs"));
    const engine = await FakeEngine.start();
    t.after(() => engine.stop());
    engine.version = { ...engine.version, Version: "28.5.2", MinAPIVersion: "1.24" };
    const silent = Object.fromEntries(telltales([]).map((image) => [image, null]));
    const chosen = (settings: Record<string, string>, registries: FakeEngine["registries"]) => {
      writeFileSync(join(clone, "Pulumi.mine.yaml"), ["config:", ...Object.entries({ imageSet: "auto", ...settings }).map(([key, value]) => `  mesos-marathon:${key}: ${value}`), ""].join("\n"));
      engine.registries = { ...silent, ...registries };
      return stackImages("mine", engine.dockerHost).then(({ name, images }) => `${name}: ${images[0]}`, ({ message }) => message);
    };
    const mirrored = choosableImageSets("registry.test/mirror");
    const each = (status: number, message: string) => Object.fromEntries(telltales([], mirrored).map((image) => [image, { status, message }]));
    const imageRegistry = "registry.test/mirror";
    assert.equal(await chosen({ imageRegistry }, each(200, "")), "classic: registry.test/mirror/library/zookeeper:3.6.4");
    assert.match(await chosen({ imageRegistry }, each(401, "no basic auth credentials")), /^The image set of stack mine is auto, .* classic: the image registry does not give out registry\.test/s);
    // Nobody but Pulumi can read the password.
    assert.equal(await chosen({ imageRegistry, imageRegistryUsername: "me" }, each(401, "no basic auth credentials")), "classic: registry.test/mirror/library/zookeeper:3.6.4");
    engine.containers.set("zk", {
      name: "zk",
      image: "registry.test/mirror/mesoscloud/zookeeper:3.4.6-ubuntu-14.04",
      labels: { "mesos-marathon.project": "mesos-marathon", "mesos-marathon.stack": "mine" },
    });
    assert.equal(await chosen({ imageRegistry }, each(404, "not found")), "tutorial: registry.test/mirror/mesoscloud/zookeeper:3.4.6-ubuntu-14.04", "the set that runs stays");
  });
});
