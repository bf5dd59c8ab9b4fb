/** What the pages for the operator quote and link to is there. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

import { readConfiguration } from "../../configuration";
import { keys } from "../../configuration/keys";
import { levels } from "../../preflight/judge";
import { mockedStack } from "./mocked-stack";
import { defaults, project } from "./pulumi-yaml";

const read = (path: string) => readFileSync(join(project, path), "utf8");
const files = (folder: string, pattern: RegExp): string[] => readdirSync(join(project, folder)).filter((name) => pattern.test(name)).map((name) => join(folder, name));
const pages = ["README.md", ...files("docs", /\.md$/)];

test("every message in troubleshooting.md is one that the program prints", async (t) => {
  const sources = [...["configuration", "preflight", "preflight/judgments", "components"].flatMap((folder) => files(folder, /\.ts$/)), ...files("checks", /\.[cm]js$/), ...files("setup", /\.mjs$/)];
  // Sentences that go on in the next line's text are one, and what is put into them is left out.
  const printed = sources.map(read).join("\n").replaceAll(/["'`] \+\s+["'`]/g, "");
  const quoted = [...read("docs/troubleshooting.md").matchAll(/^### `(.+)`$/gm)].map(([, message]) => message);
  assert.ok(quoted.length > 12, String(quoted.length));
  for (const message of quoted) {
    await t.test(message, () => {
      const parts = message.split(/…|[:;] /).filter((part) => part.trim().length > 3);
      assert.ok(parts.length > 0);
      assert.deepEqual(parts.filter((part) => !printed.includes(part)), []);
    });
  }
});

test("troubleshooting.md has the name of each finding of preflight's, in the table of its level", () => {
  const [, errors = "", warnings = "", notes = ""] = /\| errors \|([^]+?)\| warnings \|([^]+?)Notes are ([^]+?):/.exec(read("docs/troubleshooting.md")) ?? [];
  const named = (text: string) => [...text.matchAll(/`([a-z0-9]+(?:-[a-z0-9]+)*)`/g)].map(([, name]) => name).filter((name) => name in levels);
  const found = { error: named(errors), warning: named(warnings), note: named(notes) };
  for (const [level, names] of Object.entries(found)) {
    assert.deepEqual(names.sort(), Object.keys(levels).filter((name) => levels[name] === level).sort());
  }
});

test("links between the pages lead somewhere, to their headings too", async (t) => {
  const anchor = (heading: string) => heading.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-");
  const anchors = (page: string) => [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchor(heading));
  for (const page of pages) {
    for (const [, path, to] of read(page).matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g)) {
      const target = path ? relative(project, join(project, dirname(page), path)) : page;
      await t.test(`${page}: ${path}#${to}`, () => {
        assert.ok(existsSync(join(project, target)));
        assert.ok(!to || anchors(target).includes(to), anchors(target).join(" "));
      });
    }
  }
});

test("the second cluster in operations.md is configured without a problem, and shares no name and no port with the default one", () => {
  const [, block] = /```yaml\n([\s\S]+?)```/.exec(read("docs/operations.md")) ?? [];
  const set = Object.fromEntries([...block.matchAll(/mesos-marathon:(\w+): (.*)/g)].map(([, key, value]) => [key, value]));
  const all: Record<string, string> = { ...defaults(), ...set };
  assert.deepEqual(readConfiguration((key) => all[key], Object.keys(all), () => "unix:///var/run/docker.sock").problems, []);
  const own = Object.keys(defaults()).filter((key) => /Name$|Port$|Resources$/.test(key));
  assert.deepEqual(own.filter((key) => !(key in set)), []);
  assert.deepEqual(own.filter((key) => set[key] === defaults()[key as keyof typeof set]), []);
});

/** Code in a page: what stands between backticks, in lines or in blocks. */
const code = (page: string) => [...read(page).matchAll(/```\w*\n([\s\S]+?)```|`([^`\n]+)`/g)].map(([, block, inline]) => block ?? inline);

/** What the table in outputs.md says of each output. */
function outputs() {
  const [, rows] = /\| output \|.*\n\|[-|]+\n((?:\|.*\n)+)/.exec(read("docs/outputs.md")) ?? [];
  return [...rows.matchAll(/^\| `(\w+)` \| .+ \| (?:`(.+)`|below) \|$/gm)].map(([, name, example]) => ({ name, example }));
}

test("keys, scripts and outputs that the pages name are there", async (t) => {
  const { scripts } = JSON.parse(read("package.json"));
  const named: Record<string, { there: readonly string[]; pattern: RegExp }> = {
    // Another project's have its folder in front.
    keys: { there: keys, pattern: /(?<!-C examples\/consumer )config (?:set|rm)(?: --?\w+)* ([a-z]\w*)/g },
    scripts: { there: [...Object.keys(scripts), "pulumi"], pattern: /npm run (?:-s )?([a-z:]+)/g },
    outputs: { there: outputs().map(({ name }) => name), pattern: /(?<!-C examples\/consumer )stack output ([a-z]\w*)/gi },
  };
  for (const [what, { there, pattern }] of Object.entries(named)) {
    const used = pages.flatMap((page) => code(page).flatMap((text) => [...text.matchAll(pattern)].map(([, name]) => ({ page, name }))));
    await t.test(`${used.length} ${what}`, () => {
      assert.ok(used.length > 1);
      assert.deepEqual(used.filter(({ name }) => !there.includes(name)), []);
    });
  }
});

test("the package that outputs.md names is of this version", () => {
  const { version } = JSON.parse(read("package.json"));
  assert.deepEqual([...read("docs/outputs.md").matchAll(/mesos-marathon-([\d.]+)\.tgz/g)].map(([, named]) => named), [version]);
});

test("the outputs in outputs.md are the stack's, and so is the description", async () => {
  const config = { ...defaults(), preflight: "false", imageSet: "rehearsal" };
  const real = await (await mockedStack(require("../../index"), { config })).outputs;
  assert.deepEqual(outputs().map(({ name }) => name).sort(), Object.keys(real).sort());
  for (const { name, example } of outputs()) {
    assert.ok(!example || real[name] === example, name);
  }
  assert.deepEqual(JSON.parse(/```json\n([\s\S]+?)```/.exec(read("docs/outputs.md"))?.[1] ?? ""), real.cluster);
});
