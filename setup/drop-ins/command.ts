/** The command drop-in: local.Command and the function local.run. */
import { randomBytes } from "node:crypto";
import { runScript, type Script } from "./command/run-script";
import { boolean, check, list, map, member, string, type Difference, type Failure, type Fields } from "./fields";
import { serve, type Context, type Plugin, type ResourceType } from "./provider";
import { isObject, isUnknown, UNKNOWN, unwrap, type Json, type Properties } from "./wire";

const LOGGING = ["stdout", "stderr", "stdoutAndStderr", "none"];
const loggingField = string({ refuse: (value) => (LOGGING.includes(String(value)) ? undefined : `must be one of ${LOGGING.join(", ")}`) });

const SHARED: Fields = {
  dir: string(),
  environment: map(),
  interpreter: list({ refuse: (value) => ((value as Json[]).length > 0 ? undefined : "must name a program") }),
  stdin: string(),
  logging: loggingField,
  addPreviousOutputInEnv: boolean(),
  assetPaths: list({ unsupported: true }),
  archivePaths: list({ unsupported: true }),
};
const COMMAND: Fields = { create: string(), update: string(), delete: string(), ...SHARED };
const RUN: Fields = { command: string({ required: true }), ...SHARED };

/** Refuses what is not understood; the inputs themselves are kept as they came, without defaults, as the official plugin does. */
function checkInputs(fields: Fields, news: Properties, owner: string, anything: string[] = []): { inputs: Properties; failures: Failure[] } {
  const checked = Object.fromEntries(Object.entries(news).filter(([key]) => !anything.includes(key)));
  const { failures } = check(fields, checked, owner);
  // Environment variables may be given as numbers or truth values: they arrive as texts.
  const sound = failures.filter(({ property }) => property !== "environment" || !isScalarMap(news.environment));
  return { inputs: news, failures: sound };
}

function isScalarMap(value: Json | undefined): boolean {
  const open = unwrap(value ?? null);
  return isObject(open) && Object.values(open).every((item) => ["string", "number", "boolean"].includes(typeof unwrap(item)));
}

const command: ResourceType = {
  derivedOutputs: ["stdout", "stderr"],

  check: ({ news }) => {
    const { inputs, failures } = checkInputs(COMMAND, news, "command:local:Command", ["triggers"]);
    if (news.triggers !== undefined && !Array.isArray(unwrap(news.triggers)) && !isUnknown(unwrap(news.triggers))) {
      failures.push({ property: "triggers", reason: 'the input "triggers" of command:local:Command must be a list' });
    }
    return { inputs, failures };
  },

  /** Old inputs against new ones; only `triggers` as a whole replaces (the SDK asks for it where one entry changes). */
  diff: (olds, news, oldInputs, ignore) => {
    // A path below a property: the engine has put the old value there already, and the rest still counts.
    const ignored = new Set(ignore);
    const before = Object.keys(oldInputs).length > 0 ? oldInputs : olds;
    const names = [...new Set([...Object.keys(before), ...Object.keys(news)])].filter((name) => isInput(name) && !ignored.has(name)).sort();
    const found = names.flatMap((name) => changes(name, before[name] ?? null, news[name] ?? null));
    return { differences: found.map(({ path, change }) => ({ path, change, replace: path === "triggers" })) };
  },

  async create(context, inputs) {
    const id = context.name + randomBytes(4).toString("hex");
    if (context.preview) return { id, outputs: { ...inputs, stdout: UNKNOWN, stderr: UNKNOWN } };
    return { id, outputs: { ...inputs, ...(await run(context, inputs, inputs.create)) } };
  },

  async read(_context, id, olds, inputs) {
    return { id, outputs: withoutDelta(olds), inputs: inputs ?? {} };
  },

  async update(context, _id, olds, news) {
    const script = news.update ?? news.create;
    if (context.preview) return { ...news, stdout: UNKNOWN, stderr: UNKNOWN };
    return { ...news, ...(await run(context, news, script, olds)) };
  },

  async delete(context, _id, olds) {
    if (olds.delete) await run(context, olds, olds.delete, olds);
  },
};

const isInput = (name: string) => name in COMMAND || name === "triggers";
const withoutDelta = ({ __pulumi_raw_state_delta: _, ...rest }: Properties): Properties => rest;

type Change = Omit<Difference, "replace">;

/** Differences of two plain values, member by member. */
function changes(path: string, before: Json, after: Json): Change[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (before === null) return [{ path, change: "ADD" }];
  if (after === null) return [{ path, change: "DELETE" }];
  if (Array.isArray(before) && Array.isArray(after)) {
    const longest = Math.max(before.length, after.length);
    return Array.from({ length: longest }, (_, index) => changes(`${path}[${index}]`, before[index] ?? null, after[index] ?? null)).flat();
  }
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) => changes(path + member(name), before[name] ?? null, after[name] ?? null));
  }
  return [{ path, change: "UPDATE" }];
}

/** Runs one of a Command's scripts; without a script, what was said before stays. */
async function run(context: Context, inputs: Properties, script: Json | undefined, previous?: Properties): Promise<Properties> {
  if (!script) return { stdout: previous?.stdout ?? "", stderr: previous?.stderr ?? "" };
  return runScript(context, asScript(inputs, String(script), previous));
}

function asScript(inputs: Properties, text: string, previous?: Properties): Script {
  const environment = Object.fromEntries(Object.entries((inputs.environment ?? {}) as Properties).map(([name, value]) => [name, String(value)]));
  if (inputs.addPreviousOutputInEnv !== false) {
    if (previous?.stdout) environment.PULUMI_COMMAND_STDOUT = String(previous.stdout);
    if (previous?.stderr) environment.PULUMI_COMMAND_STDERR = String(previous.stderr);
  }
  const logging = String(inputs.logging ?? "stdoutAndStderr");
  return {
    text,
    interpreter: (inputs.interpreter as string[] | undefined) ?? ["/bin/sh", "-c"],
    environment,
    dir: inputs.dir as string | undefined,
    stdin: inputs.stdin as string | undefined,
    show: { stdout: logging.startsWith("stdout"), stderr: logging === "stderr" || logging === "stdoutAndStderr" },
  };
}

/** Key and value that the official plugin adds to its configuration: kept, so that neither sees a change by the other. */
const CONFIG_MARK = { "__pulumi-go-provider-version": "1.2.0" };

const plugin: Plugin = {
  name: "command",
  version: "1.2.1",
  autonaming: false,
  resources: { "command:local:Command": command },
  invokes: {
    async "command:local:run"(context, args) {
      const { inputs, failures } = checkInputs(RUN, args, "command:local:run");
      if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason).join("; "));
      return { ...inputs, ...(await runScript(context, asScript(inputs, String(inputs.command)))) };
    },
  },

  checkConfig(news) {
    const known = ["version", "pluginDownloadURL", "__internal", ...Object.keys(CONFIG_MARK)];
    const failures = Object.keys(news)
      .filter((key) => !known.includes(key))
      .map((property) => ({ property, reason: `the command provider has no setting "${property}"` }));
    return { inputs: { ...news, ...CONFIG_MARK }, failures };
  },

  configure() {},
};

void serve(plugin);
