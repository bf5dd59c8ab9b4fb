import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";

import type { Sight } from "../../components/choose-image-set";

// The set-up is ES modules, these tests are not.
let modules: {
  stack: typeof import("../../setup/stack.mjs", { with: { "resolution-mode": "import" } });
  engine: typeof import("../../setup/docker-engine.mjs", { with: { "resolution-mode": "import" } });
  daemon: typeof import("../../setup/docker-daemon.mjs", { with: { "resolution-mode": "import" } });
  containers: typeof import("../../setup/containers.mjs", { with: { "resolution-mode": "import" } });
  client: typeof import("../../setup/docker-client.mjs", { with: { "resolution-mode": "import" } });
  backend: typeof import("../../setup/backend.mjs", { with: { "resolution-mode": "import" } });
  pulumi: typeof import("../../setup/pulumi-engine.mjs", { with: { "resolution-mode": "import" } });
  dependencies: typeof import("../../setup/dependencies.mjs", { with: { "resolution-mode": "import" } });
  ledger: typeof import("../../setup/ledger.mjs", { with: { "resolution-mode": "import" } });
  child: typeof import("../../setup/child.mjs", { with: { "resolution-mode": "import" } });
};

before(async () => {
  modules = {
    stack: await import("../../setup/stack.mjs"),
    engine: await import("../../setup/docker-engine.mjs"),
    daemon: await import("../../setup/docker-daemon.mjs"),
    containers: await import("../../setup/containers.mjs"),
    client: await import("../../setup/docker-client.mjs"),
    backend: await import("../../setup/backend.mjs"),
    pulumi: await import("../../setup/pulumi-engine.mjs"),
    dependencies: await import("../../setup/dependencies.mjs"),
    ledger: await import("../../setup/ledger.mjs"),
    child: await import("../../setup/child.mjs"),
  };
});

describe("the stack that npm run up chooses", () => {
  const platform = { version: "20.10.24", minApiVersion: "1.12", cgroupVersion: "1", architecture: "amd64" };
  const choose = (changes: object, registries: Sight["registries"] = { "mesoscloud/zookeeper:3.4.6-ubuntu-14.04": "has it" }) =>
    modules.stack.chooseStack({ platform: { ...platform, ...changes }, images: [], registries });

  it("is dev where the tutorial's images run", async () =>
    assert.deepEqual(await choose({}), { stack: "dev", why: "an image registry answers, and this host can run its images" }));
  it("is called as its image set where that is another", async () => {
    const choice = await choose({ version: "28.5.2", minApiVersion: "1.24" }, { "zookeeper:3.6.4": "has it" });
    assert.equal("stack" in choice && choice.stack, "classic");
    assert.match("why" in choice ? choice.why : "", /^an image registry answers, and .*; not tutorial: Docker Engine 28\.5\.2 does not pull images .*; not tutorial: the docker client /);
  });
  it("has a file", async () => {
    for (const changes of [{}, { version: "28.5.2", minApiVersion: "1.24" }, { cgroupVersion: "2" }]) {
      const choice = await choose(changes);
      assert.doesNotThrow(() => modules.stack.checkStack("stack" in choice ? choice.stack : "none"));
    }
  });
  it("is none where the host runs no set as it is, and then it is said why, and what can be done", async () => {
    const choice = await choose({ version: "29.0.0", minApiVersion: "1.44", containerdStore: true }, { "zookeeper:3.6.4": "has it" });
    const problem = "problem" in choice ? choice.problem : "";
    assert.match(problem, /^This host can run none .*\n  - tutorial: .*\n[\s\S]*  - classic: the docker client [\s\S]*  - modern: Mesos 1\.11\.0-0\.9\.0 needs cgroup v2/);
    assert.match(problem, /Ways out:\n[\s\S]*  - classic: Mount a static docker client .*\n  - classic: Put "features"[\s\S]+DOCKER_HOST[\s\S]+--stack rehearsal[\s\S]+--stack dev/);
  });

  for (const [args, asked, rest] of [
    [["--stack", "dev", "--diff"], "dev", ["--diff"]],
    [["--diff", "--stack=dev"], "dev", ["--diff"]],
    [["-s", "dev"], "dev", []],
    [["--yes"], undefined, ["--yes"]],
  ] as const) {
    it(`is asked for by ${args.join(" ")}: ${asked}`, () => assert.deepEqual(modules.stack.takeStack([...args]), { asked, rest }));
  }
  it("must have a name after --stack", () => assert.throws(() => modules.stack.takeStack(["--stack"]), /followed by the name of a stack: .*dev.*rehearsal/));
  it("must have a file", () => assert.throws(() => modules.stack.checkStack("prod"), /no stack prod: there are classic, dev, modern, rehearsal/));
  it("may be named with its organization", () => assert.doesNotThrow(() => modules.stack.checkStack("me/mesos-marathon/dev")));
  it("is the one of the last up, while its file is there, and what else is up is named", async (t) => {
    const clone = mkdtempSync(join(tmpdir(), "mesos-marathon-clone-"));
    t.after(() => rmSync(clone, { recursive: true }));
    for (const folder of ["setup", "checks"]) {
      cpSync(join(__dirname, "../..", folder), join(clone, folder), { recursive: true });
    }
    const file = join(clone, "Pulumi.old.yaml");
    writeFileSync(file, "config: {}\n");
    const { rememberStack, rememberedStack }: typeof modules.stack = await import(join(clone, "setup", "stack.mjs"));
    rememberStack("me/mesos-marathon/old");
    assert.equal(rememberedStack(), "me/mesos-marathon/old");
    rmSync(file);
    assert.equal(rememberedStack(), undefined);

    const down = () => spawnSync(process.execPath, [join(clone, "setup", "down.mjs")], { encoding: "utf8" }).stderr;
    assert.match(down(), /^There is nothing to take down/);
    const states = join(clone, ".local", "state", ".pulumi", "stacks", "mesos-marathon");
    mkdirSync(states, { recursive: true });
    for (const [name, resources] of [["a", [{}]], ["b", [{}]], ["empty", []]] as const) {
      writeFileSync(join(states, `${name}.json`), JSON.stringify({ checkpoint: { latest: { resources } } }));
    }
    assert.match(down(), /^Up in this clone: the stack a and the stack b\. To take it down: npm run down -- --stack NAME$/m);
    rmSync(join(states, "b.json"));
    assert.match(down(), /^Up in this clone: the stack a\. To take it down: npm run down -- --stack a$/m);
  });
  it("is not made again where it is there, however it is named", (t) => {
    const clone = mkdtempSync(join(tmpdir(), "mesos-marathon-clone-"));
    t.after(() => rmSync(clone, { recursive: true }));
    for (const folder of ["setup", "checks"]) {
      cpSync(join(__dirname, "../..", folder), join(clone, folder), { recursive: true });
    }
    writeFileSync(join(clone, "Pulumi.mine.yaml"), "config: {}\n");
    const states = join(clone, ".local", "state", ".pulumi", "stacks", "mesos-marathon");
    mkdirSync(states, { recursive: true });
    writeFileSync(join(clone, "pulumi"), `#!/bin/sh\necho "$@" >> "${clone}/asked"\n`, { mode: 0o755 });
    // Nobody is logged in, so that the state is the clone's.
    const { PULUMI_BACKEND_URL, PULUMI_ACCESS_TOKEN, ...others } = process.env;
    const env = { ...others, PATH: `${clone}:${process.env.PATH}`, PULUMI_CREDENTIALS_PATH: clone };
    const script = `import("${clone}/setup/prepare.mjs").then(({ makeStack }) => makeStack(process.argv[1], process.env))`;
    const asked = (stack: string) => {
      writeFileSync(join(clone, "asked"), "");
      assert.equal(spawnSync(process.execPath, ["-e", script, stack], { env, encoding: "utf8" }).stderr, "");
      return readFileSync(join(clone, "asked"), "utf8");
    };
    assert.equal(asked("organization/mesos-marathon/mine"), "stack init organization/mesos-marathon/mine --non-interactive\n");
    writeFileSync(join(states, "mine.json"), "{}");
    assert.equal(asked("organization/mesos-marathon/mine"), "", "it is selected already");
    assert.equal(asked("mine"), "stack select mine --non-interactive\n");
    assert.equal(asked("organization/mesos-marathon/mine"), "stack select organization/mesos-marathon/mine --non-interactive\n");
  });
  it("has outputs for a person, and others for programs", () => {
    assert.deepEqual(modules.stack.outputLines({ cluster: { schemaVersion: 1 }, marathonUrl: "http://127.0.0.1:8080", mesosUrl: "http://127.0.0.1:5050" }), [
      "marathonUrl  http://127.0.0.1:8080",
      "mesosUrl     http://127.0.0.1:5050",
    ]);
    assert.deepEqual(modules.stack.outputLines({}), []);
  });
  it("has its settings in its file", () => {
    assert.equal(modules.stack.setting("rehearsal", "imageSet"), "rehearsal");
    assert.equal(modules.stack.setting("me/mesos-marathon/dev", "imageSet"), "tutorial");
    assert.equal(modules.stack.setting("dev", "dockerHost"), "");
  });
});

describe("the containers that npm run logs and npm run stop are about", () => {
  const made = (stack: string) => ["marathon", "zookeeper", "mesos-slave", "mesos-master"].map((component) => ({ stack, component, name: `${stack}-${component}`, status: "Up 2 minutes" }));
  const choose = (asked: string | undefined, remembered: string | undefined, ...stacks: string[]) => {
    const chosen = modules.containers.chooseContainers(asked, remembered, stacks.flatMap(made));
    return "problem" in chosen ? chosen.problem : chosen.containers.map(({ name }) => name).join(" ");
  };
  const of = (stack: string) => ["zookeeper", "mesos-master", "mesos-slave", "marathon"].map((component) => `${stack}-${component}`).join(" ");

  it("are the only stack's, in the order of start", () => assert.equal(choose(undefined, undefined, "a"), of("a")));
  it("are those of the stack that was asked for", () => assert.equal(choose("me/mesos-marathon/b", "a", "a", "b"), of("b")));
  it("are those of npm run up's stack", () => assert.equal(choose(undefined, "b", "a", "b"), of("b")));
  it("are the only stack's where npm run up's has none", () => assert.equal(choose(undefined, "b", "a"), of("a")));
  it("are not guessed among several", () =>
    assert.equal(choose(undefined, "c", "b", "a"), "There are containers of the stacks a and b: add -- --stack NAME."));
  it("are not another stack's than was asked for", () =>
    assert.equal(choose("b", "a", "a"), "There are no containers of the stack b here. There are containers of the stack a: add -- --stack NAME."));
  it("are none before the first up", () => {
    assert.equal(choose(undefined, undefined), "There are no containers of this project here: npm run up, or pulumi up, makes them.");
    assert.equal(choose("a", undefined), "There are no containers of the stack a here: npm run up, or pulumi up, makes them.");
  });
});

it("npm run stop stops Marathon first, and says what becomes of tasks and what starts the cluster again", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "stop-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const server = createServer((_, response) => response.end("OK")).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const stop = (hostConfig: object) => {
    const lines = ["zookeeper", "mesos-master", "mesos-slave", "marathon"].map((component) => `a\\t${component}\\t${component}\\tUp 2 minutes\\n`).join("");
    const inspected = JSON.stringify(hostConfig);
    writeFileSync(
      join(folder, "docker"),
      `#!/bin/sh\ncase $1 in\nps) printf '${lines}';;\ninspect) shift 3; for name in "$@"; do echo '${inspected}'; done;;\nesac\n`,
      { mode: 0o755 },
    );
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, DOCKER_HOST: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, DOCKER_TLS_VERIFY: "" };
    return promisify(execFile)(process.execPath, [join(__dirname, "../../setup/stop.mjs"), "--stack", "a"], { env }).then(({ stderr }) => stderr.split("\n"));
  };
  assert.deepEqual(await stop({ PidMode: "", RestartPolicy: { Name: "unless-stopped" } }), [
    ...["marathon", "mesos-slave", "mesos-master", "zookeeper"].map((name) => `Stopping ${name}`),
    "The stack a is stopped; data, ids and containers are kept. The executors of its tasks ran in the slave's container and have ended. " +
      "The tasks' containers run on until an up with preflight removes them; Marathon starts the tasks afresh when it is back.",
    "To start it again: npm run up, or pulumi up. A start of the Docker Engine or of the machine leaves it stopped: its restart policy is unless-stopped.",
    "",
  ]);
  const [, , , , stopped, start] = await stop({ PidMode: "host", RestartPolicy: { Name: "always" } });
  assert.match(stopped, /kept\. Tasks run on for 15 minutes: .* After that they end, and Marathon starts them afresh when it is back\.$/);
  assert.match(start, /A start of the Docker Engine or of the machine starts it, too\.$/);
});

describe("a Docker Engine that does not answer", () => {
  const situation = { dockerHost: "unix:///var/run/docker.sock", chosenBy: "", code: "ENOENT", message: "connect ENOENT", installed: false, installedByUs: false, systemd: false };
  const remedy = (changes: object) => modules.engine.remedy({ ...situation, ...changes });

  it("is installed, and started by hand without an init system", () => assert.deepEqual(remedy({}), { install: true, start: "by hand" }));
  it("is installed, and started by systemd where there is one", () => assert.deepEqual(remedy({ systemd: true }), { install: true, start: "systemd" }));
  it("is started by hand where it is installed and there is no init system", () => assert.deepEqual(remedy({ installed: true }), { install: false, start: "by hand" }));
  it("is started where the set-up installed it", () =>
    assert.deepEqual(remedy({ installed: true, installedByUs: true, systemd: true }), { install: false, start: "systemd" }));
  for (const [what, changes, sentence] of [
    ["a person's, stopped", { installed: true, systemd: true }, /installed but not running.*sudo systemctl start docker/],
    ["a socket without permission", { code: "EACCES", installed: true }, /No permission.*usermod -aG docker/],
    ["named by DOCKER_HOST", { dockerHost: "tcp://far:2375", chosenBy: "DOCKER_HOST", message: "refused" }, /tcp:\/\/far:2375, which DOCKER_HOST names \(refused\)/],
    ["named by the stack", { dockerHost: "tcp://far:2375" }, /which the stack's configuration \(dockerHost\) names/],
    ["one that hangs", { code: "ETIMEDOUT" }, /takes connections but does not answer/],
  ] as const) {
    it(`is told what to do about: ${what}`, () => {
      const told = remedy(changes);
      assert.match("problem" in told ? told.problem : "nothing", sentence);
    });
  }

  it("is the one that the docker CLI would use", () => {
    assert.deepEqual(modules.client.currentDockerHost({ DOCKER_HOST: "tcp://a:1", HOME: "/nowhere" }), { dockerHost: "tcp://a:1", chosenBy: "DOCKER_HOST" });
    assert.deepEqual(modules.client.currentDockerHost({ HOME: "/nowhere" }), { dockerHost: "unix:///var/run/docker.sock", chosenBy: "" });
  });

  it("is nobody's where the docker CLI's context is not there", () => {
    assert.throws(() => modules.client.currentDockerHost({ HOME: "/nowhere", DOCKER_CONTEXT: "gone" }), {
      message: 'The docker CLI\'s context "gone" (DOCKER_CONTEXT) is not found: choose one of docker context ls, with docker context use NAME or DOCKER_CONTEXT, or set mesos-marathon:dockerHost.',
    });
  });

  it("answers at an IPv6 address, too", async (t) => {
    const server = createServer((_, response) => response.end("OK"));
    t.after(() => server.close());
    const listens = await new Promise((resolve) => server.on("error", () => resolve(false)).listen(0, "::1", () => resolve(true)));
    if (!listens) {
      return t.skip("there is no IPv6 here");
    }
    assert.deepEqual(await modules.client.ask(`tcp://[::1]:${(server.address() as AddressInfo).port}`, "/_ping"), { status: 200, body: "OK" });
  });

  it("is known by its process's name, so that a number that was left keeps none from starting", (t) => {
    const folder = mkdtempSync(join(tmpdir(), "daemon-"));
    t.after(() => rmSync(folder, { recursive: true }));
    copyFileSync("/bin/sleep", join(folder, "dockerd"));
    const child = spawn(join(folder, "dockerd"), ["60"]);
    t.after(() => child.kill("SIGKILL"));
    assert.deepEqual([child.pid!, process.pid, 0, Number.NaN].map(modules.daemon.isDaemon), [true, false, false, false]);
  });

  it("gets a runtime of its own only where the machine lacks a capability", () => {
    const lacks = (bounding: string, last = "40\n") => modules.daemon.lacksCapability(`Name:\tnode\nCapBnd:\t${bounding}\nCapAmb:\t0\n`, last);
    assert.equal(lacks("000001ffffffffff"), false);
    assert.equal(lacks("000001fffeffffff"), true);
    assert.equal(lacks("0000003fffffffff"), true);
    assert.equal(lacks("0000003fffffffff", "37\n"), false);
  });
});

describe("Pulumi's backend", () => {
  const uses = (environment: NodeJS.ProcessEnv, login?: string, inUse = false) => modules.backend.usesOwnBackend({ environment, login, inUse });

  it("is the clone's where nobody is logged in", () => assert.equal(uses({}), true));
  it("is the person's where they are logged in", () => assert.equal(uses({}, "https://api.example"), false));
  it("is the person's where the environment names one", () => assert.equal(uses({ PULUMI_BACKEND_URL: "s3://state" }), false));
  it("is the person's where the environment has a token", () => assert.equal(uses({ PULUMI_ACCESS_TOKEN: "x" }), false));
  it("stays the clone's while a cluster is up in it", () => assert.equal(uses({}, "https://api.example", true), true));
  it("is what the environment says even then", () => assert.equal(uses({ PULUMI_BACKEND_URL: "s3://state" }, undefined, true), false));

  const before = "# words\nconfig:\n  mesos-marathon:address: 127.0.0.1\n";
  const salt = "encryptionsalt: v1:abc=:v1:def:ghi==\n";
  const state = JSON.stringify({ salt: "v1:abc=:v1:def:ghi==" });
  it("leaves no salt of its own in a stack's file", () => assert.equal(modules.backend.withoutSalt(before, before + salt, state), before));
  it("leaves the file as it was where Pulumi only wrote it anew", () =>
    assert.equal(modules.backend.withoutSalt(before, before.replace("127.0.0.1", '"127.0.0.1"') + salt, state), before));
  it("keeps what a command changed in the file", () =>
    assert.equal(modules.backend.withoutSalt(before, `${before}  mesos-marathon:marathonPort: "8081"\n${salt}`, state), `${before}  mesos-marathon:marathonPort: "8081"\n`));
  it("takes out the salt that a run which was cut off has left", () => assert.equal(modules.backend.withoutSalt(before + salt, before + salt, state), before));
  it("keeps a salt that is not its own", () => assert.equal(modules.backend.withoutSalt(before, before + salt, "{}"), before + salt));
  it("keeps the salt that secrets in the file need", () => {
    const secret = `${before}  mesos-marathon:x:\n    secure: v1:abc\n${salt}`;
    assert.equal(modules.backend.withoutSalt(before, secret, state), secret);
  });

  it("takes a process that has ended for gone, although nobody has reaped it", async () => {
    const { runs, startOf } = await import("../../setup/files.mjs");
    // The shell turns into a program that reaps no children; only then the child, which reads from us, is let go.
    const parent = spawn("sh", ["-c", "cat <&3 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore", "pipe"] });
    const until = async (what: () => boolean) => {
      for (let round = 0; !what() && round < 500; round++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    try {
      const pid = Number(String(await new Promise((resolve) => parent.stdout!.once("data", resolve))));
      await until(() => readFileSync(`/proc/${parent.pid}/comm`, "utf8") === "sleep\n");
      (parent.stdio[3] as Writable).end();
      const state = () => /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
      await until(() => state() === "Z");
      assert.deepEqual([state(), runs({ pid }), startOf(pid), runs({ pid: process.pid })], ["Z", false, undefined, true]);
    } finally {
      parent.kill("SIGKILL");
    }
  });

  it("keeps no lock of a process that is gone, but that of one which was making something, and every other one", () => {
    const folder = mkdtempSync(join(tmpdir(), "locks-"));
    try {
      const stack = join(folder, "locks", "organization", "mesos-marathon", "rehearsal");
      const state = (operations: object[]) => JSON.stringify({ checkpoint: { latest: { pending_operations: operations } } });
      mkdirSync(stack, { recursive: true });
      mkdirSync(join(folder, "stacks", "mesos-marathon"), { recursive: true });
      const gone = spawnSync("true").pid;
      const lock = (name: string, pid: number, host: string) => {
        writeFileSync(join(stack, `${name}.json`), JSON.stringify({ pid, hostname: host, timestamp: "2026-01-01T00:00:00Z" }));
        writeFileSync(join(stack, `${name}.json.attrs`), "{}");
      };
      lock("gone", gone, hostname());
      lock("running", process.pid, hostname());
      lock("elsewhere", gone, `${hostname()}-2`);
      writeFileSync(join(folder, "stacks", "mesos-marathon", "rehearsal.json"), state([{ type: "creating", resource: {} }]));
      modules.backend.dropDeadLocks(folder);
      assert.ok(readdirSync(stack).includes("gone.json"));
      writeFileSync(join(folder, "stacks", "mesos-marathon", "rehearsal.json"), state([{ type: "deleting", resource: {} }]));
      modules.backend.dropDeadLocks(folder);
      assert.deepEqual(readdirSync(stack).sort(), ["elsewhere.json", "elsewhere.json.attrs", "running.json", "running.json.attrs"]);
      modules.backend.dropDeadLocks(join(folder, "none"));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("what is there already", () => {
  it("counts as a Pulumi CLI from the version that the project asks for on", () => {
    const newEnough = (version: string) => modules.pulumi.isAtLeast(version, "3.150.0");
    assert.deepEqual(["v3.150.0", "3.259.0-dev", "v4.0.0", "go3.150"].map(newEnough), [true, true, true, true]);
    assert.deepEqual(["v3.149.9", "v2.300.0", "", "0.0.0"].map(newEnough), [false, false, false, false]);
  });

  it("counts as npm packages where it is what the lock file asks for", () => {
    const lock = { packages: { "": {}, "node_modules/a": { version: "1.0.0" }, "node_modules/b": { version: "2.0.0", optional: true } } };
    const there = (packages: Record<string, { version: string }>) => modules.dependencies.matches(lock, { packages });
    assert.equal(there({ "node_modules/a": { version: "1.0.0" } }), true);
    assert.equal(there({ "node_modules/a": { version: "1.0.0" }, "node_modules/b": { version: "2.0.0" } }), true);
    assert.equal(there({ "node_modules/a": { version: "1.0.1" } }), false);
    assert.equal(there({ "node_modules/a": { version: "1.0.0" }, "node_modules/c": { version: "1.0.0" } }), false);
    assert.equal(modules.dependencies.matches(lock, {}), false);
  });
});

describe("the drop-ins for the plugins", () => {
  it("take the place of what is lacking or was cut off, and of no official plugin that is whole", async (t) => {
    const { install } = await import("../../setup/drop-ins/install.mjs");
    const { hasPlugins, neededPlugins } = await import("../../setup/plugins.mjs");
    const home = mkdtempSync(join(tmpdir(), "pulumi-home-"));
    t.after(() => rmSync(home, { recursive: true }));
    const [docker, command] = neededPlugins().map(({ name, version }) => join(home, "plugins", `resource-${name}-v${version}`));
    const official = (folder: string, program: string) => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, program), "official");
    };
    official(docker, "pulumi-resource-docker");
    assert.deepEqual(await install(home), ["command"]);
    assert.deepEqual(readdirSync(docker), ["pulumi-resource-docker"]);
    assert.equal(hasPlugins(home), true);
    assert.deepEqual(await install(home), []);

    // Cut off while it was unpacked, and before.
    writeFileSync(`${docker}.partial`, "");
    rmSync(command, { recursive: true });
    official(command, "LICENSE");
    assert.equal(hasPlugins(home), false);
    assert.deepEqual(await install(home), ["docker", "command"]);
    assert.deepEqual([docker, command].map((folder) => readdirSync(folder).includes("drop-in.json")), [true, true]);
    assert.equal(hasPlugins(home), true);
  });
});

describe("a stage that fails", () => {
  it("says how it ended, shows its last lines, and names the log that has all of them", async () => {
    const log = join(__dirname, "..", "..", ".local", "log", "of-a-test.log");
    const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`);
    const program = `console.log(${JSON.stringify(lines.join("\n"))}); process.exitCode = 3`;
    try {
      await assert.rejects(modules.child.run([process.execPath, "-e", program], { log: "of-a-test", failed: "It could not be built" }), {
        message: `It could not be built (exit code 3).\n${lines.slice(-8).map((line) => `    ${line}\n`).join("")}\nAll of its output: ${log}`,
      });
      assert.equal(readFileSync(log, "utf8"), `${lines.join("\n")}\n`);
    } finally {
      rmSync(log, { force: true });
    }
  });
});

describe("the ledger", () => {
  const daemon = { kind: "daemon" as const, pid: 1, socket: "/s" };
  it("has one entry for one thing, the latest", () => {
    const entries = [daemon, { kind: "package" as const, name: "a", version: "1" }, { ...daemon, pid: 2 }, { kind: "package" as const, name: "a", version: "2" }].reduce(
      modules.ledger.withEntry,
      [] as ReturnType<typeof modules.ledger.installed>,
    );
    assert.deepEqual(entries, [{ ...daemon, pid: 2 }, { kind: "package", name: "a", version: "2" }]);
  });
  it("tells things of the same name and another kind apart", () =>
    assert.equal(modules.ledger.sameThing({ kind: "package", name: "docker", version: "1" }, { kind: "group", name: "docker" }), false));
  it("tells an image in one engine from the same in another", () =>
    assert.equal(modules.ledger.sameThing({ kind: "image", name: "a", dockerHost: "unix:///1" }, { kind: "image", name: "a", dockerHost: "unix:///2" }), false));
});
