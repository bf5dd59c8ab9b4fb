import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { representative } from "../faults/points";
import { World } from "../faults/world";
import { docker } from "./docker";
import { network } from "./stack";

// Six points of the matrix that `npm run test:faults` strikes as a whole, and what that has no points for.

let world: World;

before(async () => {
  world = await World.create();
});

after(async () => {
  await world.remove();
});

for (const { step, blow } of representative) {
  test(`${step.command} on ${step.on}, struck at ${step.event}, ${blow}: goes on as the messages say, and nothing is lost, left, doubled or touched`, async () => {
    const { recovered, census, leaked, doubled, touched, told } = await world.strike({ step, blow });
    assert.notEqual(recovered, "lost", told);
    assert.deepEqual({ leaked, doubled, touched }, { leaked: [], doubled: [], touched: [] }, told);
    const { containers, networks, processes, tasks } = census;
    assert.deepEqual({ containers, networks, processes, tasks }, { containers: 4, networks: network.mode === "bridge" ? 1 : 0, processes: 0, tasks: 1 }, told);
  });
}

test("where nothing was cut off, npm run recover says so and changes nothing", async () => {
  const { code, output } = await world.npmRun("recover").ended;
  assert.equal(code, 0, output);
  assert.match(output, /Stack faults: there is nothing to recover\./);
});

test("in a person's own backend recover asks first, does the same when told yes, and has nothing to do the second time", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mesos-marathon-backend-"));
  const elsewhere = { stack: "rehearsal", env: { PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_CONFIG_PASSPHRASE: "test" } };
  const recover = (...args: string[]) => world.npmRun("recover", args, elsewhere).ended;
  const labels = (stack: string) => ({ "mesos-marathon.project": "mesos-marathon", "mesos-marathon.stack": stack, "mesos-marathon.component": "network" });
  const network = (Name: string, stack: string) => docker.createNetwork({ Name, Labels: labels(stack) });
  const networks = [await network("was-being-made", "rehearsal"), await network("of-another-clone", "rehearsal"), await network("stranger", "rehearsal-2")];
  try {
    const { code, output } = await world.npmRun("pulumi", ["stack", "init"], elsewhere).ended;
    assert.equal(code, 0, output);
    // As a Pulumi that was killed while it made a volume and a network, and wrote its state, leaves them.
    const stateFile = join(folder, ".pulumi", "stacks", "mesos-marathon", "rehearsal.json");
    const state = JSON.parse(readFileSync(stateFile, "utf8"));
    state.checkpoint.latest ??= { manifest: { time: new Date().toISOString(), magic: "", version: "" } };
    const creating = (type: string, urn: string, name: string) => ({
      type: "creating",
      resource: { urn: `urn:pulumi:rehearsal::mesos-marathon::${type}::${urn}`, custom: true, type, inputs: { name } },
    });
    state.checkpoint.latest.pending_operations = [creating("docker:index/volume:Volume", "data", "none"), creating("docker:index/network:Network", "network", "was-being-made")];
    writeFileSync(stateFile, JSON.stringify(state));
    writeFileSync(`${stateFile}.attrs`, "");
    const locks = join(folder, ".pulumi", "locks", "organization", "mesos-marathon", "rehearsal");
    mkdirSync(locks, { recursive: true });
    writeFileSync(join(locks, "id.json"), JSON.stringify({ pid: spawnSync("true").pid, hostname: hostname(), username: "", timestamp: "2026-01-01T00:00:00Z" }));

    const asked = await recover();
    assert.equal(asked.code, 1, asked.output);
    assert.match(asked.output, /The state cannot be read.*\nThere is no terminal to answer on: add -- --yes to agree/);
    assert.deepEqual(readdirSync(locks), ["id.json"]);

    const agreed = await recover("--yes");
    assert.equal(agreed.code, 0, agreed.output);
    assert.match(agreed.output, /Done: take away the lock of process \d+/);
    assert.match(agreed.output, /Done: forget that data was being made/);
    assert.match(agreed.output, /Done: remove the network was-being-made, which a failed update made/);
    const left = (await docker.listNetworks({ filters: { label: ["mesos-marathon.project=mesos-marathon"] } })).filter(({ Labels }) => Labels?.["mesos-marathon.stack"] !== "faults");
    assert.deepEqual(left.map(({ Name }) => Name), ["stranger"], agreed.output);
    assert.deepEqual(readdirSync(locks).filter((name) => name.endsWith(".json")), []);
    assert.deepEqual(JSON.parse(readFileSync(stateFile, "utf8")).checkpoint.latest.pending_operations ?? [], []);

    const again = await recover();
    assert.match(again.output, /nothing to recover/);
  } finally {
    await Promise.all(networks.map((network) => network.remove().catch(() => {})));
    rmSync(folder, { recursive: true });
  }
});
