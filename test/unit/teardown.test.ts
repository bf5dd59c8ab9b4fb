/** What happens on the Docker Engine when the stack is destroyed, before the slave's container is removed. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { otherPackage, runCheck } from "./check-script";
import { type FakeContainer, FakeEngine } from "./fake-engine";

const workDir = "/docker/volumes/mesos-marathon-dev-cluster-mesos-slave-work/_data";
const sandbox = `${workDir}/slaves/S1/frameworks/F1/executors/web.1/runs/0f3a`;
const uuid = "01234567-89ab-cdef-0123-456789abcdef";

const tasks: FakeContainer[] = [
  { name: `mesos-${uuid}`, mounts: ["/etc/hosts", sandbox] },
  { name: `mesos-${uuid}.executor`, mounts: ["/var/run/docker.sock", sandbox] },
  { name: "ended-task", mounts: [sandbox], status: "exited" },
];
const lookAlikes: FakeContainer[] = [
  { name: "mesos-fedcba98-7654-3210-fedc-ba9876543210" },
  { name: "mesos-foreign", mounts: [undefined] },
  { name: "has-the-work-directory", mounts: [workDir] },
  { name: "has-all-slaves", mounts: [`${workDir}/slaves`] },
  { name: "has-a-name-like-it", mounts: [`${workDir}/slavesX/S1`, `${workDir}/meta/slaves/S1`] },
  { name: "other-stack", mounts: [`${workDir.replace("-dev-", "-dev2-")}/slaves/S1/frameworks/F1`] },
  { name: "deeper", mounts: [`/mnt${sandbox}`] },
  { name: "labelled", labels: { "mesos-marathon.project": "mesos-marathon", "mesos-marathon.stack": "dev" } },
];
const slave: FakeContainer = { name: "mesos-slave", mounts: ["/sys/fs/cgroup", "/var/run/docker.sock", workDir] };
const removals = tasks.flatMap(({ name }) => [`DELETE /containers/${name}?force=true&v=true`, `POST /containers/${name}/stop?t=10`]).sort();

async function teardown(t: TestContext, slaves: FakeContainer[], others = [...tasks, ...lookAlikes], folder?: string) {
  const engine = await FakeEngine.start(...[...slaves, ...others].map((container) => ({ ...container })));
  t.after(() => engine.stop());
  engine.volumes = [{ Name: "mesos-slave-work", Labels: null }, { Name: "data", Labels: null }];
  const result = await runCheck("teardown", { DOCKER_HOST: engine.dockerHost, SLAVE: "mesos-slave", WORK_DIR: workDir }, folder);
  return { ...result, changes: engine.changes, left: [...engine.containers.keys()] };
}

const kept = "kept, with the data of the cluster: volumes data, mesos-slave-work\n";
const keptNames = lookAlikes.map(({ name }) => name);

/** Ends at the third look after the signal. */
const leaves = (container: FakeContainer, times: number) => {
  container.status = times > 3 ? "exited" : "running";
};

test("the slave leaves for good, then its tasks' containers are removed, and no others", async (t) => {
  const { code, stdout, stderr, changes, left } = await teardown(t, [{ ...slave, inspected: leaves }]);
  assert.deepEqual([code, stdout, stderr], [0, `mesos-slave has left; 3 task containers removed\n${kept}`, ""]);
  assert.deepEqual(changes.slice(0, 2), [
    'POST /containers/mesos-slave/update {"RestartPolicy":{"Name":"no"}}',
    "POST /containers/mesos-slave/kill?signal=SIGUSR1",
  ]);
  assert.deepEqual(changes.slice(2).sort(), removals);
  for (const { name } of tasks) {
    assert.ok(changes.indexOf(`POST /containers/${name}/stop?t=10`) < changes.indexOf(`DELETE /containers/${name}?force=true&v=true`), name);
  }
  assert.deepEqual(left, ["mesos-slave", ...keptNames]);
});

test("nothing is removed while the slave is still there", async (t) => {
  const seen: number[] = [];
  const engine = await FakeEngine.start(...tasks.map((task) => ({ ...task })));
  t.after(() => engine.stop());
  engine.containers.set("mesos-slave", {
    ...slave,
    inspected: (container, times) => {
      seen.push(engine.changes.length);
      leaves(container, times);
    },
  });
  const { code } = await runCheck("teardown", { DOCKER_HOST: engine.dockerHost, SLAVE: "mesos-slave", WORK_DIR: workDir });
  assert.equal(code, 0);
  assert.deepEqual(seen, [0, 2, 2, 2]);
});

test("from another package that has this one linked: the same", async (t) => {
  const { code, stdout } = await teardown(t, [{ ...slave, inspected: leaves }], tasks, otherPackage(t));
  assert.deepEqual([code, stdout], [0, `mesos-slave has left; 3 task containers removed\n${kept}`]);
});

for (const [what, slaves, said] of [
  ["does not exist", [], "mesos-slave does not exist any more\n"],
  ["has ended", [{ ...slave, status: "exited" }], "mesos-slave is exited, so the master keeps it until its time-out\n"],
  ["was never started", [{ ...slave, status: "created" }], "mesos-slave is created, so the master keeps it until its time-out\n"],
] as [string, FakeContainer[], string][]) {
  test(`a slave that ${what}: its tasks' containers are removed all the same`, async (t) => {
    const { code, stderr, changes, left } = await teardown(t, slaves);
    assert.deepEqual([code, stderr], [0, said]);
    assert.deepEqual(changes.sort(), removals);
    assert.deepEqual(left, [...slaves.map(({ name }) => name), ...keptNames]);
  });
}

test("a slave in a crash loop cannot be signalled, and is not in the way", async (t) => {
  const { code, stderr, changes } = await teardown(t, [{ ...slave, status: "restarting", refuses: { kill: 409 } }]);
  assert.deepEqual([code, stderr], [0, "mesos-slave had just ended, so the master keeps it until its time-out\n"]);
  assert.deepEqual(changes.slice(2).sort(), removals);
});

test("a task that goes away in between is no failure", async (t) => {
  const vanishing = { ...tasks[0], refuses: { stop: 404, remove: 404 } };
  const { code, left } = await teardown(t, [{ ...slave, inspected: leaves }], [vanishing, { ...tasks[1], refuses: { remove: 409 } }, ...lookAlikes]);
  assert.equal(code, 0);
  assert.deepEqual(left, ["mesos-slave", tasks[0].name, tasks[1].name, ...keptNames]);
});

test("what Docker refuses fails the teardown, with Docker's words", async (t) => {
  const { code, stderr } = await teardown(t, [{ ...slave, inspected: leaves }], [{ ...tasks[0], refuses: { remove: 500 } }]);
  assert.notEqual(code, 0);
  assert.match(stderr, /\(HTTP code 500\) server error - remove is refused/);
});
