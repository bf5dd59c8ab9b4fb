/** What `npm run images` is asked for, and which images a stack has. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { imageSets, imagesOf } from "../../components";

let bundle: typeof import("../../setup/bundle.mjs", { with: { "resolution-mode": "import" } });
before(async () => void (bundle = await import("../../setup/bundle.mjs")));

describe("npm run images", () => {
  it("takes what to do, a file and a stack", () => {
    assert.deepEqual(bundle.request(["save", "a.tar"]), { verb: "save", file: "a.tar", asked: undefined });
    assert.deepEqual(bundle.request(["load", "--stack", "dev", "a.tar"]), { verb: "load", file: "a.tar", asked: "dev" });
  });

  it("says how it is used where it is asked for anything else", () => {
    for (const args of [[], ["save"], ["keep", "a.tar"], ["save", "--help"], ["load", "a.tar", "b.tar"]]) {
      assert.throws(() => bundle.request(args), /^Error: npm run images -- save FILE writes the images of a stack into a file/, args.join(" "));
    }
  });

  it("knows the images of a stack from its file", async () => {
    assert.deepEqual(await bundle.stackImages("dev"), { name: "tutorial", images: imagesOf(imageSets.tutorial), builtHere: false });
  });

  it("takes all that is built on the spot with the rehearsal's, so that nothing has to be built elsewhere", async () => {
    const { name, images, builtHere } = await bundle.stackImages("rehearsal");
    assert.deepEqual([name, builtHere], ["rehearsal", true]);
    assert.ok(images.includes("mesos-marathon/rehearsal-base:bookworm"));
    assert.deepEqual(imagesOf(imageSets.rehearsal).filter((image) => !images.includes(image)), []);
    assert.equal(images.length, 8);
  });
});
