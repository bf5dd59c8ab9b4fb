/** The command drop-in: what it runs, what it keeps, how it fails and how it is stopped. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type * as grpc from "@grpc/grpc-js";
import { secret, UNKNOWN, type Properties } from "../../setup/drop-ins/wire";
import { startLogService, type LogService } from "./engine-log-service";
import { PluginProcess, pulumiHome } from "./plugin-process";

const URN = "urn:pulumi:dev::rec::command:local:Command::it";
const BIG = 200_000;

let home: Awaited<ReturnType<typeof pulumiHome>>;
let log: LogService;
let plugin: PluginProcess;
let folder: string;

before(async () => {
  home = await pulumiHome();
  log = await startLogService();
  folder = mkdtempSync(join(tmpdir(), "command-"));
});

beforeEach(async () => {
  await plugin?.stop();
  log.lines.length = 0;
  plugin = await PluginProcess.start(home.home, "command", log.address, { FROM_PLUGIN: "yes" });
});

after(async () => {
  await plugin?.stop();
  log?.stop();
  rmSync(folder, { recursive: true, force: true });
  home?.remove();
});

const create = (properties: Properties, more = {}) => plugin.call("Create", { urn: URN, properties, ...more }) as Promise<{ id: string; properties: Properties }>;

async function failure(call: Promise<unknown>): Promise<grpc.ServiceError> {
  return call.then(
    () => assert.fail("it succeeded"),
    (error: grpc.ServiceError) => error,
  );
}

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    // A zombie has ended: only its parent has not noticed yet.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (condition()) return;
    await sleep(50);
  }
  assert.fail(`waited in vain until ${what}`);
}

test("create runs with environment, folder, input and interpreter, and loses one final newline of each output", async () => {
  const { id, properties } = await create({
    create: 'echo "$A $FROM_PLUGIN $(pwd)"; cat; echo err >&2; echo',
    environment: { A: "1" },
    dir: folder,
    stdin: "given\n",
    interpreter: ["/bin/bash", "-c"],
  });
  assert.match(id, /^it[0-9a-f]{8}$/);
  assert.equal(properties.stdout, `1 yes ${folder}\ngiven\n`);
  assert.equal(properties.stderr, "err");
  assert.equal(properties.dir, folder);
});

test("update runs update, else create again, and is told what was said before", async () => {
  const olds = { create: "x", stdout: "old out", stderr: "old err" };
  const update = async (news: Properties) => ((await plugin.call("Update", { urn: URN, id: "it1", olds, news, oldInputs: { create: "x" } })) as { properties: Properties }).properties.stdout;
  assert.equal(await update({ create: "echo again", update: 'echo "updated after $PULUMI_COMMAND_STDOUT and $PULUMI_COMMAND_STDERR"' }), "updated after old out and old err");
  assert.equal(await update({ create: "echo again" }), "again");
  assert.equal(await update({ create: 'echo "${PULUMI_COMMAND_STDOUT-unset}"', addPreviousOutputInEnv: false }), "unset");
  assert.equal(await update({ environment: { A: "2" } }), "old out");
});

test("delete runs with what the state holds, and nothing without a script", async () => {
  const file = join(folder, "deleted");
  const properties = { delete: 'echo "$ID after $PULUMI_COMMAND_STDOUT" > "$FILE"', environment: { ID: "7", FILE: file }, stdout: "made" };
  await plugin.call("Delete", { urn: URN, id: "it1", properties });
  assert.equal(readFileSync(file, "utf8"), "7 after made\n");
  await plugin.call("Delete", { urn: URN, id: "it1", properties: { create: "exit 1" } });
});

test("read runs nothing and gives the state back", async () => {
  const properties = { create: "exit 1", stdout: "s", stderr: "" };
  assert.deepEqual(await plugin.call("Read", { urn: URN, id: "it1", properties, inputs: { create: "exit 1" } }), { id: "it1", properties, inputs: { create: "exit 1" } });
});

test("a preview runs nothing and does not know the outputs", async () => {
  const { properties } = await create({ create: `touch ${join(folder, "previewed")}` }, { preview: true });
  assert.equal(properties.stdout, UNKNOWN);
  assert.equal(existsSync(join(folder, "previewed")), false);
});

test("a failure says the status, the script and all that it said, and strikes secrets out", async () => {
  const error = await failure(create({ create: "echo to-out; echo to-err >&2; exit 3" }));
  assert.equal(error.details, 'exit status 3: running "echo to-out; echo to-err >&2; exit 3":\nto-out\nto-err\n');
  assert.ok(![2, 13, 15].includes(error.code));
  const secretly = await failure(create({ create: "echo $S; exit 4", environment: { S: secret("geheim") } }));
  assert.equal(secretly.details, 'exit status 4: running "echo $S; exit 4":\n[secret]\n');
  assert.match((await failure(create({ create: "kill -9 $$" }))).details, /^signal: SIGKILL: running/);
  assert.match((await failure(create({ create: "true", dir: "/nowhere" }))).details, /ENOENT/);
});

test("with a secret input the outputs are secret too", async () => {
  const { properties } = await create({ create: "echo $S", environment: { S: secret("geheim") } });
  assert.deepEqual(properties.stdout, secret("geheim"));
  assert.deepEqual(properties.environment, secret({ S: "geheim" }));
  assert.equal(properties.create, "echo $S");
});

test("lines are shown while it runs, as asked for, with secrets struck out", async () => {
  const shows = async (logging: string | undefined, expected: string[]) => {
    log.lines.length = 0;
    await create({ create: "echo out; echo err >&2; echo $S", environment: { S: secret("geheim") }, ...(logging ? { logging } : {}) });
    await log.until((messages) => messages.length >= expected.length);
    assert.ok(log.lines.every(({ urn, ephemeral }) => urn === URN && ephemeral));
    assert.deepEqual(log.lines.map(({ message }) => message).sort(), expected);
  };
  await shows(undefined, ["[secret]", "err", "out"]);
  await shows("stdoutAndStderr", ["[secret]", "err", "out"]);
  await shows("stdout", ["[secret]", "out"]);
  await shows("stderr", ["err"]);
  await shows("none", []);
});

test("a very long line hangs nothing, arrives whole and is shown in pieces", async () => {
  const { properties } = await create({ create: `head -c ${BIG} /dev/zero | tr '\\0' x; echo` });
  assert.equal(properties.stdout, "x".repeat(BIG));
  await log.until((messages) => messages.join("").length >= BIG);
  assert.equal(log.lines.map(({ message }) => message).join(""), "x".repeat(BIG));
  assert.ok(log.lines.every(({ message }) => message.length <= 4096));
});

test("very many lines hang nothing and arrive whole", async () => {
  const { properties } = await create({ create: "seq 1 20000 >&2" });
  assert.equal(String(properties.stderr).split("\n").length, 20000);
});

test("cancel kills the whole process group and ends the call", async () => {
  const file = join(folder, "pids");
  const running = failure(create({ create: `sleep 1000 & echo $! > ${file}; sleep 1001 & echo $! >> ${file}; wait` }));
  await until(() => existsSync(file) && readFileSync(file, "utf8").trim().split("\n").length === 2, "the processes run");
  const pids = readFileSync(file, "utf8").trim().split("\n").map(Number);
  assert.deepEqual(pids.map(alive), [true, true]);
  await plugin.cancel();
  const error = await running;
  assert.equal(error.details, "cancelled");
  assert.equal(error.code, 1);
  await until(() => !pids.some(alive), "they are gone");
});

test("a time limit ends the call even when a process that left the group holds the output open", { timeout: 60_000 }, async () => {
  const file = join(folder, "escaped");
  const error = await failure(create({ create: `setsid sleep 1000 & echo $! > ${file}; wait` }, { timeout: 5 }));
  assert.equal(error.details, "not finished within the time limit of 5 s");
  assert.equal(error.code, 4);
  const escaped = Number(readFileSync(file, "utf8"));
  assert.ok(alive(escaped), "it still holds the output");
  // It left the group on purpose; it is this test's to end.
  process.kill(escaped, "SIGKILL");
});

test("the plugin and its commands end when the engine is gone", async () => {
  const file = join(folder, "orphans");
  const { spawn } = await import("node:child_process");
  const launcher = join(home.home, "plugins/resource-command-v1.2.1/pulumi-resource-command");
  // A shell stands for the engine: it starts the plugin, tells the plugin's process and port, and is then killed.
  const engine = spawn("/bin/sh", ["-c", `${launcher} 127.0.0.1:9 & echo $!; wait`], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  engine.stdout.on("data", (chunk) => (said += chunk));
  await until(() => said.trim().split("\n").length === 2, "the plugin is up");
  const [pid = 0, port = 0] = said.trim().split("\n").map(Number);
  const { ResourceProviderClient } = await import("@pulumi/pulumi/proto/provider_grpc_pb.js");
  const { credentials } = await import("@grpc/grpc-js");
  const client = new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
  const orphan = Object.assign(Object.create(PluginProcess.prototype), { client, child: engine }) as PluginProcess;
  const running = failure(orphan.call("Create", { urn: URN, properties: { create: `sleep 1000 & echo $! > ${file}; wait` } }));
  await until(() => existsSync(file) && readFileSync(file, "utf8") !== "", "the command runs");
  engine.kill("SIGKILL");
  await until(() => !alive(pid) && !alive(Number(readFileSync(file, "utf8"))), "plugin and command are gone");
  await running;
  client.close();
});

test("inputs that it does not know are refused by name", async () => {
  const refused = async (news: Properties) => (await plugin.call("Check", { urn: URN, news })).failures;
  assert.deepEqual(await refused({ create: "a", colour: "red" }), [{ property: "colour", reason: 'command:local:Command has no input "colour"' }]);
  assert.match(JSON.stringify(await refused({ assetPaths: ["a"] })), /assetPaths.* not supported by this drop-in/);
  assert.match(JSON.stringify(await refused({ logging: "loud" })), /must be one of stdout, stderr, stdoutAndStderr, none/);
  assert.match(JSON.stringify(await refused({ triggers: "x" })), /must be a list/);
  assert.equal(await refused({ create: UNKNOWN, environment: { A: UNKNOWN, B: secret("b") }, triggers: [1, { a: UNKNOWN }], stdin: secret("s") }), undefined);
  await assert.rejects(plugin.call("Check", { urn: "urn:pulumi:dev::rec::command:remote:Command::it", news: {} }), /command:remote:Command is not in this drop-in/);
});

test("the function run gives the outputs back, and fails as a command does", async () => {
  assert.deepEqual(await plugin.invoke("command:local:run", { command: "echo $A", environment: { A: "1" } }), { command: "echo $A", environment: { A: "1" }, stdout: "1", stderr: "" });
  assert.match((await failure(plugin.invoke("command:local:run", { command: "exit 2" }))).details, /^exit status 2: running "exit 2"/);
  assert.match((await failure(plugin.invoke("command:local:run", {}))).details, /needs the input "command"/);
});
