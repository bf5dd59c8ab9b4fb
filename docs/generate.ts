/**
 * `npm run docs`: writes what is made from Pulumi.yaml and configuration/keys.ts, so that every key is described once: the JSON schema
 * of the stack files, for editors, and the keys in docs/configuration.md and in README.md; and the tables of docs/platforms.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { dump, load } from "js-yaml";

import { type Format, type Key, keys, type Rule, rules } from "../configuration/keys";
import { platformTables } from "./platform-tables";

/** A key as Pulumi.yaml declares it. */
export interface Declared {
  readonly type: "string" | "integer" | "boolean" | "object" | "array";
  readonly items?: { readonly type: "string" };
  readonly default: unknown;
  readonly description: string;
}

const root = join(__dirname, "..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

/** Pulumi.yaml, as a value. */
export function pulumiYaml() {
  return load(read("Pulumi.yaml")) as { name: string; runtime: unknown; options: unknown; main: string; config: Record<Key, Declared> };
}

/** Every generated file: its path → its text. */
export function documents(): Record<string, string> {
  const { name, config } = pulumiYaml();
  return {
    "Pulumi.schema.json": `${JSON.stringify(schema(name, config), undefined, 2)}\n`,
    "docs/configuration.md": between(read("docs/configuration.md"), "keys", keys.map((key) => section(name, key, config[key])).join("\n\n")),
    "docs/platforms.md": between(read("docs/platforms.md"), "platforms", platformTables()),
    "README.md": between(
      read("README.md"),
      "configuration",
      ["| key | type | default | meaning |", "|---|---|---|---|", ...keys.map((key) => row(key, config[key]))].join("\n"),
    ),
  };
}

function schema(project: string, config: Record<Key, Declared>) {
  const properties = keys.map((key) => {
    const { type, default: value, description } = config[key];
    const { write, example }: Rule = rules[key];
    const hint = write ? ` ${sentence(write)}` : "";
    return [`${project}:${key}`, { description: description + hint, default: value, examples: [example], anyOf: shapes(type, rules[key]) }];
  });
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: `A stack of ${project}`,
    type: "object",
    properties: {
      config: {
        type: "object",
        properties: Object.fromEntries(properties),
        // The keys of providers are theirs.
        patternProperties: { [`^(?!${project}:)[^:]+:.`]: {} },
        additionalProperties: false,
      },
    },
    definitions: {
      secret: { description: "Written by pulumi config set --secret.", type: "object", required: ["secure"], additionalProperties: false, properties: { secure: { type: "string" } } },
    },
  };
}

/** What a value may be in a stack file. `pulumi config set` writes numbers and booleans as texts. */
function shapes(type: Declared["type"], { pattern, oneOf, range, names, items, except = [] }: Rule) {
  const secret = { $ref: "#/definitions/secret" };
  switch (type) {
    case "integer":
      return [
        { type: "integer", minimum: range?.[0], maximum: range?.[1], not: wrongIntegers(range, except) },
        { type: "string", pattern: "^\\d+$", allOf: exceptions(except) },
        secret,
      ];
    case "boolean":
      return [{ type: "boolean" }, { type: "string", pattern: pattern?.source }, secret];
    case "object":
      return [
        {
          type: "object",
          propertyNames: { pattern: names?.pattern?.source, allOf: exceptions(names?.except) },
          additionalProperties: {
            anyOf: [{ type: ["string", "integer", "boolean"], minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }, secret],
          },
        },
      ];
    case "array":
      return [{ type: "array", items: { type: "string", enum: items?.oneOf?.values, pattern: items?.pattern?.source, allOf: exceptions(items?.except) } }];
    case "string":
      return [
        {
          type: "string",
          enum: oneOf?.values,
          pattern: pattern?.source,
          allOf: exceptions(except),
        },
        secret,
      ];
  }
}

function exceptions(except: Format["except"] = []) {
  return except.length > 0 ? except.map(([wrong]) => ({ not: { pattern: wrong.source } })) : undefined;
}

/** Patterns hold for texts alone. */
function wrongIntegers([from, to]: NonNullable<Format["range"]> = [0, 0], except: NonNullable<Format["except"]>) {
  const wrong = except.flatMap(([pattern]) => Array.from({ length: to - from + 1 }, (_, i) => from + i).filter((value) => pattern.test(String(value))));
  return wrong.length > 0 ? { enum: wrong } : undefined;
}

function section(project: string, key: Key, { type, default: value, description }: Declared): string {
  const { names, items, secret, example, ...own }: Rule = rules[key];
  const { write, except = [] } = names ?? items ?? own;
  const structured = type === "object" || type === "array";
  return [
    `### \`${key}\``,
    `${type}, ${value === "" || structured ? "empty by default" : `default \`${value}\``}`,
    description,
    `${names ? "Names: " : items ? "Each: " : ""}${sentence(write ?? "")}`,
    ...(except.length > 0 ? ["Refused all the same:", except.map(([, why]) => `- ${why.replaceAll("<", "&lt;")}`).join("\n")] : []),
    structured
      ? `\`\`\`yaml\nconfig:\n${dump({ [`${project}:${key}`]: example }).replace(/^(?=.)/gm, "  ")}\`\`\``
      : secret
        ? `\`\`\`\npulumi config set --secret ${key}\n\`\`\``
        : `\`\`\`\npulumi config set ${key} ${/[;[]/.test(String(example)) ? `'${example}'` : example}\n\`\`\``,
  ].join("\n\n");
}

function row(key: Key, { type, default: value, description }: Declared): string {
  const shown = value === "" || typeof value === "object" ? "" : `\`${value}\``;
  return `| \`${key}\` | ${type} | ${shown} | ${/^.*?\.(?= |$)/.exec(description)?.[0]} |`;
}

const sentence = (text: string) => `${text[0].toUpperCase()}${text.slice(1)}.`;

/** The text with what is between two markers replaced. */
function between(text: string, marker: string, body: string): string {
  const [head, rest] = text.split(`<!-- ${marker} -->\n`);
  const tail = rest?.split(`<!-- /${marker} -->`)[1];
  if (tail === undefined) {
    throw new Error(`there is no <!-- ${marker} --> … <!-- /${marker} -->`);
  }
  return `${head}<!-- ${marker} -->\n${body}\n<!-- /${marker} -->${tail}`;
}

if (require.main === module) {
  for (const [file, text] of Object.entries(documents())) {
    writeFileSync(join(root, file), text);
  }
}
