/** The example's app: whose it is, at a Marathon that is played. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { project } from "./pulumi-yaml";

const owner = "mesos-marathon-consumer/dev/web";

/** Runs the script at a Marathon that has this app, or none; gives what it said and the changes that it asked for. */
async function run(t: TestContext, command: "deploy" | "remove", labels: Record<string, string> | undefined) {
  let there = labels && { id: "/web", labels };
  const changes: string[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const answer = (status: number, value: unknown) => response.writeHead(status).end(JSON.stringify(value));
    if (request.method === "GET" && request.url === "/v2/deployments") {
      return answer(200, []);
    }
    if (request.method !== "GET") {
      changes.push(`${request.method} ${request.url}`);
      there = request.method === "PUT" ? JSON.parse(body) : undefined;
      return answer(200, { deploymentId: "1" });
    }
    const tasks = [{ host: "127.0.0.1", ports: [31000] }];
    return there ? answer(200, { app: { ...there, instances: 1, tasksRunning: 1, tasks, deployments: [] } }) : answer(404, { message: "App '/web' does not exist" });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => server.close());
  const MARATHON = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const env = { PATH: process.env.PATH, MARATHON, APP: JSON.stringify({ id: "/web", labels: { team: "a" } }), OWNER: owner, TIMEOUT: "5" };
  const said = await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) =>
    execFile(process.execPath, [join(project, "examples", "consumer", "marathon-app.mjs"), command], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout: stdout.trim(), stderr: stderr.trim().replace(MARATHON, "MARATHON") }),
    ),
  );
  return { ...said, changes, labels: there?.labels };
}

const deployed = { code: 0, stdout: '["http://127.0.0.1:31000"]', stderr: "", changes: ["PUT /v2/apps/web"], labels: { team: "a", "pulumi-owner": owner } };

test("an app that is not there is made, and bears its owner's name", async (t) => assert.deepEqual(await run(t, "deploy", undefined), deployed));

test("the owner's app is changed, and removed", async (t) => {
  assert.deepEqual(await run(t, "deploy", { "pulumi-owner": owner }), deployed);
  assert.deepEqual(await run(t, "remove", { "pulumi-owner": owner }), { code: 0, stdout: "", stderr: "", changes: ["DELETE /v2/apps/web?force=true"], labels: undefined });
});

test("an app of somebody else's, or of nobody's, is neither changed nor removed", async (t) => {
  const other = "mesos-marathon-consumer/prod/web";
  for (const [labels, whose] of [[{ "pulumi-owner": other }, `which belongs to ${other}`], [{ team: "b" }, "which no stack made"]] as [Record<string, string>, string][]) {
    assert.deepEqual(await run(t, "deploy", labels), {
      code: 1,
      stdout: "",
      stderr: `/web: there is an app of that id on MARATHON already, ${whose}: choose another id, or remove that app`,
      changes: [],
      labels,
    });
    assert.deepEqual(await run(t, "remove", labels), { code: 0, stdout: "", stderr: "/web: somebody else's by now, so it stays", changes: [], labels });
  }
});

test("an app that is gone need not be removed", async (t) => {
  assert.deepEqual(await run(t, "remove", undefined), { code: 0, stdout: "", stderr: "/web: is gone already", changes: [], labels: undefined });
});
