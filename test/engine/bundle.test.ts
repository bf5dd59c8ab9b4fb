import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";

import { docker } from "./docker";
import { dockerHost } from "./stack";

// Small images: how a whole set's are carried does not depend on what is in them.

const images = ["mesos-marathon/bundled-one:1", "bundled.test:5000/mirror/two:2"];
const theirs = { theirs: false };
let folder: string;
let bundle: typeof import("../../setup/bundle.mjs", { with: { "resolution-mode": "import" } });

before(async () => {
  bundle = await import("../../setup/bundle.mjs");
  folder = await mkdtemp(join(tmpdir(), "mesos-marathon-bundle-"));
  for (const [index, name] of images.entries()) {
    const at = name.lastIndexOf(":");
    // An archive without a file in it; the image's comment tells one from the other.
    const options = { repo: name.slice(0, at), tag: name.slice(at + 1), message: `number ${index}` };
    const progress = await docker.importImage(Readable.from([Buffer.alloc(1024)]), options);
    await new Promise<void>((resolve, reject) => docker.modem.followProgress(progress, (error) => (error ? reject(error) : resolve())));
  }
});

after(async () => {
  await rm(folder, { recursive: true, force: true });
});

const ids = () => Promise.all(images.map(async (name) => (await docker.getImage(name).inspect()).Id));

test("images are saved into one file, and loaded from it under the same names and ids", async () => {
  const file = join(folder, "images.tar");
  const saved = await ids();
  await bundle.save(dockerHost(), images, file, theirs);
  assert.deepEqual(await readdir(folder), ["images.tar"]);

  for (const name of images) {
    await docker.getImage(name).remove();
  }
  await bundle.load(dockerHost(), images, file, theirs);
  assert.deepEqual(await ids(), saved);
  // Once more is no error.
  await bundle.load(dockerHost(), images, file, theirs);
});

test("a file is not written over, and none is left where an image cannot be had", async () => {
  const file = join(folder, "other.tar");
  await writeFile(file, "mine");
  await assert.rejects(bundle.save(dockerHost(), images, file, theirs), /other\.tar exists already: write another name, or remove it/);
  const missing = "127.0.0.1:5999/not/there:1";
  await assert.rejects(bundle.save(dockerHost(), [...images, missing], join(folder, "none.tar"), theirs), /127\.0\.0\.1:5999\/not\/there:1 is not here and could not be pulled/);
  assert.ok(!existsSync(join(folder, "none.tar")));
  assert.ok(!existsSync(join(folder, "none.tar.partial")));
});

test("a file that is none, is not what was saved, or lacks an image says so", async () => {
  const load = (file: string, wanted = images) => bundle.load(dockerHost(), wanted, join(folder, file), theirs);
  await assert.rejects(load("nowhere.tar"), /There is no file .*nowhere\.tar/);
  await assert.rejects(load("other.tar"), /other\.tar could not be read\. Was it written by npm run images -- save, and copied whole\?/);
  await assert.rejects(load("images.tar", [...images, "third:3"]), /Still not here: third:3\. The file was saved for another stack, it seems/);
});
