/** Every gate on a cluster that lies, and the loop around it. What the real images answer is in the stand-ins' tests. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import type { Answer, Check } from "../../checks/wait.mjs" with { "resolution-mode": "import" };
import { type FakeContainer, FakeEngine, frame } from "./fake-engine";
import { closedPort, http, type Liar, type Reply, tcp } from "./liars";

const limit = () => AbortSignal.timeout(10_000);
/** Long enough for a local answer, short enough for a silent one. */
const soon = () => AbortSignal.timeout(200);

test("ZooKeeper", async (t) => {
  const { ask } = await import("../../checks/zookeeper.mjs");
  const answering = (text: string) => (socket: import("node:net").Socket) => void socket.on("data", () => socket.end(text));
  const asked = (port: string) => `srvr of 127.0.0.1:${port}`;

  const srvr = (mode: string) =>
    `Zookeeper version: 3.4.6-1569965, built on 02/20/2014 09:09 GMT\nLatency min/avg/max: 0/0/0\nReceived: 1\nSent: 0\nConnections: 1\nOutstanding: 0\nZxid: 0x0\n${mode}Node count: 4\n`;
  for (const mode of ["standalone", "leader", "follower"]) {
    await t.test(`serves as ${mode}`, async (t) => {
      const port = await tcp(t, answering(srvr(`Mode: ${mode}\n`)));
      assert.deepEqual(await ask({ ADDRESS: "127.0.0.1", PORT: port }, limit()), { ready: true, asked: asked(port), answer: `serves as ${mode}` });
    });
  }

  for (const [what, text, answer] of [
    ["lives and does not serve", "This ZooKeeper instance is not currently serving requests\n", "This ZooKeeper instance is not currently serving requests"],
    ["is told to answer no such word", "srvr is not executed because it is not in the whitelist.\n", "srvr is not executed because it is not in the whitelist."],
    ["closes without a word", "", "an empty answer"],
    ["is something else", "HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 400 Bad Request"],
    ["quotes the word in another line", "no Mode: standalone here\n", "no Mode: standalone here"],
    ["names no mode", srvr("").trim(), srvr("").trim()],
  ]) {
    await t.test(what, async (t) => {
      const port = await tcp(t, answering(text));
      assert.deepEqual(await ask({ ADDRESS: "127.0.0.1", PORT: port }, limit()), { ready: false, asked: asked(port), answer });
    });
  }

  await t.test("is asked srvr, and nothing else", async (t) => {
    let heard = "";
    const port = await tcp(t, (socket) => void socket.on("data", (data) => (heard += data)).on("end", () => socket.end(srvr("Mode: standalone\n"))));
    assert.equal((await ask({ ADDRESS: "127.0.0.1", PORT: port }, limit())).ready, true);
    assert.equal(heard, "srvr");
  });

  await t.test("has not read its data yet, and leaves the connection open", async (t) => {
    const port = await tcp(t, (socket) => void socket.on("data", () => socket.write("This ZooKeeper instance is not currently serving requests\n")));
    const signal = limit();
    assert.equal((await ask({ ADDRESS: "127.0.0.1", PORT: port }, signal)).answer, "This ZooKeeper instance is not currently serving requests");
    assert.equal(signal.aborted, false);
  });

  await t.test("port open, but silent", async (t) => {
    const port = await tcp(t, () => {});
    assert.deepEqual(await ask({ ADDRESS: "127.0.0.1", PORT: port }, soon()), { ready: false, asked: asked(port), answer: "no answer" });
  });

  await t.test("nobody listens", async (t) => {
    const port = await closedPort(t);
    assert.deepEqual(await ask({ ADDRESS: "127.0.0.1", PORT: port }, limit()), { ready: false, asked: asked(port), answer: "ECONNREFUSED" });
  });
});

test("Mesos master", async (t) => {
  const { ask } = await import("../../checks/mesos-master.mjs");
  /** Before an election all of these say that all is well. */
  const well = { "/master/health": {}, "/health": {}, "/redirect": { status: 307, headers: { location: "//127.0.0.1:5050" } } };
  const asked = (master: Liar) => `${master.url}/metrics/snapshot, master/elected`;

  await t.test("is elected", async (t) => {
    const master = await http(t, { "/metrics/snapshot": { body: { "master/elected": 1, "master/uptime_secs": 3.5 } } });
    assert.deepEqual(await ask({ MASTER: master.url }, limit()), { ready: true, asked: asked(master), answer: "is elected" });
  });

  const elsewhere = await http(t, { "/metrics/snapshot": { body: { "master/elected": 1 } } });
  for (const [what, reply, answer] of [
    ["healthy, not elected", { body: { "master/elected": 0, "registrar/log/recovered": 1 } }, "not elected (master/elected is 0)"],
    ["says nothing of elections", { body: { "slave/registered": 1 } }, "not elected (master/elected is undefined)"],
    ["No leader elected", { status: 503, body: "No leader elected" }, "HTTP 503 No leader elected"],
    ["sends elsewhere, where somebody is elected", { status: 307, headers: { location: `${elsewhere.url}/metrics/snapshot` } }, "HTTP 307"],
    ["answers something else", { body: [] }, "not elected (master/elected is undefined)"],
    ["answers a word", { body: '"ok"' }, 'an answer of something else: "ok"'],
    ["answers null", { body: "null" }, "an answer of something else: null"],
    ["answers a page", { body: "<html></html>" }, `Unexpected token '<', "<html></html>" is not valid JSON`],
    ["cuts a long error off", { status: 500, body: "x".repeat(500) }, `HTTP 500 ${"x".repeat(200)}`],
  ] as [string, Reply, string][]) {
    await t.test(what, async (t) => {
      const master = await http(t, { ...well, "/metrics/snapshot": reply });
      assert.deepEqual(await ask({ MASTER: master.url }, limit()), { ready: false, asked: asked(master), answer });
      assert.deepEqual(master.asked, ["/metrics/snapshot"]);
    });
  }
  assert.deepEqual(elsewhere.asked, []);

  await t.test("port open, but silent", async (t) => {
    const url = `http://127.0.0.1:${await tcp(t, () => {})}`;
    assert.deepEqual(await ask({ MASTER: url }, soon()), { ready: false, asked: `${url}/metrics/snapshot, master/elected`, answer: "no answer" });
  });

  await t.test("begins an answer and does not end it", async (t) => {
    const url = `http://127.0.0.1:${await tcp(t, (socket) => void socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{")))}`;
    assert.equal((await ask({ MASTER: url }, soon())).answer, "no answer");
  });

  await t.test("nobody listens", async (t) => {
    const url = `http://127.0.0.1:${await closedPort(t)}`;
    assert.equal((await ask({ MASTER: url }, limit())).answer, "ECONNREFUSED");
  });
});

/** Where each dialect is asked. */
const dialects = {
  "0.23": { slaves: "/master/state.json", frameworks: "/master/state.json", slaveState: "/state.json" },
  "1.11": { slaves: "/master/slaves", frameworks: "/master/frameworks", slaveState: "/state" },
};

for (const [version, paths] of Object.entries(dialects)) {
  test(`Mesos slave, ${version}`, async (t) => {
    const { ask } = await import("../../checks/mesos-slave.mjs");
    const id = "6d3dca44-3a51-4f56-a2c0-000000000000-S1";
    const pid = "slave(1)@127.0.0.1:5051";
    /** The slave says of itself that it is registered and well, always. */
    const asks = async (t: TestContext, own: Reply, list: Reply): Promise<Answer & { slave: Liar; master: Liar }> => {
      const slave = await http(t, { "/health": {}, "/metrics/snapshot": { body: { "slave/registered": 1 } }, [paths.slaveState]: own });
      const master = await http(t, { "/master/health": {}, [paths.slaves]: list });
      const settings = { SLAVE: slave.url, MASTER: master.url, SLAVE_STATE_PATH: paths.slaveState, SLAVES_PATH: paths.slaves };
      return { ...(await ask(settings, limit())), slave, master };
    };

    await t.test("listed by its id, and active", async (t) => {
      const dead = { id: "old-S0", pid, active: false };
      const { slave, master, ...answer } = await asks(t, { body: { id } }, { body: { slaves: [dead, { id, pid, active: true }] } });
      assert.deepEqual(answer, { ready: true, asked: `${master.url}${paths.slaves}, active of slave ${id}`, answer: `active as ${id}` });
      assert.deepEqual([slave.asked, master.asked], [[paths.slaveState], [paths.slaves]]);
    });

    for (const [what, own, answer] of [
      ["has no id yet", { body: { id: "" } }, "no id yet: no master has registered it"],
      ["says no id", { body: { pid } }, "no id yet: no master has registered it"],
      ["has another dialect", { status: 404 }, "HTTP 404"],
      ["is not up", { status: 503, body: "Agent has not finished recovery" }, "HTTP 503 Agent has not finished recovery"],
    ] as [string, Reply, string][]) {
      await t.test(`${what}, while the master lists one that is active`, async (t) => {
        const { slave, master, ...rest } = await asks(t, own, { body: { slaves: [{ id, pid, active: true }] } });
        assert.deepEqual(rest, { ready: false, asked: `${slave.url}${paths.slaveState}, id`, answer });
        assert.deepEqual(master.asked, []);
      });
    }

    for (const [what, list, answer] of [
      ["listed, and inactive", { body: { slaves: [{ id, pid, active: false }] } }, "listed, but not active"],
      ["listed, and active in words only", { body: { slaves: [{ id, pid, active: "true" }] } }, "listed, but not active"],
      ["another one is active", { body: { slaves: [{ id: "S2", pid: "slave(1)@127.0.0.1:5052", active: true }] } }, "not among the master's 1 slaves"],
      ["only the dead one of the same address is listed", { body: { slaves: [{ id: "S0", pid, active: false }] } }, "not among the master's 1 slaves"],
      ["its predecessor at the same address is still taken for active", { body: { slaves: [{ id: "S0", pid, active: true }] } }, "not among the master's 1 slaves"],
      ["nobody is listed", { body: { slaves: [] } }, "not among the master's 0 slaves"],
      ["there is no list", { body: {} }, "not among the master's 0 slaves"],
      ["no leader", { status: 503, body: "No leader elected" }, "HTTP 503 No leader elected"],
      ["another leader", { status: 307, headers: { location: "//192.0.2.7:5050/" } }, "HTTP 307"],
    ] as [string, Reply, string][]) {
      await t.test(what, async (t) => {
        const { slave, master, ...rest } = await asks(t, { body: { id } }, list);
        assert.deepEqual(rest, { ready: false, asked: `${master.url}${paths.slaves}, active of slave ${id}`, answer });
      });
    }
  });

  test(`Marathon, at a master ${version}`, async (t) => {
    const { ask } = await import("../../checks/marathon.mjs");
    const id = "6d3dca44-3a51-4f56-a2c0-000000000000-0001";
    /** Marathon answers and leads, always. */
    const asks = async (t: TestContext, own: Reply, list: Reply, said?: string): Promise<Answer & { marathon: Liar; master: Liar }> => {
      const marathon = await http(t, { "/ping": { body: "pong" }, "/v2/leader": { body: { leader: "127.0.0.1:8080" } }, "/v2/info": own });
      const master = await http(t, { "/master/health": {}, [paths.frameworks]: list });
      const settings = { MARATHON: marathon.url, MASTER: master.url, FRAMEWORKS_PATH: paths.frameworks, TEARDOWN_PATH: "/master/teardown", PULUMI_COMMAND_STDOUT: said };
      return { ...(await ask(settings, limit())), marathon, master };
    };
    const info = (frameworkId: unknown) => ({ body: { name: "marathon", elected: true, frameworkId, leader: "127.0.0.1:8080" } });

    await t.test("its framework is active", async (t) => {
      const frameworks = [{ id: "old-0000", name: "marathon", active: false }, { id, name: "marathon", active: true }];
      const { marathon, master, ...answer } = await asks(t, info(id), { body: { frameworks } });
      assert.deepEqual(answer, { ready: true, asked: `${master.url}${paths.frameworks}, active of framework ${id}`, answer: `active as ${id}` });
      assert.deepEqual([marathon.asked, master.asked], [["/v2/info"], [paths.frameworks]]);
    });

    for (const [what, CREDENTIALS, ready, answer] of [
      ["asks for a password, and gets it", "me:p4ss wörd", true, `active as ${id}`],
      ["asks for a password, and gets another", "me:other", false, "HTTP 401"],
      ["asks for a password, and gets none", undefined, false, "HTTP 401"],
    ] as const) {
      await t.test(what, async (t) => {
        const marathon = await http(t, { "/v2/info": { ...info(id), credentials: "me:p4ss wörd" } });
        const master = await http(t, { [paths.frameworks]: { body: { frameworks: [{ id, active: true }] } } });
        const settings = { MARATHON: marathon.url, MASTER: master.url, FRAMEWORKS_PATH: paths.frameworks, ...(CREDENTIALS && { CREDENTIALS }) };
        const found = await ask(settings, limit());
        assert.deepEqual([found.ready, found.answer], [ready, answer]);
      });
    }

    for (const [what, own, answer] of [
      ["has no framework id yet", info(null), "no framework id yet: no master has registered it"],
      ["says nothing of one", info(undefined), "no framework id yet: no master has registered it"],
      ["is not up", { status: 503 }, "HTTP 503"],
    ] as [string, Reply, string][]) {
      await t.test(`${what}, while the master lists an active framework of that name`, async (t) => {
        const { marathon, master, ...rest } = await asks(t, own, { body: { frameworks: [{ id, name: "marathon", active: true }] } });
        assert.deepEqual(rest, { ready: false, asked: `${marathon.url}/v2/info, frameworkId`, answer });
        assert.deepEqual(master.asked, []);
      });
    }

    await t.test("it is another framework than when the gate was last passed: its data was lost", async (t) => {
      const own = { id, name: "marathon", active: true };
      const before = "2026-01-02T03:04:05.678Z marathon ready after 1.2 s: active as old-0000";
      const says = async (said: string, list: unknown) => {
        const { marathon, master, ...rest } = await asks(t, info(id), { body: list }, said);
        assert.equal(rest.ready, true);
        return { answer: rest.answer, warning: rest.warning?.replace(master.url, "MASTER") };
      };
      const answer = `active as ${id}, no longer as old-0000: its data in ZooKeeper was lost`;
      const warning = (tasks: string) =>
        `Marathon's data in ZooKeeper was lost: it is a new framework, ${id}, and has forgotten the apps of old-0000.\n` +
        `Tasks of that one run on, and nobody tends them${tasks}. Ways out:\n` +
        "  - start the apps anew, then end those tasks: curl -X POST -d frameworkId=old-0000 MASTER/master/teardown\n" +
        "  - where marathonZookeeperPath was changed, the old apps are at the old one: set it back, pulumi up\n" +
        "  - to have the old apps back: pulumi destroy, bring back what was in ZooKeeper's volumes, pulumi up";

      const orphaned = { id: "old-0000", name: "marathon", active: false, tasks: [{ id: "web.1" }, { id: "db.1" }] };
      assert.deepEqual(await says(before, { frameworks: [orphaned, own] }), { answer, warning: warning(": web.1, db.1") });
      // A master that was replaced meanwhile hears of them from the slaves, a moment later.
      assert.deepEqual(await says(before, { frameworks: [own] }), { answer, warning: warning("") });

      const well = { answer: `active as ${id}`, warning: undefined };
      assert.deepEqual(await says(before, { frameworks: [own], completed_frameworks: [{ id: "old-0000" }] }), well);
      assert.deepEqual(await says(before.replace("old-0000", id), { frameworks: [orphaned, own] }), well);
      assert.deepEqual(await says(`${before.replace("old-0000", id)}, no longer as old-0000: its data in ZooKeeper was lost`, { frameworks: [own] }), well);
    });

    const gone = "not among the master's frameworks: torn down, or not registered yet";
    for (const [what, list, answer] of [
      ["listed, and inactive", { body: { frameworks: [{ id, name: "marathon", active: false }] } }, "listed, but not active"],
      ["torn down", { body: { frameworks: [], completed_frameworks: [{ id, name: "marathon", active: true }] } }, gone],
      ["another one has its name, and is active", { body: { frameworks: [{ id: "other-0001", name: "marathon", active: true }] } }, gone],
      ["there is no list", { body: {} }, gone],
      ["no leader", { status: 503, body: "No leader elected" }, "HTTP 503 No leader elected"],
    ] as [string, Reply, string][]) {
      await t.test(what, async (t) => {
        const { marathon, master, ...rest } = await asks(t, info(id), list);
        assert.deepEqual(rest, { ready: false, asked: `${master.url}${paths.frameworks}, active of framework ${id}`, answer });
      });
    }
  });
}

test("the loop", async (t) => {
  const { waitUntilReady } = await import("../../checks/wait.mjs");
  const no: Answer = { ready: false, asked: "srvr of 127.0.0.1:2181", answer: "ECONNREFUSED" };
  const yes: Answer = { ...no, ready: true, answer: "serves as standalone" };

  /**
   * Waits for a container of a fake engine. The check says no until it is asked for the nth time. The clock is the
   * test's: each question takes the same time.
   */
  const wait = async (
    t: TestContext,
    container: Partial<FakeContainer> | undefined,
    { readyAt = Infinity, seconds = 600, finalExits = {}, questionSeconds = 0.5, drift = "", answer = no.answer } = {},
  ) => {
    let now = Date.UTC(2026, 0, 2);
    t.mock.method(Date, "now", () => now);
    const engine = await FakeEngine.start(...(container ? [{ name: "zookeeper", ...container }] : []));
    t.after(() => engine.stop());
    let asked = 0;
    const check: Check = async () => {
      now += questionSeconds * 1000;
      assert.ok(asked < 20, "it asks for ever");
      return ++asked >= readyAt ? yes : { ...no, answer };
    };
    const said = t.mock.method(console, "error", () => {});
    const gate = { component: "zookeeper", container: "zookeeper", dockerHost: engine.dockerHost, seconds, finalExits, settings: {}, drift };
    const { ready, text } = await waitUntilReady(check, gate);
    const lines = text.replaceAll(engine.dockerHost, "ENGINE").split("\n");
    return { ready, asked, said: said.mock.calls.map((call) => call.arguments[0]), lines, changes: engine.changes };
  };
  /** Ends at these looks: in between Docker waits, then starts it again. */
  const restartsAt = (looks: readonly number[], met: "restarting" | "running") => (container: FakeContainer, times: number) => {
    container.restarts = 4 + looks.filter((look) => look <= times).length;
    container.status = looks.includes(times) ? met : "running";
    container.exitCode = container.status === "restarting" ? 1 : 0;
  };

  await t.test("passes when the answer turns to yes", async (t) => {
    const { ready, asked, lines, said } = await wait(t, {}, { readyAt: 4, questionSeconds: 0.6 });
    assert.deepEqual([ready, asked, said], [true, 4, []]);
    assert.equal(lines.length, 1);
    assert.match(lines[0], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z zookeeper ready after 2\.4 s: serves as standalone$/);
  });

  await t.test("passes at once, and asks no engine, where the answer is yes", async () => {
    const gate = { component: "zookeeper", container: "zookeeper", dockerHost: "unix:///nowhere", seconds: 0, finalExits: {}, settings: {} };
    assert.equal((await waitUntilReady(async () => yes, gate)).ready, true);
  });

  await t.test("asks no engine in its first half second, and asks it from then on", async (t) => {
    let looks = 0;
    const inspected = () => void looks++;
    assert.equal((await wait(t, { inspected }, { readyAt: 5, questionSeconds: 0.1 })).ready, true);
    assert.equal(looks, 0);
    t.mock.restoreAll();
    assert.equal((await wait(t, { inspected }, { readyAt: 7, questionSeconds: 0.1 })).ready, true);
    assert.equal(looks, 2);
  });

  await t.test("the check gets the gate's settings, and a signal of its own for each question", async () => {
    const settings = { ADDRESS: "127.0.0.1" };
    const signals = new Set<AbortSignal>();
    const engine = await FakeEngine.start({ name: "zookeeper" });
    await waitUntilReady(
      async (given, signal) => {
        assert.equal(given, settings);
        assert.equal(signal.aborted, false);
        return signals.add(signal).size === 3 ? yes : no;
      },
      { component: "zookeeper", container: "zookeeper", dockerHost: engine.dockerHost, seconds: 600, finalExits: {}, settings },
    );
    assert.equal(signals.size, 3);
    await engine.stop();
  });

  for (const met of ["restarting", "running"] as const) {
    await t.test(`lives through two restarts (${met} when looked at)`, async (t) => {
      const { ready, asked } = await wait(t, { inspected: restartsAt([2, 4], met) }, { readyAt: 8 });
      assert.deepEqual([ready, asked], [true, 8]);
    });
  }

  await t.test("gives up at the third", async (t) => {
    const { ready, asked, lines } = await wait(t, { inspected: restartsAt([2, 4, 6], "restarting") });
    assert.deepEqual([ready, asked], [false, 6]);
    assert.equal(lines[0], "zookeeper did not become ready: it ended 3 times, last with exit code 1");
    assert.equal(lines[4], "  container:    zookeeper, restarting, restarted 3 times while waiting, last exit code 1");
  });

  await t.test("gives up at the third, also when it is met running each time", async (t) => {
    const { ready, asked, lines } = await wait(t, { inspected: restartsAt([2, 4, 6], "running") });
    assert.deepEqual([ready, asked], [false, 6]);
    assert.equal(lines[0], "zookeeper did not become ready: it ended 3 times");
  });

  await t.test("asks for the reason of one that is met running each time: the next end tells", async (t) => {
    const finalExits = { "110": "its framework was torn down" };
    const final = await wait(t, { inspected: restartsAt([2, 4, 6], "running"), nextExit: 110 }, { finalExits });
    assert.deepEqual([final.asked, final.lines[0]], [6, "zookeeper did not become ready: it ended with exit code 110: its framework was torn down"]);
    const other = await wait(t, { inspected: restartsAt([2, 4, 6], "running"), nextExit: 1 }, { finalExits });
    assert.equal(other.lines[0], "zookeeper did not become ready: it ended 3 times, last with exit code 1");
  });

  await t.test("gives up at once at an exit that is final", async (t) => {
    const container = { status: "restarting", exitCode: 110, restarts: 1 } as const;
    const { ready, asked, lines } = await wait(t, container, { finalExits: { "110": "its framework was torn down" } });
    assert.deepEqual([ready, asked], [false, 1]);
    assert.equal(lines[0], "zookeeper did not become ready: it ended with exit code 110: its framework was torn down");
  });

  await t.test("an exit that is not final is not", async (t) => {
    const { ready } = await wait(t, { status: "restarting", exitCode: 1, restarts: 1 }, { finalExits: { "110": "its framework was torn down" }, readyAt: 3 });
    assert.equal(ready, true);
  });

  await t.test("gives up at once when the container is gone", async (t) => {
    const { ready, asked, lines } = await wait(t, undefined);
    assert.deepEqual([ready, asked], [false, 1]);
    assert.equal(lines[0], "zookeeper did not become ready: the container does not exist");
    assert.deepEqual(lines.slice(4), [
      "  container:    zookeeper, does not exist",
      "  its log ends:",
      "    (cannot be read: (HTTP code 404) no such container - No such container: zookeeper)",
    ]);
  });

  await t.test("gives up at once when it ended and nobody starts it again", async (t) => {
    const { ready, asked, lines } = await wait(t, { status: "exited", exitCode: 3, restartPolicy: "no" });
    assert.deepEqual([ready, asked], [false, 1]);
    assert.equal(lines[0], "zookeeper did not become ready: it ended with exit code 3");
  });

  await t.test("goes on when the engine cannot be asked, until the time is over", async (t) => {
    const { ready, asked, lines } = await wait(t, { refuses: { json: 500, logs: 500 } }, { seconds: 4, questionSeconds: 1 });
    assert.deepEqual([ready, asked], [false, 4]);
    assert.equal(lines[0], "zookeeper did not become ready: time is over");
    assert.equal(lines[4], "  container:    zookeeper, cannot be seen ((HTTP code 500) server error - json is refused)");
    assert.equal(lines[6], "    (cannot be read: (HTTP code 500) server error - logs is refused)");
  });

  const startedAt = "2026-01-01T03:04:05Z";
  const restarted = ["POST /containers/zookeeper/restart?t=10"];

  await t.test("lets one that was found paused go on, before it asks anything", async (t) => {
    const { ready, changes, said } = await wait(t, { status: "paused" }, { drift: "paused, seen at T", readyAt: 2 });
    assert.deepEqual([ready, changes.length, changes[0].split(" ").slice(0, 2).join(" ")], [true, 1, "POST /containers/zookeeper/unpause"]);
    assert.deepEqual(said, ["zookeeper: zookeeper is paused: it goes on now"]);
  });

  await t.test("starts one that was found in a restart loop at once, and once, and counts anew", async (t) => {
    const container = { restarts: 9, status: "restarting" as FakeContainer["status"], exitCode: 1, inspected: restartsAt([1, 3, 5, 7], "restarting") };
    const { ready, changes, lines, asked } = await wait(t, container, { drift: "in a restart loop with exit code 1, seen at T" });
    assert.deepEqual([ready, changes], [false, restarted]);
    assert.equal(asked, 6);
    assert.equal(lines[0], "zookeeper did not become ready: it ended 3 times, last with exit code 1");
  });

  await t.test("starts one that was found running, and not ready, again when a fifth of the time is over", async (t) => {
    const drift = `not ready, seen at T: ECONNREFUSED; runs since ${startedAt}`;
    const early = await wait(t, { startedAt }, { drift, seconds: 50, questionSeconds: 1, readyAt: 10 });
    assert.deepEqual([early.ready, early.changes], [true, []]);
    t.mock.restoreAll();
    const late = await wait(t, { startedAt }, { drift, seconds: 50, questionSeconds: 1, readyAt: 15 });
    assert.deepEqual([late.ready, late.changes], [true, restarted]);
    assert.deepEqual(late.said.filter((text) => /again/.test(text)), ["zookeeper: zookeeper does not become ready: it is started again"]);
  });

  await t.test("goes on waiting where the Docker Engine refuses that, and says so", async (t) => {
    const { ready, said } = await wait(t, { status: "paused", refuses: { unpause: 500 } }, { drift: "paused, seen at T", readyAt: 2 });
    assert.equal(ready, true);
    assert.match(said.join("\n"), /zookeeper: the Docker Engine refuses: .*unpause is refused/);
  });

  await t.test("leaves another run of it alone, and one that nobody found drifted", async (t) => {
    const drift = "not ready, seen at T: ECONNREFUSED; runs since 2025-12-31T00:00:00Z";
    assert.deepEqual((await wait(t, { startedAt }, { drift, seconds: 18, questionSeconds: 1 })).changes, []);
    t.mock.restoreAll();
    assert.deepEqual((await wait(t, { startedAt, status: "restarting" }, { seconds: 18, questionSeconds: 1 })).changes, []);
  });

  await t.test("says what was asked, the last answer, how long it waited, the container's state, and how its log ends", async (t) => {
    const log = Buffer.concat([frame(1, "starting\n"), frame(2, "java.net.BindException: Address already in use\n  at Net.bind\n"), frame(1, "")]);
    const { ready, lines } = await wait(t, { log }, { seconds: 1, questionSeconds: 1.23 });
    assert.equal(ready, false);
    assert.deepEqual(lines, [
      "zookeeper did not become ready: time is over",
      "  asked:        srvr of 127.0.0.1:2181",
      "  last answer:  ECONNREFUSED",
      "  waited:       1.2 s of 1 s",
      "  container:    zookeeper, running, restarted 0 times while waiting",
      "  its log ends:",
      "    starting",
      "    java.net.BindException: Address already in use",
      "      at Net.bind",
      "  all of it:    docker --host ENGINE logs zookeeper",
    ]);
  });

  await t.test("shows the log of a container that has a terminal", async (t) => {
    const { lines } = await wait(t, { log: Buffer.from("no frames\r\nhere\r\n") }, { seconds: 0 });
    assert.deepEqual(lines.slice(5), ["  its log ends:", "    no frames", "    here", "  all of it:    docker --host ENGINE logs zookeeper"]);
  });

  await t.test("says every five seconds what it waits for, until the time is over", async (t) => {
    const { ready, asked, said, lines } = await wait(t, {}, { seconds: 13, questionSeconds: 2 });
    assert.deepEqual([ready, asked, lines[3]], [false, 7, "  waited:       14.0 s of 13 s"]);
    assert.deepEqual(said, ["6 s: does not listen yet", "12 s: does not listen yet"]);
  });

  await t.test("says it in a short line, with how often it ended meanwhile", async (t) => {
    const ended = (container: FakeContainer, times: number) => void (container.restarts = times > 1 ? 2 : 0);
    const { said } = await wait(t, { inspected: ended }, { seconds: 8, questionSeconds: 2, answer: `HTTP 503\n${"x".repeat(80)}` });
    assert.deepEqual(said, [`6 s: ended 2 times; HTTP 503 ${"x".repeat(30)}…`]);
  });
});
