/** What `npm run images` is asked for, and which images a stack has. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { imageSets, imagesOf } from "../../components";

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
});
