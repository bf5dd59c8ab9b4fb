/** Which changes of a version are refused, as the program's data would not survive them. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { imageSets } from "../../components";
import type { Program } from "../../components";
import { deadEnd, versionIn } from "../../components/upgrades";

const table: [Program, from: string, to: string, refused?: RegExp][] = [
  ["zookeeper", "3.8.0", "3.8.0"],
  ["zookeeper", "3.8.0", "3.9.3"],
  ["zookeeper", "3.8.4", "3.8.0"],
  ["zookeeper", "3.9.3", "3.8.0", /nobody promises/],
  ["zookeeper", "3.4.6", "3.4.14"],
  ["zookeeper", "3.4.6", "3.5.0", /take 3\.5\.7 or later/],
  ["zookeeper", "3.4.6", "3.5.6", /take 3\.5\.7 or later/],
  ["zookeeper", "3.4.6", "3.5.7"],
  ["zookeeper", "3.4.6", "3.8.0"],
  ["zookeeper", "3.5.5", "3.5.6"],
  ["zookeeper", "3.8.0", "3.4.6", /nobody promises/],
  ["mesosMaster", "0.23.0", "0.28.1"],
  ["mesosMaster", "0.28.1", "0.23.0", /between versions 1\.x only/],
  ["mesosMaster", "0.23.0", "1.7.1"],
  ["mesosSlave", "1.7.1", "0.23.0", /between versions 1\.x only/],
  ["mesosSlave", "1.11.0", "1.7.1"],
  ["marathon", "1.8.222", "1.8.218"],
  ["marathon", "1.11.0", "1.8.222", /a later one has migrated/],
  ["marathon", "1.4.0", "1.11.0"],
  ["marathon", "1.3.9", "1.4.1"],
  ["marathon", "0.10.1", "1.8.222", /go to 1\.4 first/],
  ["marathon", "0.10.1", "0.11.0"],
];

for (const [program, from, to, refused] of table) {
  test(`${program} ${from} to ${to}: ${refused ? "refused" : "goes"}`, () => {
    const reason = deadEnd(program, from, to);
    assert.ok(refused ? reason && refused.test(reason) : reason === undefined, reason);
  });
}

test("a version is the image set's, or else the tag's", () => {
  const sets = Object.values(imageSets);
  assert.equal(versionIn(imageSets.tutorial.marathon.image, "marathon", sets), "0.10.1");
  const tags = ["zookeeper:3.6.4", "mesosphere/marathon:v1.8.222", "registry.example:5000/mirror/mesoscloud/mesos-slave:0.28.1-ubuntu", "a/b:latest", "a/b", "a/b@sha256:0123", "sha256:0123", "host:5000/a"];
  assert.deepEqual(tags.map((tag) => versionIn(tag, "zookeeper", [])), ["3.6.4", "1.8.222", "0.28.1", undefined, undefined, undefined, undefined, undefined]);
});
