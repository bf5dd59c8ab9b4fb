/**
 * The HTTP answers, compared with those recorded from a real Mesos 1.11.0: the same keys with the same types, in the
 * same state: one agent, one framework, one Docker task running.
 *
 * By itself it makes that state with the stand-ins. Pointed at another cluster, real or not, by
 *   MESOS_URL=http://host:5050 MARATHON_URL=http://host:8080 [TASK_IMAGE=some/image]
 * it makes it through that cluster's Marathon, and takes its app away afterwards.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dockerTask, get, until, Cluster, base } from "./mesos-cluster";
import { Scheduler } from "./mesos-scheduler";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const recorded = (name: string): Json => JSON.parse(readFileSync(join(__dirname, "recorded/mesos-1.11.0", `${name}.json`), "utf8"));

/** Keys that an answer may have beyond the recorded ones: where a setting was given, or by what the framework sends along. */
const optional = new Set([
  "pid", "principal", "reregistered_time", "roles", "labels", "discovery", "health_check", "healthy", "port_mappings", "parameters",
  "force_pull_image", "volumes", "ports", "cluster", "resources", "attributes", "docker_mesos_image", "executor_environment_variables",
]);
/** Keys that a recorded answer has and another may lack: only one of `role` and `roles` is there. */
const exchangeable = new Set(["role"]);

const kind = (value: Json) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);

/** Differences in shape: keys that are missing, new or of another type. */
function differences(expected: Json, actual: Json, path = "", under = ""): string[] {
  if (kind(expected) !== kind(actual)) return [`${path}: ${kind(actual)} instead of ${kind(expected)}`];
  if (Array.isArray(expected) && Array.isArray(actual)) {
    if (!expected.length || under === "capabilities") return [];
    if (!actual.length) return [`${path}: empty`];
    return actual.flatMap((item, index) => differences(expected[Math.min(index, expected.length - 1)]!, item, `${path}[${index}]`));
  }
  if (kind(expected) !== "object") return [];
  const [want, have] = [expected as { [key: string]: Json }, actual as { [key: string]: Json }];
  if (!Object.keys(want).length) return [];
  return [
    ...Object.keys(want).filter((key) => !(key in have) && !(exchangeable.has(key) && "roles" in have)).map((key) => `${path}.${key}: missing`),
    ...Object.keys(have).filter((key) => !(key in want) && !optional.has(key)).map((key) => `${path}.${key}: not in the recording`),
    ...Object.keys(want).filter((key) => key in have).flatMap((key) => differences(want[key]!, have[key]!, `${path}.${key}`, key)),
  ];
}

let masterUrl: string;
let slaveUrl: string;
let taskId: string;
let undo: () => Promise<unknown>;

before(async () => {
  const { MESOS_URL, MARATHON_URL, TASK_IMAGE } = process.env;
  if (MESOS_URL && MARATHON_URL) {
    masterUrl = MESOS_URL;
    const id = `/contract-${process.pid}`;
    const app = { id, cmd: "sleep 600", cpus: 0.1, mem: 64, portDefinitions: [], container: { type: "DOCKER", docker: { image: TASK_IMAGE ?? base } } };
    const made = await get(`${MARATHON_URL}/v2/apps`, { method: "POST", body: JSON.stringify(app), headers: { "Content-Type": "application/json" } });
    assert.equal(made.status, 201, made.text);
    undo = () => get(`${MARATHON_URL}/v2/apps/${id}?force=true`, { method: "DELETE" });
    taskId = await until("the app's task", async () => (await get(`${masterUrl}/master/tasks`)).json.tasks.find(
      (task: { id: string; state: string }) => task.id.startsWith(id.slice(1)) && task.state === "TASK_RUNNING")?.id);
  } else {
    const cluster = new Cluster();
    masterUrl = cluster.masterUrl;
    const scheduler = new Scheduler(cluster.masterPort);
    undo = async () => {
      scheduler.close();
      await cluster.down();
    };
    await cluster.up();
    await scheduler.subscribe({
      name: "mesos-execute instance",
      capabilities: ["RESERVATION_REFINEMENT", "TASK_KILLING_STATE", "REVOCABLE_RESOURCES", "PARTITION_AWARE"].map((type) => ({ type })),
    });
    await scheduler.launch((taskId = "t1"), dockerTask("echo hi; sleep 600"), 3600);
    await scheduler.state("t1", "TASK_RUNNING");
  }
  const { slaves } = (await get(`${masterUrl}/master/slaves`)).json;
  slaveUrl = `http://${slaves[0].pid.split("@")[1]}`;
});
after(() => undo?.());

for (const [path, recording] of [
  ["/master/state", "master_state"], ["/state", "master_state"], ["/master/slaves", "master_slaves"], ["/slaves", "master_slaves"],
  ["/master/frameworks", "master_frameworks"], ["/frameworks", "master_frameworks"], ["/master/tasks", "master_tasks"], ["/tasks", "master_tasks"],
  ["/master/roles", "master_roles"], ["/master/flags", "master_flags"], ["/flags", "master_flags"], ["/version", "master_version"],
] as const) {
  test(`the master's ${path} has the recorded keys and types`, async () => {
    const { status, json } = await get(masterUrl + path);
    assert.equal(status, 200);
    assert.deepEqual(differences(recorded(recording), json), []);
  });
}

for (const [path, recording] of [["/state", "slave_state"], ["/slave(1)/state", "slave_state"], ["/containers", "slave_containers"]] as const) {
  test(`the slave's ${path} has the recorded keys and types`, async () => {
    const { status, json } = await get(slaveUrl + path);
    assert.equal(status, 200);
    assert.deepEqual(differences(recorded(recording), json), []);
  });
}

/** Metrics of a framework bear its name and id: those of any are like those of the recorded one. */
const names = (metrics: Json) => new Set(Object.keys(metrics as object).map((name) => name.replace(/^master\/frameworks\/[^/]+\/[^/]+\//, "master/frameworks/…/")));

for (const [who, url, recording] of [
  ["master", () => masterUrl, "master_metrics_snapshot"], ["slave", () => slaveUrl, "slave_metrics_snapshot"],
] as const) {
  test(`the ${who}'s metrics are the recorded ones, all of them numbers`, async () => {
    const { status, json } = await get(`${url()}/metrics/snapshot`);
    assert.equal(status, 200);
    const have = names(json);
    assert.deepEqual([...names(recorded(recording))].filter((name) => !have.has(name)), []);
    assert.deepEqual(Object.entries(json).filter(([, value]) => typeof value !== "number"), []);
  });
}

test("the values that readiness is read from agree with each other", async () => {
  const metrics = (await get(`${masterUrl}/metrics/snapshot`)).json;
  const state = (await get(`${masterUrl}/master/state`)).json;
  const active = (rows: { active: boolean }[]) => rows.filter((row) => row.active).length;
  assert.equal(metrics["master/elected"], 1);
  assert.equal(metrics["master/slaves_active"], active(state.slaves));
  assert.equal(metrics["master/frameworks_active"], active(state.frameworks));
  assert.equal(state.activated_slaves, active(state.slaves));
  assert.equal(state.leader, state.pid);
  assert.equal((await get(`${slaveUrl}/state`)).json.id, state.slaves[0].id);
});

test("the running task looks as the recorded one, its states in the recorded order", async () => {
  const { tasks } = (await get(`${masterUrl}/master/tasks`)).json;
  const task = tasks.find(({ id }: { id: string }) => id === taskId);
  const [expected] = (recorded("master_tasks") as { tasks: { [key: string]: Json }[] }).tasks;
  assert.deepEqual(differences(expected!, task), []);
  assert.deepEqual(task.statuses.map(({ state }: { state: string }) => state), ["TASK_STARTING", "TASK_RUNNING"]);
  assert.equal(task.executor_id, "");
});

test("what is asked in another way is refused as recorded", async () => {
  for (const path of ["/state.json", "/master/state.json", "/no-such-path"]) assert.equal((await get(masterUrl + path)).status, 404, path);
  for (const path of ["/health", "/master/health"]) assert.deepEqual(await get(masterUrl + path).then(({ status, text }) => [status, text]), [200, ""]);
  const unknown = await get(`${masterUrl}/master/teardown`, { method: "POST", body: "frameworkId=none" });
  assert.deepEqual([unknown.status, unknown.text], [400, "No framework found with specified ID"]);
  assert.equal((await get(`${masterUrl}/master/redirect`)).status, 307);
});
