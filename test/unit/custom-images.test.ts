/** Image sets of somebody's own, what does not go together, and what a registry's answers mean. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { customImageSet, type ImageSet, imageSets, mispairings } from "../../components";
import { pulledImagesOf } from "../../components/images";
import { readConfiguration } from "../../configuration";
import { levels } from "../../preflight/judge";
import { pullFindings } from "../../preflight/judgments/images";
import { pullAnswer } from "../../preflight/pullable";
import { defaults } from "./pulumi-yaml";

const names = { zookeeper: "zookeeper", mesosMaster: "mesos-master", mesosSlave: "mesos-slave", marathon: "marathon" };

test("the example is a set, like the one it names where it says nothing", () => {
  const { imageSet, problems } = customImageSet(readFileSync("examples/custom-images.json", "utf8"));
  assert.deepEqual(problems, []);
  // Other versions have other flags.
  const { flags: ofZookeeper, ...zookeeper } = imageSets.classic.zookeeper;
  const { flags: ofMarathon, ...marathon } = imageSets.classic.marathon;
  assert.deepEqual(imageSet, {
    ...imageSets.classic,
    name: "custom",
    zookeeper: {
      ...zookeeper,
      image: "zookeeper:3.4.13",
      version: "3.4.13",
      environment: { ZOO_MY_ID: "{id}", ZOO_PORT: "{port}" },
      builtIn: { port: "2181" },
      listensOnAddressOnly: false,
    },
    marathon: { ...marathon, image: "mesosphere/marathon:v1.8.244", version: "1.8.244" },
  });
  assert.deepEqual(mispairings(imageSet, names), []);
});

test("the page's table has the versions and the known limits of the sets", () => {
  const rows = readFileSync("docs/image-sets.md", "utf8").split("\n");
  for (const [name, { zookeeper, mesosSlave, marathon, standIn, limits }] of Object.entries(imageSets)) {
    const row = rows.find((row) => row.startsWith(`| \`${name}\` | ${zookeeper.version} |`)) ?? "";
    const version = (found: string) => (standIn ? `stand-in ${found}` : found);
    assert.deepEqual(row.split(" | ").slice(2, 4), [version(mesosSlave.version), version(marathon.version)], name);
    assert.ok(limits.every((limit) => row.includes(limit)), name);
  }
});

test("the last images of the tutorial's family are told what the tutorial's are", () => {
  const { imageSet, problems } = customImageSet(readFileSync("examples/mesoscloud-images.json", "utf8"));
  assert.deepEqual(problems, []);
  assert.deepEqual(mispairings(imageSet, names), []);
  assert.deepEqual(imageSet.endpoints, imageSets.tutorial.endpoints);
  for (const program of ["zookeeper", "mesosMaster", "mesosSlave", "marathon"] as const) {
    const { image, version } = imageSet[program];
    assert.ok(image.includes(`:${version}-ubuntu-`), image);
    // Which flags these versions have, nobody has listed.
    const { flags, ...contract } = imageSets.tutorial[program];
    assert.deepEqual(imageSet[program], { ...contract, image, version });
  }
});

test("where Mesos answers follows from its version; needs and limits are taken whole", () => {
  const master = (version: string) => ({ mesosMaster: { image: "m:1", version } });
  const of = (set: object) => customImageSet(JSON.stringify({ like: "classic", ...set })).imageSet;
  assert.deepEqual(of(master("0.28.1")).endpoints, imageSets.tutorial.endpoints);
  assert.deepEqual(of(master("1.0.0")).endpoints, imageSets.classic.endpoints);
  assert.deepEqual(of({ needs: { dockerClientApi: "1.44" }, limits: ["a"] }).needs, { dockerClientApi: "1.44" });
  assert.deepEqual(of({ limits: ["a"] }).limits, ["a"]);
  const { imageSet: own } = customImageSet('{"like":"rehearsal","mesosMaster":{"image":"me/master:1","version":"1.11.0"}}');
  assert.deepEqual(pulledImagesOf(own), ["me/master:1"]);
});

const image = "write the image's name with its tag or digest, such as registry.example/mesos-slave:1.11.0";
const version = "write the program's version in the image, such as 1.11.0";
const texts = "write an object whose values are texts of one line";
const variables = "write an object of variables' names with templates of one line";
const fields = "image, version, environment, builtIn, fixed, data, mounts, hostPid, hostCgroups, finalExits, listensOnAddressOnly, command, flags, flagsAsArguments";
const good = { image: "a/b:1", version: "1.0" };
const bad: [what: string, given: unknown, ...problems: string[]][] = [
  ["no object", [], "write an object"],
  ["nothing", {}, "like: write which set it is like: tutorial or classic or modern or rehearsal"],
  ["like none", { like: "toString" }, "like: write which set it is like: tutorial or classic or modern or rehearsal"],
  ["an unknown field", { like: "classic", slave: good }, "slave is no field of it; there are like, needs, limits, zookeeper, mesosMaster, mesosSlave, marathon"],
  ["a program that is none", { like: "classic", marathon: "a:1" }, "marathon: write an object"],
  ["no image, no version", { like: "classic", marathon: {} }, `marathon.image is missing: ${image}`, `marathon.version is missing: ${version}`],
  ["an image without a tag", { like: "classic", marathon: { ...good, image: "a/b" } }, `marathon.image is "a/b": ${image}`],
  ["an image with a command in it", { like: "classic", marathon: { ...good, image: "a:$(id)" } }, `marathon.image is "a:$(id)": ${image}`],
  ["an image with a scheme", { like: "classic", marathon: { ...good, image: "https://a/b:1" } }, `marathon.image is "https://a/b:1": ${image}`],
  ["a version that is a number", { like: "classic", mesosMaster: { ...good, version: 1.11 } }, `mesosMaster.version is 1.11: ${version}`],
  ["a version that is none", { like: "classic", marathon: { ...good, version: "latest" } }, `marathon.version is "latest": ${version}`],
  ["an unknown field of a program", { like: "classic", marathon: { ...good, env: {} } }, `marathon.env is no field of it; there are ${fields}`],
  ["a variable of two lines", { like: "classic", marathon: { ...good, environment: { A: "b\nC=d" } } }, `marathon.environment is {"A":"b\\nC=d"}: ${variables}`],
  ["a variable's name that is none", { like: "classic", marathon: { ...good, environment: { "A=B": "c" } } }, `marathon.environment is {"A=B":"c"}: ${variables}`],
  ["settings that are no texts", { like: "classic", marathon: { ...good, builtIn: { port: 8080 } } }, `marathon.builtIn is {"port":8080}: ${texts}`],
  [
    "a setting that is none",
    { like: "classic", marathon: { ...good, environment: { A: "{quorum}" } } },
    "marathon asks for {quorum}, and there is no such setting; there are address, hostname, mesosZk, port, role, zk",
  ],
  ["a path that is not absolute", { like: "classic", zookeeper: { ...good, data: { data: "tmp" } } }, 'zookeeper.data is {"data":"tmp"}: write an object of names in small letters with absolute paths in the container'],
  ["a mount of one path", { like: "classic", mesosSlave: { ...good, mounts: ["/a"] } }, 'mesosSlave.mounts is ["/a"]: write a list of host path:container path, with :ro behind it for reading only'],
  ["a switch that is none", { like: "classic", mesosSlave: { ...good, hostPid: "yes" } }, 'mesosSlave.hostPid is "yes": write true or false'],
  ["an exit code that is none", { like: "classic", marathon: { ...good, finalExits: { many: "x" } } }, 'marathon.finalExits is {"many":"x"}: write an object of exit codes with what each means'],
  ["a need that is none", { like: "classic", needs: { cgroupVersion: 2, docker: 1 } }, 'needs.cgroupVersion is 2: write "1" or "2", or leave it out', "needs.docker is no field of it; there are cgroupVersion, architectures, newestPullingEngine, dockerClientApi, newestContainerdStoreEngine"],
  ["needs and limits that are none", { like: "classic", needs: 1, limits: "slow" }, "needs: write an object", "limits: write a list of texts"],
];

test("what is wrong with a set of somebody's own is said at once, with where", async (t) => {
  for (const [what, given, ...problems] of bad) {
    await t.test(what, () => assert.deepEqual(customImageSet(JSON.stringify(given)).problems, problems));
  }
  await t.test("no JSON", () => assert.match(customImageSet("{like").problems.join(), /^it is not JSON: /));
});

test("versions and names that do not go together are refused with the reason", async (t) => {
  const { classic } = imageSets;
  const trusting = { ...classic, mesosSlave: { ...classic.mesosSlave, environment: {} } };
  const of = (versions: Partial<Record<keyof typeof names, string>>, base: ImageSet = classic): ImageSet => ({
    ...base,
    ...Object.fromEntries(Object.entries(versions).map(([program, version]) => [program, { ...base[program as keyof typeof names], version }])),
  });
  const cases: [ImageSet, ...RegExp[]][] = [
    ...Object.values(imageSets).map((set): [ImageSet] => [set]),
    [of({ marathon: "0.10.1", mesosMaster: "0.24.0" }, imageSets.tutorial), /^marathon: Marathon 0\.10\.1 was built on Mesos 0\.22, .* a master 0\.24\.0 says it is/],
    [of({ marathon: "0.11.0", mesosMaster: "0.24.0" }, imageSets.tutorial)],
    [of({ marathon: "1.8.222", mesosMaster: "1.4.1" }), /^marathon: Marathon 1\.8\.222 needs Mesos 1\.5 or later, and the master is 1\.4\.1/],
    [of({ marathon: "1.11.24", mesosMaster: "0.28.1" }), /needs Mesos 1\.5 or later/],
    [of({ marathon: "1.3.0", mesosMaster: "0.28.1" }), /needs Mesos 1\.0 or later/],
    [of({ marathon: "1.1.1", mesosMaster: "0.28.1" })],
    [of({ zookeeper: "3.4.13" }), /^zookeeper: ZooKeeper 3\.4\.13 does not know the form of \{serverSpecifications\}/],
    ...["0.22.1", "1.0.0", "1.0.1", "1.1.3"].map((version): [ImageSet, ...RegExp[]] => [
      of({ mesosSlave: version }, trusting),
      /^mesosMaster's name: a Mesos slave .* write another name, such as master$/,
      /^mesosSlave's name: a Mesos slave .* write another name, such as slave$/,
    ]),
    ...["0.23.0", "0.28.1", "1.0.2", "1.2.0", "1.10.0", "1.11.0"].map((version): [ImageSet] => [of({ mesosSlave: version }, trusting)]),
    // Told to kill no orphans.
    [of({ mesosSlave: "1.0.0" })],
  ];
  for (const [set, ...reasons] of cases) {
    const versions = Object.keys(names).map((program) => set[program as keyof typeof names].version).join(" ");
    await t.test(versions, () => {
      const found = mispairings(set, names).map(({ program, name, reason }) => `${program}${name ? "'s name" : ""}: ${reason}`);
      assert.equal(found.length, reasons.length, found.join("\n"));
      reasons.forEach((reason, index) => assert.match(found[index], reason));
    });
  }
  assert.deepEqual(mispairings(of({ mesosSlave: "1.1.0" }, trusting), { ...names, mesosMaster: "master", mesosSlave: "slave" }), []);
});

test("what the Docker Engine's answer means", async (t) => {
  // As Docker Engine 20.10 was seen to answer; the last four as its and later ones' sources do.
  const answers: [status: number | undefined, words: string, answer: string][] = [
    [404, "manifest unknown: manifest unknown", "no such image"],
    [401, "unauthorized: authentication required", "credentials"],
    [500, 'Head "http://127.0.0.1:5000/v2/mirror/zk/manifests/1": no basic auth credentials', "credentials"],
    [500, 'Get "http://127.0.0.1:5999/v2/": dial tcp 127.0.0.1:5999: connect: connection refused', "out of reach"],
    [500, 'Get "https://no-such.invalid/v2/": dial tcp: lookup no-such.invalid on 192.0.2.53:53: no such host', "out of reach"],
    [403, "denied: requested access to the resource is denied", "credentials"],
    [500, 'Get "https://registry.test/v2/": http: server gave HTTP response to HTTPS client', "out of reach"],
    [500, 'Get "https://registry.test/v2/": net/http: request canceled (Client.Timeout exceeded while awaiting headers)', "silent"],
    [400, "Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been removed.", "refused"],
    [404, "page not found", "silent"],
    [undefined, "", "silent"],
  ];
  for (const [statusCode, message, answer] of answers) {
    await t.test(`${statusCode} ${message}`, () => assert.deepEqual(pullAnswer({ statusCode, json: { message } }), { answer, words: message }));
  }
});

test("images that cannot be pulled are named with the cause, the cure and the engine's words; the rest will be pulled", () => {
  const configured = (set: Record<string, string>) => {
    const all: Record<string, string> = { ...defaults(), ...set };
    return readConfiguration((key) => all[key], Object.keys(all), () => "unix:///var/run/docker.sock").configuration;
  };
  const pulls = {
    "a:1": { answer: "has it", words: "" },
    "b:1": { answer: "silent", words: "" },
    "c:1": { answer: "no such image", words: "manifest unknown" },
    "d:1": { answer: "credentials", words: "unauthorized" },
    "e:1": { answer: "out of reach", words: "dial tcp" },
    "f:1": { answer: "refused", words: "schema 1" },
    "g:1": { answer: "refused", words: "schema 1" },
  } as const;
  const bring = "pull them elsewhere and bring them here (npm run images -- save FILE, and load FILE), or name a registry that has them: pulumi config set imageRegistry REGISTRY";
  const set = "pulumi config set imageRegistryUsername NAME, and pulumi config set --secret imageRegistryPassword";
  const told = (config: Record<string, string>) => pullFindings(configured(config), pulls).map(({ name, text }) => `${levels[name]}: ${text}`);
  const rest = [
    `error: e:1: the Docker Engine cannot reach the registry: ${bring}. The Docker Engine said: dial tcp`,
    `error: f:1, g:1: the Docker Engine does not pull it: ${bring}. The Docker Engine said: schema 1`,
    "note: 2 of 4 images are not here yet and will be pulled: a:1, b:1; the registry of b:1 has not answered within 3 s",
  ];
  const absent = `error: c:1: there is no such image in the registry: ${bring}. The Docker Engine said: manifest unknown`;
  assert.deepEqual(told({}), [
    absent,
    `error: d:1: the registry asks for credentials, or has no such image: ${set}, for the registry in imageRegistry. The Docker Engine said: unauthorized`,
    ...rest,
  ]);
  assert.deepEqual(told({ imageRegistry: "registry.test", imageRegistryUsername: "me", imageRegistryPassword: "hidden" }), [
    absent,
    `error: d:1: the registry refuses the credentials of me, or does not show the image to them: ${set}. The Docker Engine said: unauthorized`,
    ...rest,
  ]);
});
