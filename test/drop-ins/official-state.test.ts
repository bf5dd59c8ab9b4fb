/** A state written by the official plugins, with the recorded program: nothing to do for the drop-ins, before and after a refresh. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { docker, DOCKER_HOST, ignoreMissing, IMAGE, removeContainers, SOCKET } from "./docker-engine";
import { pulumiHome } from "./plugin-process";
import { Stack } from "./pulumi-cli";

interface State {
  deployment: { resources: { urn: string; id?: string; type: string; outputs?: { imageId?: string } }[] };
}

const recorded = (file: string) => readFileSync(join(__dirname, "recorded", file), "utf8");
/**
 * The same program, but for where its Docker is, how often the health check looks, and names, addresses and a port of its own:
 * the replayed conversation uses the recorded ones, perhaps at the same time.
 */
const adapted = (text: string) =>
  text
    .replaceAll(/\brec-(?!dev)/g, "kept-")
    .replaceAll("base:1", "kept:1")
    .replaceAll("172.29.0.", "172.30.0.")
    .replaceAll("12181", "12182")
    .replaceAll('"10s"', '"1s"')
    .replaceAll("/var/run/docker.sock", SOCKET);

let home: Awaited<ReturnType<typeof pulumiHome>>;
let stack: Stack;

before(async () => {
  home = await pulumiHome();
  await clean();
  await docker.getImage(IMAGE).tag({ repo: "kept", tag: "1" });
  stack = new Stack(home.home, "rec", adapted(recorded("program.js.txt")));
  stack.write("opts.json", "{}");
  await stack.must("stack", "init", "dev");
});

after(async () => {
  await clean();
  stack?.remove();
  home?.remove();
});

async function clean(): Promise<void> {
  await removeContainers("kept-slave", "kept-bridge");
  await docker.getVolume("kept-data").remove().catch(ignoreMissing);
  await docker.getNetwork("kept-net").remove().catch(ignoreMissing);
  await docker.getImage("kept:1").remove().catch(ignoreMissing);
}

test("the same resources are made under the same names", async () => {
  assert.ok(DOCKER_HOST.endsWith(SOCKET));
  await stack.must("up", "--yes", "--skip-preview");
});

test("the official state, with the ids of here, takes the place of the drop-ins' own", async () => {
  const own = JSON.parse((await stack.must("stack", "export")).stdout) as State;
  const official = JSON.parse(recorded("state-official.json")) as State;
  let text = adapted(JSON.stringify(official));
  let exchanged = 0;
  for (const { urn, id, type, outputs } of official.deployment.resources) {
    const here = own.deployment.resources.find((resource) => resource.urn === urn);
    if (!id || !here?.id || type.startsWith("pulumi:")) continue;
    if (outputs?.imageId && here.outputs?.imageId) text = text.replaceAll(outputs.imageId, here.outputs.imageId);
    else text = text.replaceAll(id, here.id);
    exchanged++;
  }
  assert.equal(exchanged, 6);
  assert.match(text, /__pulumi_raw_state_delta/);
  stack.write("official.json", text);
  await stack.must("stack", "import", "--file", "official.json");
});

test("it gives an empty preview, an empty refresh and an empty preview again", async () => {
  for (const args of [["preview"], ["refresh", "--yes", "--skip-preview"], ["preview"]]) {
    const { code, text } = await stack.pulumi(...args, "--expect-no-changes", "--diff");
    assert.equal(code, 0, text);
  }
});

test("the refreshed state has lost what only the official plugin can keep up to date", async () => {
  assert.equal((await stack.must("stack", "export")).stdout.includes("__pulumi_raw_state_delta"), false);
});

test("what the official plugins made can be destroyed", async () => {
  await stack.must("destroy", "--yes", "--skip-preview");
  await assert.rejects(docker.getContainer("kept-slave").inspect(), { statusCode: 404 });
});
