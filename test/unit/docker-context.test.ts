import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { currentDocker } from "../../checks/docker-context.cjs";

const currentDockerHost = (environment: NodeJS.ProcessEnv) => currentDocker(environment).dockerHost;

const usual = "unix:///var/run/docker.sock";

/** A folder as the docker CLI keeps it, with these contexts, in use or not. It ends with the test. */
function folder(t: TestContext, config: unknown, contexts: Record<string, unknown> = {}): string {
  const path = mkdtempSync(join(tmpdir(), "docker-"));
  t.after(() => rmSync(path, { recursive: true }));
  if (config !== undefined) {
    writeFileSync(join(path, "config.json"), typeof config === "string" ? config : JSON.stringify(config));
  }
  for (const [name, Host] of Object.entries(contexts)) {
    const meta = join(path, "contexts", "meta", createHash("sha256").update(name).digest("hex"));
    mkdirSync(meta, { recursive: true });
    writeFileSync(join(meta, "meta.json"), typeof Host === "string" ? JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker: { Host, SkipTLSVerify: false } } }) : "{");
  }
  return path;
}

// The CLI lets nobody make one called default.
const contexts = { colima: "unix:///home/me/.colima/docker.sock", far: "ssh://me@192.0.2.7", default: "tcp://192.0.2.9:2376" };

test("the engine is DOCKER_HOST's, else the context's, else the usual one", async (t) => {
  const DOCKER_CONFIG = folder(t, { currentContext: "colima", auths: {} }, contexts);
  const none = folder(t, undefined);
  for (const [what, environment, expected] of [
    ["nothing is set, no folder", { DOCKER_CONFIG: join(none, "absent") }, usual],
    ["nothing is set, an empty folder", { DOCKER_CONFIG: none }, usual],
    ["the current context", { DOCKER_CONFIG }, contexts.colima],
    ["DOCKER_CONTEXT goes before it", { DOCKER_CONFIG, DOCKER_CONTEXT: "far" }, contexts.far],
    ["DOCKER_HOST goes before both", { DOCKER_CONFIG, DOCKER_CONTEXT: "far", DOCKER_HOST: "tcp://192.0.2.8:2376" }, "tcp://192.0.2.8:2376"],
    ["an empty DOCKER_HOST is none", { DOCKER_CONFIG, DOCKER_HOST: "" }, contexts.colima],
    ["an empty DOCKER_CONTEXT is none", { DOCKER_CONFIG, DOCKER_CONTEXT: "" }, contexts.colima],
    ["an empty DOCKER_CONFIG is none", { DOCKER_CONFIG: "", DOCKER_CONTEXT: "default" }, usual],
    ["the context called default is the usual engine", { DOCKER_CONFIG, DOCKER_CONTEXT: "default" }, usual],
  ] as [string, NodeJS.ProcessEnv, string][]) {
    await t.test(what, () => assert.equal(currentDockerHost(environment), expected));
  }
});

test("a config.json that cannot be used is as good as none", async (t) => {
  await t.test("broken", (t) => assert.equal(currentDockerHost({ DOCKER_CONFIG: folder(t, "{", contexts) }), usual));
  await t.test("without a context", (t) => assert.equal(currentDockerHost({ DOCKER_CONFIG: folder(t, { auths: {} }, contexts) }), usual));
});

test("a context that is chosen and not there is told, never another engine taken", async (t) => {
  const cures = (also: string) => `choose one of docker context ls, with docker context use NAME${also}, or set mesos-marathon:dockerHost`;
  const gone = folder(t, { currentContext: "gone" }, contexts);
  await t.test("config.json's", () =>
    assert.throws(() => currentDockerHost({ DOCKER_CONFIG: gone }), {
      message: `the docker CLI's context "gone" (${gone}/config.json) is not found: ${cures("")}`,
    }));
  await t.test("DOCKER_CONTEXT's", () =>
    assert.throws(() => currentDockerHost({ DOCKER_CONFIG: folder(t, { currentContext: "colima" }, contexts), DOCKER_CONTEXT: "gone" }), {
      message: `the docker CLI's context "gone" (DOCKER_CONTEXT) is not found: ${cures(" or DOCKER_CONTEXT")}`,
    }));
  await t.test("one whose meta.json cannot be read", () =>
    assert.throws(() => currentDockerHost({ DOCKER_CONFIG: folder(t, { currentContext: "broken" }, { broken: null }) }), /context "broken" .* is not found/));
});

test("the folder is the home folder's .docker, unless DOCKER_CONFIG names another", (t) => {
  const home = mkdtempSync(join(tmpdir(), "home-"));
  t.after(() => rmSync(home, { recursive: true }));
  const { HOME } = process.env;
  t.after(() => (HOME === undefined ? delete process.env.HOME : (process.env.HOME = HOME)));
  process.env.HOME = home;
  assert.equal(homedir(), home);
  const meta = join(home, ".docker", "contexts", "meta", createHash("sha256").update("colima").digest("hex"));
  mkdirSync(meta, { recursive: true });
  writeFileSync(join(home, ".docker", "config.json"), '{"currentContext":"colima"}');
  writeFileSync(join(meta, "meta.json"), '{"Endpoints":{"docker":{"Host":"unix:///colima.sock"}}}');
  assert.equal(currentDockerHost({}), "unix:///colima.sock");
  assert.equal(currentDockerHost({ DOCKER_CONFIG: "" }), "unix:///colima.sock");
});
