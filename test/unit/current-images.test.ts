/** What containers are made from where it is not simply their image's name. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { imageSets } from "../../components";
import type { Configuration } from "../../configuration";
import { currentImages } from "../../preflight/current-images";
import type { Seen } from "../../preflight/seen";

const { image } = imageSets.rehearsal.marathon;
const repository = image.split(":")[0];
const owner = { project: "mesos-marathon", stack: "dev" };
const newest = `${image}@sha256:new`;
const older = `${image}@sha256:old`;

interface Case {
  readonly follow?: false;
  /** What Marathon's container was made from: name or id, and the id behind it; absent: there is none. */
  readonly made?: readonly [image: string, imageId: string];
  /** Ids of what the Docker Engine has under the tag, and under digests. */
  readonly tag?: string;
  readonly digests?: Readonly<Record<string, string>>;
  /** What the registry has; absent: it did not tell. */
  readonly registry?: string;
  /** The image's name in the state. */
  readonly recorded?: string;
  readonly current?: { readonly reference: string; readonly from?: string };
}

const table: Record<string, Case> = {
  "not followed, it is the name": { follow: false, made: [image, "sha256:1"], tag: "sha256:2", registry: "sha256:new", recorded: image },
  "not followed any more, it is what was made, whatever the tag is": { follow: false, made: ["sha256:1", "sha256:1"], tag: "sha256:2", recorded: image, current: { reference: image, from: "sha256:1" } },
  "not followed any more, what was pulled by digest stays so": { follow: false, made: ["sha256:1", "sha256:1"], tag: "sha256:2", recorded: older, current: { reference: older, from: "sha256:1" } },
  "not followed any more, another image's name is the name": { follow: false, made: ["sha256:1", "sha256:1"], tag: "sha256:2", recorded: "other:1" },
  "nothing is there": { registry: "sha256:new", current: { reference: image, from: image } },
  "nothing was made, and the tag is what the registry has": { tag: "sha256:1", digests: { "sha256:new": "sha256:1" }, registry: "sha256:new", current: { reference: image, from: image } },
  "nothing was made, and the tag is older": { tag: "sha256:1", registry: "sha256:new", current: { reference: newest, from: undefined } },
  "made by name of what the tag still is": { made: [image, "sha256:1"], tag: "sha256:1", current: { reference: image, from: image } },
  "made by name of what the tag was": { made: [image, "sha256:1"], tag: "sha256:2", current: { reference: image, from: "sha256:2" } },
  "made by id of what the tag is": { made: ["sha256:2", "sha256:2"], tag: "sha256:2", current: { reference: image, from: "sha256:2" } },
  "the registry has the tag's": { made: [image, "sha256:1"], tag: "sha256:1", digests: { "sha256:new": "sha256:1" }, registry: "sha256:new", current: { reference: image, from: image } },
  "the registry has another": { made: [image, "sha256:1"], tag: "sha256:1", registry: "sha256:new", current: { reference: newest, from: undefined } },
  "that one is here, and the container made from it": { made: ["sha256:2", "sha256:2"], tag: "sha256:1", digests: { "sha256:new": "sha256:2" }, registry: "sha256:new", recorded: newest, current: { reference: newest, from: "sha256:2" } },
  "the tag was pulled, too": { made: ["sha256:2", "sha256:2"], tag: "sha256:2", digests: { "sha256:new": "sha256:2" }, registry: "sha256:new", recorded: newest, current: { reference: newest, from: "sha256:2" } },
  "the registry has a third": { made: ["sha256:2", "sha256:2"], tag: "sha256:1", digests: { "sha256:old": "sha256:2" }, registry: "sha256:new", recorded: older, current: { reference: newest, from: undefined } },
  "the registry is silent, and what it had stays": { made: ["sha256:2", "sha256:2"], tag: "sha256:1", digests: { "sha256:old": "sha256:2" }, recorded: older, current: { reference: older, from: "sha256:2" } },
};

for (const [what, { follow = true, made, tag, digests = {}, registry, recorded, current }] of Object.entries(table)) {
  test(what, () => {
    const images = { ...(tag && { [image]: tag }), ...Object.fromEntries(Object.entries(digests).map(([digest, id]) => [`${repository}@${digest}`, id])) };
    const labels = { "mesos-marathon.project": "mesos-marathon", "mesos-marathon.stack": "dev", "mesos-marathon.component": "marathon" };
    const container = made && { id: "1", name: "marathon", labels, made: { image: made[0], imageId: made[1] } };
    const pulls = registry ? { [image]: { answer: "has it", words: "", digest: registry } } : { [image]: { answer: "silent", words: "" } };
    const seen = { engine: { images, pulls, containers: container ? [container] : [] }, recorded: { containers: { "1": { component: "marathon", adopted: false } }, adoptions: {}, networks: [], gates: [], images: recorded ? { marathon: recorded } : {} } };
    const configuration = { followImageTags: follow, cluster: { imageSet: imageSets.rehearsal } } as unknown as Configuration;
    assert.deepEqual(currentImages(configuration, seen as unknown as Seen, owner).marathon, current);
  });
}
