/**
 * The stand-in for Marathon beside the recorded answers of a real 1.11: the same states are made, the same calls sent.
 * With MARATHON_URL set it runs against whatever is there (an empty Marathon, please), a real one as well;
 * MARATHON_TEST_IMAGE names an image with python3 then.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Api, ask, EventStream, server, until, type Event } from "./marathon-api";
import { assertLike, differences, recordedEvents, recordedTaskContainer, recording } from "./marathon-recordings";

const url = process.env.MARATHON_URL;
const image = process.env.MARATHON_TEST_IMAGE ?? "mesos-marathon/rehearsal-base:bookworm";

/** A recorded request's body with an image and a command that run here. */
function body(name: string): Record<string, unknown> {
  const recorded = structuredClone(recording(name).body);
  if (recorded.container?.docker) recorded.container.docker.image = image;
  if (recorded.env) recorded.cmd = server;
  // A busy machine takes its time, and only the shape of the answers is compared.
  for (const check of recorded.healthChecks ?? []) check.timeoutSeconds = 20;
  return recorded;
}

describe("answers as a real Marathon 1.11 does", () => {
  let api: Api;
  let stream: EventStream;
  /** The events up to where the recorded stream ends. */
  let story: Event[];
  let cluster: import("./cluster").MarathonCluster | undefined;

  before(async () => {
    if (!url) {
      const { MarathonCluster } = require("./cluster") as typeof import("./cluster"); // needs Docker, a given Marathon does not
      cluster = new MarathonCluster();
      await cluster!.all();
    }
    api = new Api((url ?? cluster!.marathonUrl).replace(/\/$/, ""));
    assert.deepEqual((await api.call("GET", "/v2/apps")).json, { apps: [] }, "this test wants a Marathon without apps");
    stream = await EventStream.open(api.url);
  });

  after(async () => {
    stream?.close();
    await cluster?.down();
  });

  it("when there is nothing yet", async () => {
    assertLike(await api.call("GET", "/ping"), "ping", { exactly: true });
    for (const name of ["apps-empty", "tasks-empty", "deployments-empty", "queue-empty"]) {
      assertLike(await api.call("GET", recording(name).request.split(" ")[1]!), name, { exactly: true });
    }
    assertLike(await api.call("GET", "/v2/groups"), "groups-empty", { exactly: !url });
    assertLike(await api.call("GET", "/v2/info"), "info");
    assertLike(await api.call("GET", "/v2/leader"), "leader");
  });

  it("redirects its address to the page", async () => {
    const reply = await api.call("GET", "/");
    assert.equal(reply.status, 302);
    assert.equal(new URL(reply.headers.get("Location")!, api.url).pathname, "/ui/");
    assert.equal((await api.call("GET", "/ui/")).status, 200);
  });

  for (const name of ["404", "delete-404", "no-route", "bad-json", "id", "negative", "type", "nothing-to-run", "portmappings-host", "unknown-field", "id-mismatch"]) {
    it(`refuses: ${name}`, async () => {
      const { request, body: sent } = recording(`err-${name}`);
      const [method, path] = request.split(" ") as [string, string];
      assertLike(await api.call(method, path, sent ?? undefined), `err-${name}`, { exactly: true });
    });
  }

  it("while an app is made, is scaled, fails, changes, is locked, restarts and is suspended", async () => {
    const made = await api.call("POST", "/v2/apps", body("web-create"));
    assertLike(made, "web-create");
    assertLike(await api.call("GET", "/v2/deployments"), "deployments-one");
    assertLike(await api.call("POST", "/v2/apps", body("web-create")), "app-create-again", { exactly: true });
    assertLike(await api.call("GET", "/v2/apps//web/versions/nope"), "err-version", { exactly: true });
    await api.settled();
    assertLike(await api.call("GET", "/v2/apps//web"), "web-healthy");
    assertLike(await api.call("GET", "/v2/tasks"), "tasks-one");
    assertLike(await api.call("GET", "/v2/apps//web/tasks"), "app-tasks");
    assertLike(await api.call("GET", "/v2/apps//web/versions"), "app-versions");
    assertLike(await api.call("GET", "/v2/queue"), "queue-after", { exactly: true });
    const { app } = (await api.call("GET", "/v2/apps//web")).json;
    assert.deepEqual(
      [app.tasksStaged, app.tasksRunning, app.tasksHealthy, app.tasksUnhealthy, app.deployments, app.portDefinitions[0].port >= 10000],
      [0, 1, 1, 0, [], true],
    );
    assert.match(app.tasks[0].id, /^web\.instance-[0-9a-f-]{36}\._app\.1$/);
    assert.equal(await ask(app.tasks[0]), "hello 1");

    assertLike(await api.call("PUT", "/v2/apps//web", recording("web-scale").body), "web-scale");
    await api.settled();
    const [first] = await api.tasks("/web");
    await ask(first!, "/die");
    const again = first!.id.replace(/1$/, "2");
    await until("the failed task's next attempt to be healthy", async () => {
      const found = (await api.app("/web")) as { tasks: { id: string }[]; tasksHealthy: number };
      return found.tasks.some(({ id }) => id === again) && found.tasksHealthy === 3;
    });
    assertLike(await api.call("GET", "/v2/apps//web?embed=app.lastTaskFailure"), "web-after-kill");
    assertLike(await api.call("GET", "/v2/apps?embed=apps.tasks&embed=apps.lastTaskFailure"), "apps-embed", {
      unlike: [".apps[].env", ".apps[].healthChecks", ".apps[].tasks[].healthCheckResults"],
    });
    const failure = (await api.app("/web")).lastTaskFailure;
    assert.deepEqual([failure.taskId, failure.state, failure.message], [first!.id, "TASK_FAILED", "Container exited with status 7"]);

    assertLike(await api.call("PUT", "/v2/apps//web", recording("web-change").body), "web-change");
    assertLike(await api.call("PUT", "/v2/apps//web", recording("web-locked").body), "web-locked");
    assertLike(await api.call("DELETE", "/v2/apps//web?force=false"), "web-delete-locked");
    const rolling = await api.call("GET", "/v2/deployments");
    assertLike(rolling, "deployments-rolling");
    assert.deepEqual((await api.call("PUT", "/v2/apps//web", { env: { V: "3" } })).json.deployments, [{ id: rolling.json[0].id }]);
    await api.settled();
    assert.deepEqual(await Promise.all((await api.tasks("/web")).map((task) => ask(task))), ["hello 2", "hello 2", "hello 2"]);

    const before = (await api.tasks("/web")).map(({ id }) => id).sort();
    assertLike(await api.call("PUT", "/v2/apps//web", recording("web-noop").body), "web-noop");
    assertLike(await api.call("PUT", "/v2/apps//web", { ...body("web-noop-full"), cmd: server }), "web-noop-full");
    assertLike(await api.call("GET", "/v2/deployments"), "deployments-empty", { exactly: true });
    assert.deepEqual((await api.tasks("/web")).map(({ id }) => id).sort(), before);

    const { env: _, ...withoutEnv } = body("web-noop-full");
    await api.deploy("PUT", "/v2/apps//web?partialUpdate=false", withoutEnv);
    assert.equal("env" in (await api.app("/web")), false);
    assert.deepEqual(await Promise.all((await api.tasks("/web")).map((task) => ask(task))), ["hello ", "hello ", "hello "]);

    assertLike(await api.call("POST", "/v2/apps//web/restart", {}), "web-restart");
    await api.settled();
    await api.deploy("PUT", "/v2/apps//web", { instances: 0 });
    assert.deepEqual(await api.tasks("/web"), []);
    story = stream.events.slice();
  });

  it("when an image cannot be had, and when an app fits nowhere", async () => {
    const made = { cmd: "sleep 100", cpus: 0.1, mem: 32, container: { type: "DOCKER", docker: { image: "nosuch.invalid/none:1" } } };
    assert.equal((await api.call("POST", "/v2/apps", { id: "/bad", ...made })).status, 201);
    await until("a second failure", async () => (await api.app("/bad")).lastTaskFailure?.taskId.endsWith("._app.2"));
    assertLike(await api.call("GET", "/v2/apps//bad?embed=app.lastTaskFailure&embed=app.deployments"), "bad-image");
    assertLike(await api.call("GET", "/v2/queue?embed=lastUnusedOffers"), "queue-backoff");
    await api.deploy("DELETE", "/v2/apps//bad");
    const big = { id: "/big", cmd: "sleep 100", cpus: 100, mem: 32, constraints: [["rack", "CLUSTER", "a"]] };
    assert.equal((await api.call("POST", "/v2/apps", big)).status, 201);
    await until("an offer to be turned down", async () =>
      (await api.call("GET", "/v2/queue?embed=lastUnusedOffers")).json.queue[0]?.lastUnusedOffers.length === 1);
    const queue = await api.call("GET", "/v2/queue?embed=lastUnusedOffers");
    // Each kind of resource has a value of its own: a number or ranges.
    assertLike(queue, "queue-unmatched", { unlike: [".queue[].lastUnusedOffers[].offer.resources[]"] });
    assert.deepEqual(queue.json.queue[0].lastUnusedOffers[0].reason, ["InsufficientCpus", "UnfulfilledConstraint"]);
    assert.deepEqual(
      queue.json.queue[0].processedOffersSummary.rejectSummaryLastOffers,
      recording("queue-unmatched").answer.queue[0].processedOffersSummary.rejectSummaryLastOffers,
    );
    await api.deploy("DELETE", "/v2/apps//big");
  });

  it("for groups, with dependencies in order", async () => {
    assertLike(await api.call("PUT", "/v2/groups?dryRun=true", { id: "/", groups: [], apps: [] }), "group-dryrun");
    const wanted = recording("group-create").body;
    for (const app of wanted.apps) app.container.docker.image = image;
    assertLike(await api.call("PUT", "/v2/groups//g", wanted), "group-create");
    assert.deepEqual((await api.call("GET", "/v2/deployments")).json[0].steps, [
      { actions: ["/g/a", "/g/b"].map((app) => ({ action: "StartApplication", app })) },
      { actions: [{ action: "ScaleApplication", app: "/g/a" }] },
      { actions: [{ action: "ScaleApplication", app: "/g/b" }] },
    ]);
    await api.settled();
    assertLike(await api.call("GET", "/v2/groups//g"), "group", { unlike: [".apps[].dependencies"] });
    assert.deepEqual((await api.app("/g/b")).dependencies, ["/g/a"]);
    const [a, b] = [(await api.tasks("/g/a"))[0]!, (await api.tasks("/g/b"))[0]!];
    assert.ok(a.stagedAt < b.stagedAt, `${a.stagedAt} before ${b.stagedAt}`);
    assertLike(await api.call("DELETE", "/v2/groups//g"), "group-delete");
    await api.settled();
    assertLike(await api.call("DELETE", "/v2/apps//web"), "app-delete");
    await api.settled();
    assert.deepEqual((await api.call("GET", "/v2/apps")).json, { apps: [] });
  });

  it("with the same kinds of events, in the same order", () => {
    const [ours, recorded] = [stream.events, recordedEvents()];
    assert.match(stream.headers.get("Content-Type")!, /^text\/event-stream/);
    assert.deepEqual(types(ours), types(recorded));
    for (const { type, data } of ours) {
      const examples = recorded.filter((each) => each.type === type).map((each) => differences(data, each.data, "", [".appDefinition", ".plan.steps", ".currentStep"]));
      assert.ok(examples.some((found) => found.length === 0), `${type}: ${examples[0]}`);
    }
    // What happens to one thing (an instance, a deployment) may follow only what it followed in the recording.
    const known = new Set(successions(recorded));
    assert.deepEqual([...new Set(successions(story))].filter((each) => !known.has(each)), []);
  });

  it("gives a task's container the recorded name, settings and environment", { skip: url ? "only where Docker can be asked" : false }, async () => {
    const { docker, ownLabels } = require("./mesos-cluster") as typeof import("./mesos-cluster");
    await api.deploy("POST", "/v2/apps", { ...body("app-create"), cmd: server }, 201);
    const [task] = await api.tasks("/web");
    const [name] = await cluster!.running();
    const found = await docker.getContainer(name!).inspect();
    const recorded = recordedTaskContainer();
    const environment = (lines: string[]) => Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
    const [has, should] = [environment(found.Config.Env), environment(recorded.Env)];
    assert.deepEqual(Object.keys(should).filter((each) => !(each in has)), []);
    assert.deepEqual(Object.keys(has).filter((each) => !(each in should) && !["PATH"].includes(each)), []);
    assert.equal(has.MESOS_TASK_ID, task!.id);
    assert.deepEqual([has.PORT, has.PORT0, has.PORTS, has.PORT_HTTP, has.HOST], [...Array(4).fill(`${task!.ports[0]}`), task!.host]);
    for (const each of ["MARATHON_APP_ID", "MARATHON_APP_RESOURCE_CPUS", "MARATHON_APP_RESOURCE_MEM", "MARATHON_APP_RESOURCE_DISK", "MARATHON_APP_RESOURCE_GPUS", "MARATHON_APP_LABELS"]) {
      assert.equal(has[each], should[each], each);
    }
    assert.deepEqual(await ownLabels(found), { MESOS_TASK_ID: task!.id });
    assert.deepEqual([found.HostConfig.NetworkMode, found.HostConfig.Memory, found.HostConfig.CpuShares], [recorded.Net, recorded.Mem, recorded.CpuShares]);
    await api.deploy("DELETE", "/v2/apps//web");
  });
});

/** Kinds of events, without those that only come with a slow or a stopped stream. */
const types = (events: Event[]) =>
  [...new Set(events.map(({ type }) => type))].filter((type) => !["failed_health_check_event", "unhealthy_instance_kill_event"].includes(type)).sort();

/** `a → b` for each thing that events are about. Health that fails because a task is being killed is left out: that is chance. */
function successions(events: Event[]): string[] {
  const last = new Map<string, string>();
  const found: string[] = [];
  for (const { type, data } of events) {
    const about = data.plan?.id ?? data.instanceId ?? data.taskId?.replace(/\._app\.\d+$/, "");
    if (!about || type === "failed_health_check_event" || data.alive === false || data.healthy === false) continue;
    // The two of health come in either order.
    const what = type.includes("health") ? "healthy" : [type, data.condition ?? data.taskStatus ?? data.currentStep?.actions[0].action].filter(Boolean).join(" ");
    found.push(`${last.get(about) ?? "first"} → ${what}`);
    last.set(about, what);
  }
  return found;
}
