/**
 * A public client library, written for the real Marathon, drives the stand-in: `marathon` from PyPI.
 * `node test/stand-ins/marathon-client/install.mjs` puts it into the clone's `.local` first: it needs PyPI, the test does not. MARATHON_URL points it at any other Marathon.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { after, before, it } from "node:test";

const here = join(__dirname, "marathon-client");
let packages: string;
let url = process.env.MARATHON_URL;
let cluster: import("./cluster").MarathonCluster | undefined;

before(async () => {
  packages = execFileSync("node", [join(here, "install.mjs")], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
  if (!url) {
    const { MarathonCluster } = require("./cluster") as typeof import("./cluster"); // needs Docker, a given Marathon does not
    cluster = new MarathonCluster();
    url = cluster!.marathonUrl;
    await cluster!.all();
  }
});
after(() => cluster?.down());

it("the public client library does not notice the difference", async () => {
  const client = spawn("python3", [join(here, "drive.py"), url!], { env: { ...process.env, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: "1" }, timeout: 180_000 });
  const [out, error] = ["", ""].map((_, index) => {
    const said: Buffer[] = [];
    [client.stdout, client.stderr][index]!.on("data", (chunk: Buffer) => said.push(chunk));
    return () => Buffer.concat(said).toString();
  }) as [() => string, () => string];
  const code = await new Promise((resolve) => client.on("close", resolve));
  assert.equal(code, 0, error());
  const { checkpoint, zk, ...seen } = JSON.parse(out());
  assert.deepEqual([checkpoint, typeof zk], [true, "number"]);
  assert.deepEqual(seen, {
    ping: "pong", elected: true, leader: true,
    created: ["/client/app", 1, true],
    twice: "An app with id [/client/app] already exists.",
    running: [1, 1, 1, true, true], listed: ["/client/app"], tasks: ["/client/app"],
    scaled: 3, "scaled back": 2, killed: [1, 1],
    changed: ["b", {}, 5], "rolled back": [{}, 1],
    queued: "MarathonQueueItem.__init__() got an unexpected keyword argument 'role'", queue: [],
    deployment: [["/client/big"], "ScaleApplication", 2],
    grouped: 1, groups: "MarathonGroup.__init__() got an unexpected keyword argument 'enforce_role'",
    none: "App '/none' does not exist", invalid: "Object is not valid", left: [],
    events: [["app_terminated_event", "deployment_success", "status_update_event"], ["TASK_KILLED", "TASK_RUNNING", "TASK_STARTING"]],
  });
});
