import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import Ajv from "ajv";
import { load } from "js-yaml";

import { imageSets } from "../../components";
import { documents, pulumiYaml } from "../../docs/generate";
import { type Key, keys, type Rule, rules } from "../../configuration/keys";
import { readConfiguration } from "../../configuration";
import { table } from "./configuration-table";
import { defaults, project } from "./pulumi-yaml";

const read = (file: string) => readFileSync(join(project, file), "utf8");

test("what is generated from the keys is as it was committed; npm run docs writes it anew", () => {
  for (const [file, text] of Object.entries(documents())) {
    assert.equal(read(file), text, file);
  }
});

test("the sample of errors in docs/configuration.md is what the program says", () => {
  const set = { marathonPort: "80800", mesosSlaveName: "mesos slave", mesosSlaveEnvironment: '{"MESOS_GC_DELAYS":"2days"}' };
  const all: Record<string, string> = { ...defaults(), ...set };
  const { problems } = readConfiguration((key) => all[key], Object.keys(all), () => "unix:///var/run/docker.sock");
  const sample = ["The configuration of stack dev cannot be used:", ...problems.map((problem) => `  - ${problem}`)].join("\n");
  assert.ok(read("docs/configuration.md").includes(`\`\`\`\n${sample}\n\`\`\``), sample);
});

const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(JSON.parse(read("Pulumi.schema.json")));
const passes = (config: Record<string, unknown>) => validate({ config: Object.fromEntries(Object.entries(config).map(([key, value]) => [`mesos-marathon:${key}`, value])) });

test("the stack files here name the schema and pass it", () => {
  const files = readdirSync(project).filter((file) => /^Pulumi\..+\.yaml$/.test(file));
  assert.ok(files.includes("Pulumi.dev.yaml") && files.includes("Pulumi.rehearsal.yaml"));
  for (const file of files) {
    assert.match(read(file), /^# yaml-language-server: \$schema=Pulumi\.schema\.json$/m, file);
    assert.ok(validate(load(read(file))), `${file}: ${JSON.stringify(validate.errors)}`);
  }
});

test("every key's default and example pass the schema and the rules, as YAML has them and as pulumi config set writes them", () => {
  // What an example does not stand without.
  const registry = { imageRegistry: "registry.test", imageRegistryUsername: "me", imageRegistryPassword: "a-token" };
  const beside: Partial<Record<Key, Record<string, string>>> = { customImageSet: { imageSet: "custom" }, mesosSlaveDockerClient: { imageSet: "classic" }, imageRegistryUsername: registry, imageRegistryPassword: registry };
  for (const key of keys) {
    const { example }: Rule = rules[key];
    const { default: standard } = pulumiYaml().config[key];
    assert.notDeepEqual(example, standard, key);
    for (const value of [example, standard]) {
      const text = typeof value === "object" ? JSON.stringify(value) : String(value);
      const all: Record<string, string> = { ...defaults(), imageSet: "rehearsal", address: "192.0.2.7", ...(value === example && beside[key]), [key]: text };
      assert.ok(passes({ [key]: value }), `${key}: ${JSON.stringify(validate.errors)}`);
      assert.ok(typeof value === "object" || passes({ [key]: text }), `${key}: ${JSON.stringify(validate.errors)}`);
      assert.deepEqual(readConfiguration((name: Key) => all[name], Object.keys(all), () => "unix:///var/run/docker.sock", (name) => name === "imageRegistryPassword").problems, [], key);
    }
  }
});

test("secrets of Pulumi's pass the schema, in every place where they pass the program", () => {
  assert.ok(passes({ marathonEnvironment: { MARATHON_HTTP_CREDENTIALS: { secure: "v1:abc" }, A: "1", B: 2, C: true } }));
  assert.ok(passes({ dockerHost: { secure: "v1:abc" } }));
  assert.ok(!passes({ marathonEnvironment: { A: { secured: "v1:abc" } } }));
});

test("other projects' keys pass the schema, and unknown ones of this project do not", () => {
  assert.ok(validate({ config: { "docker:host": "tcp://192.0.2.7:2376" }, encryptionsalt: "v1:…" }));
  assert.ok(!validate({ config: { "mesos-marathon:marathonport": 1 } }));
  assert.ok(!validate({ config: { marathonPort: 1 } }));
});

test("the schema refuses nothing that the program takes, and of the bad input all that one key shows by itself", () => {
  const seenByProgramAlone: string[] = [];
  for (const [set, ...sentences] of table) {
    const config = Object.fromEntries(
      Object.entries(set).map(([key, value]) => {
        const { type } = pulumiYaml().config[key as Key] ?? { type: "string" };
        return [key, type === "integer" && /^-?\d+$/.test(value) ? Number(value) : ["object", "array"].includes(type) && /^[{[n]/.test(value) ? JSON.parse(value) : value];
      }),
    );
    if (sentences.length === 0) {
      assert.ok(passes(config), `${JSON.stringify(set)}: ${JSON.stringify(validate.errors)}`);
    } else if (passes(config)) {
      seenByProgramAlone.push(...sentences);
    }
  }
  // What hangs on another key, on the image set's version, on the length in bytes or on ranges of numbers in a text.
  const beyondSchema =
    /is the same; give|is on another machine|knows no other port|the slave offers it to tasks|is no range of ports|is what the stack sets itself|which the stack sets itself|where no volume is|is where the image writes|is no setting that|takes values apart|on the command line|is no user:password|LIBPROCESS_PORT is (no port|that of|among)|credential in the clear|has a line break|is longer than|lies in the same|is the same \(|does not name it|folders in mesos-marathon:dataFolder|the stack itself mounts|mounts \/b in that container|^dockerSocket is "\/run\/my docker|^customImageSet is|runs executors in containers of their own|^followImageTags is "true"|name and password|each container itself|by its first address|lies in it|^imageRegistryPassword is in the clear/;
  assert.deepEqual(seenByProgramAlone.filter((sentence) => !beyondSchema.test(sentence)), []);
  assert.ok(seenByProgramAlone.length > 20);
});

test("the stand-in for Marathon takes every option that the configuration takes for it", () => {
  const known: readonly string[] = read("rehearsal/marathon/options.py").match(/\w+/g) ?? [];
  const names = (imageSets.rehearsal.marathon.flags ?? []).filter((flag) => flag.startsWith("MARATHON_")).map((flag) => flag.slice("MARATHON_".length).toLowerCase());
  assert.ok(names.length > 100);
  assert.deepEqual(names.filter((name) => !known.includes(name) && !known.includes(name.replace(/^disable_/, ""))), []);
});
