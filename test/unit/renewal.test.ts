/** What happens on the Docker Engine before a Mesos slave is replaced by another one. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { runCheck } from "./check-script";
import { type FakeContainer, FakeEngine } from "./fake-engine";

const workDir = "/docker/volumes/mesos-marathon-dev-cluster-mesos-slave-work/_data";
const labels = { "mesos-marathon.project": "mesos-marathon", "mesos-marathon.stack": "dev", "mesos-marathon.component": "mesos-slave" };
const task: FakeContainer = { name: "mesos-01234567-89ab-cdef-0123-456789abcdef", mounts: [`${workDir}/slaves/S1/frameworks/F1/executors/web.1/runs/0f3a`] };
const slave: FakeContainer = { name: "mesos-slave", labels, environment: ["PATH=/bin", `MESOS_WORK_DIR=${workDir}`], mounts: [workDir] };
const others: FakeContainer[] = [
  { ...slave, name: "slave-of-another-stack", labels: { ...labels, "mesos-marathon.stack": "dev2" }, environment: ["MESOS_WORK_DIR=/other"] },
  { name: "mesos-master", labels: { ...labels, "mesos-marathon.component": "mesos-master" } },
  { name: "mesos-fedcba98-7654-3210-fedc-ba9876543210", mounts: ["/other/slaves/S1/frameworks/F1"] },
];

async function renew(t: TestContext, containers: readonly FakeContainer[], set: Record<string, string> = {}) {
  const engine = await FakeEngine.start(...[...containers, ...others].map((container) => ({ ...container })));
  t.after(() => engine.stop());
  const LABELS = JSON.stringify(Object.entries(labels).map(([key, value]) => `${key}=${value}`));
  const result = await runCheck("renewal", { DOCKER_HOST: engine.dockerHost, LABELS, NEW: "mesos-marathon.generation=2", ...set });
  return { ...result, changes: engine.changes, left: [...engine.containers.keys()] };
}

test("the slave leaves its master and stays stopped, its tasks' containers are removed, and nothing else is touched", async (t) => {
  const leaves = (container: FakeContainer, times: number) => {
    container.status = times > 2 ? "exited" : "running";
  };
  const { code, stdout, stderr, changes, left } = await renew(t, [{ ...slave, inspected: leaves }, task]);
  assert.deepEqual([code, stdout, stderr], [0, "mesos-slave has left its master; 1 task containers removed\n", ""]);
  assert.deepEqual(changes, [
    'POST /containers/mesos-slave/update {"RestartPolicy":{"Name":"no"}}',
    "POST /containers/mesos-slave/kill?signal=SIGUSR1",
    "POST /containers/mesos-slave/stop ",
    `POST /containers/${task.name}/stop?t=10`,
    `DELETE /containers/${task.name}?force=true&v=true`,
  ]);
  assert.deepEqual(left, ["mesos-slave", ...others.map(({ name }) => name)]);
});

test("a slave that is dead is said to be, and what its tasks left behind is removed all the same", async (t) => {
  const { code, stdout, left } = await renew(t, [{ ...slave, status: "exited" }, task]);
  assert.deepEqual([code, stdout], [0, "mesos-slave is exited, so the master keeps it until its time-out; 1 task containers removed\n"]);
  assert.ok(!left.includes(task.name));
});

for (const [what, containers] of [
  ["the new slave", [{ ...slave, labels: { ...labels, "mesos-marathon.generation": "2" } }, task]],
  ["nothing of the kind", []],
] as [string, FakeContainer[]][]) {
  test(`where there is ${what}, nothing is touched`, async (t) => {
    const { code, stdout, changes } = await renew(t, containers);
    assert.deepEqual([code, stdout, changes], [0, "there was no other Mesos slave\n", []]);
  });
}

test("a Docker Engine that refuses fails it, in its own words", async (t) => {
  const { code, stderr } = await renew(t, [{ ...slave, refuses: { kill: 500 } }]);
  assert.deepEqual([code, stderr], [1, "(HTTP code 500) server error - kill is refused\n"]);
});
