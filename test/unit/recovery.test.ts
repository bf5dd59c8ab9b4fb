import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

// The set-up is ES modules, these tests are not.
type Recovery = typeof import("../../setup/recovery.mjs", { with: { "resolution-mode": "import" } });
let settled: Recovery["settled"];
let isByFailedUpdate: Recovery["isByFailedUpdate"];
let unknown: Recovery["unknown"];
let locksOf: Recovery["locksOf"];
let emptyMetadata: Recovery["emptyMetadata"];
let runs: typeof import("../../setup/files.mjs", { with: { "resolution-mode": "import" } }).runs;
let endLeftOver: typeof import("../../setup/processes.mjs", { with: { "resolution-mode": "import" } }).endLeftOver;

before(async () => {
  ({ settled, isByFailedUpdate, unknown, locksOf, emptyMetadata } = await import("../../setup/recovery.mjs"));
  ({ endLeftOver } = await import("../../setup/processes.mjs"));
  ({ runs } = await import("../../setup/files.mjs"));
});

const urn = (name: string) => `urn:pulumi:dev::mesos-marathon::docker:index/container:Container::${name}`;
const resource = (name: string, more: object = {}) => ({ urn: urn(name), type: "docker:index/container:Container", inputs: { name, __defaults: [] }, ...more });
const creating = (name: string) => ({ type: "creating", resource: resource(name) });
const thing = (kind: "container" | "network" | "volume", name: string, created = 0) => ({ kind, id: `id of ${name}`, name, created });
const container = (name: string, created = 0) => thing("container", name, created);

describe("what was being made when Pulumi was cut off", () => {
  it("is taken into the state as a finished update would have recorded it, where it is there", () => {
    const { deployment, imported, forgotten } = settled({ resources: [resource("a", { id: "1" })], pending_operations: [creating("marathon")] }, [container("marathon")]);
    assert.deepEqual(deployment, {
      resources: [resource("a", { id: "1" }), resource("marathon", { id: "id of marathon", outputs: { name: "marathon", id: "id of marathon" } })],
    });
    assert.deepEqual([imported.map(({ name }) => name), forgotten], [["marathon"], []]);
  });

  it("takes the place of what it was to replace, before what depends on that", () => {
    const resources = [resource("slave", { id: "old", pendingReplacement: true }), resource("gate", { id: "2" })];
    const { deployment } = settled({ resources, pending_operations: [creating("slave")] }, [container("slave")]);
    assert.deepEqual(deployment.resources?.map(({ urn, id }) => [urn, id]), [[urn("slave"), "id of slave"], [urn("gate"), "2"]]);
  });

  it("is forgotten where it is not there, and where it is no container", () => {
    const volume = { type: "creating", resource: { ...resource("marathon"), type: "docker:index/volume:Volume" } };
    const { deployment, imported, forgotten } = settled({ resources: [], pending_operations: [creating("slave"), volume] }, [container("marathon")]);
    assert.deepEqual([deployment, imported, forgotten], [{ resources: [] }, [], ["slave", "marathon"]]);
  });

  it("is left as it is where the state has it already", () => {
    const resources = [resource("marathon", { id: "id of marathon" })];
    assert.deepEqual(settled({ resources, pending_operations: [creating("marathon")] }, [container("marathon")]).deployment, { resources });
  });

  it("is not asked for what was being deleted or changed: the next update does that again", () => {
    const operations = [{ type: "deleting", resource: resource("marathon") }, { type: "updating", resource: resource("slave") }];
    assert.deepEqual(settled({ resources: [], pending_operations: operations }, [container("marathon")]).imported, []);
  });
});

describe("a thing that the state does not know", () => {
  const at = (time: string) => `2026-01-01T00:00:${time}Z`;
  const update = (from: string, to: string, result: string) => ({ kind: "update", startTime: at(from), endTime: at(to), result });
  const isOurs = (time: string, ...history: ReturnType<typeof update>[]) => isByFailedUpdate(container("", Date.parse(at(time))), history);
  const failed = update("10", "20", "failed");

  it("is a failed update's where it was made while that ran, to the second", () =>
    assert.deepEqual(["09.999", "10.001", "19", "20.999", "21"].map((time) => isOurs(time, failed)), [false, true, true, true, false]));
  it("may be anybody's where an update has succeeded since, or while one ran that did not fail", () =>
    assert.deepEqual([isOurs("15", failed, update("30", "40", "succeeded")), isOurs("35", failed, update("30", "40", "succeeded"))], [false, false]));
  it("is a failed update's although others have succeeded before it or failed after it", () =>
    assert.equal(isOurs("15", update("01", "05", "succeeded"), failed, update("30", "40", "failed")), true));

  it("is removed where a failed update made it, or one that was cut off was making it, and asked about where it may be another clone's; a bare volume is not", () => {
    const [then, before] = [Date.parse(at("15")), Date.parse(at("05"))];
    const kinds = ["container", "network", "volume"] as const;
    const things = ["known", "failed", "making", "other"].flatMap((name) => kinds.map((kind) => thing(kind, `${name} ${kind}`, name === "failed" ? then : before)));
    const deployment = {
      resources: kinds.map((kind) => resource(`known ${kind}`, { id: `id of known ${kind}` })),
      pending_operations: kinds.map((kind) => creating(`making ${kind}`)),
    };
    const { strays, doubtful } = unknown(things, deployment, [failed]);
    assert.deepEqual([strays, doubtful].map((some) => some.map(({ name }) => name)), [
      ["failed container", "failed network", "failed volume", "making container", "making network", "making volume"],
      ["other container", "other network"],
    ]);
  });
});

describe("a backend that is a folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "backend-"));
  const stateFile = join(folder, ".pulumi", "stacks", "mesos-marathon", "dev.json");
  before(() => mkdirSync(join(folder, ".pulumi", "stacks", "mesos-marathon"), { recursive: true }));
  after(() => rmSync(folder, { recursive: true }));

  it("tells the locks of a stack, and not those of its namesake in another project", () => {
    for (const project of ["mesos-marathon", "other-mesos-marathon", "mesos-marathon-consumer"]) {
      mkdirSync(join(folder, ".pulumi", "locks", "organization", project, "dev"), { recursive: true });
      writeFileSync(join(folder, ".pulumi", "locks", "organization", project, "dev", "id.json"), JSON.stringify({ pid: 1, hostname: project }));
    }
    assert.deepEqual(locksOf(`file://${folder}?metadata=skip`, "organization/mesos-marathon/dev")?.map(({ host, holder }) => [host, holder]), [["mesos-marathon", "elsewhere"]]);
    assert.equal(locksOf("https://api.pulumi.com", "dev"), undefined);
  });

  it("has a state that cannot be read where its metadata were never written", () => {
    assert.equal(emptyMetadata(`file://${folder}`, "dev"), undefined);
    writeFileSync(`${stateFile}.attrs`, "");
    assert.equal(emptyMetadata(`file://${folder}`, "dev"), `${stateFile}.attrs`);
    writeFileSync(`${stateFile}.attrs`, "{}");
    assert.equal(emptyMetadata(`file://${folder}`, "dev"), undefined);
  });
});

describe("a provider that outlived its Pulumi command", { skip: process.platform !== "linux" && "there is no /proc" }, () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "processes-")));
  const plugin = join(folder, "pulumi-resource-docker");
  const started: number[] = [];
  let child: ChildProcess;
  const isRunning = (pid: number) => runs({ pid });
  /** In a session of its own, with nobody left who started it. */
  const orphan = (cwd: string, program = plugin) => {
    const pid = Number(execFileSync("setsid", ["--fork", "sh", "-c", 'echo $$; exec "$0" 60 >&- 2>&-', program], { cwd }));
    started.push(pid);
    return pid;
  };

  before(() => {
    for (const name of ["clone", "clone-2"]) {
      mkdirSync(join(folder, name));
    }
    copyFileSync("/bin/sleep", plugin);
    chmodSync(plugin, 0o755);
  });
  after(() => {
    child.kill("SIGKILL");
    started.filter(isRunning).forEach((pid) => process.kill(pid, "SIGKILL"));
    rmSync(folder, { recursive: true });
  });

  it("is ended where it runs in the clone; that of another clone, one that has its Pulumi, and other programs are not", async () => {
    const ours = orphan(join(folder, "clone"));
    const others = [orphan(join(folder, "clone-2")), orphan(join(folder, "clone"), "/bin/sleep")];
    child = spawn(plugin, ["60"], { cwd: join(folder, "clone"), stdio: "ignore" });
    await endLeftOver(join(folder, "clone"));
    assert.equal(isRunning(ours), false);
    assert.deepEqual([...others, Number(child.pid)].map(isRunning), [true, true, true]);
  });
});
