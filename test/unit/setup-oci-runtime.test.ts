import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

describe("the runtime for machines that lack a capability", () => {
  let folder: string;
  let missing: string[];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "oci-runtime-"));
    writeFileSync(join(folder, "runc"), '#!/bin/sh\nprintf "%s\\n" "$@" > "$(dirname "$0")/called"\n', { mode: 0o755 });
    const names = readFileSync(join(__dirname, "../../setup/oci-runtime"), "utf8").match(/names="([^"]+)"/)?.[1].split(/\s+/) ?? [];
    assert.equal(names.length, 41);
    // As on this machine: what it lacks here is what must go.
    const bounding = BigInt(`0x${/^CapBnd:\s*(\w+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]}`);
    missing = names.filter((_, bit) => !((bounding >> BigInt(bit)) & 1n)).map((name) => `CAP_${name}`);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const runtime = (...args: string[]) => {
    execFileSync(join(__dirname, "../../setup/oci-runtime"), args, { env: { PATH: `${folder}:/usr/bin:/bin` } });
    return readFileSync(join(folder, "called"), "utf8").trimEnd().split("\n");
  };
  const process = () => ({
    args: ["sh", "-c", "CAP_SYS_RESOURCE", '"capabilities":{"bounding":["CAP_SYS_RESOURCE"]}', "[a,]"],
    capabilities: {
      bounding: ["CAP_SYS_RESOURCE", "CAP_CHOWN"],
      effective: ["CAP_CHOWN", "CAP_SYS_RESOURCE", "CAP_KILL"],
      permitted: ["CAP_CHOWN", "CAP_SYS_RESOURCE"],
      inheritable: ["CAP_SYS_RESOURCE"],
      ambient: [],
    },
  });
  const left = () => {
    const { args, capabilities } = process();
    return { args, capabilities: Object.fromEntries(Object.entries(capabilities).map(([set, names]) => [set, names.filter((name) => !missing.includes(name))])) };
  };

  for (const indent of [0, 2]) {
    it(`takes exactly the missing ones out of a bundle, indented by ${indent}, and runs runc`, () => {
      writeFileSync(join(folder, "config.json"), JSON.stringify({ process: process(), hostname: "h" }, undefined, indent));
      assert.deepEqual(runtime("--root", "/r", "create", "--bundle", folder, "id"), ["--root", "/r", "create", "--bundle", folder, "id"]);
      assert.deepEqual(JSON.parse(readFileSync(join(folder, "config.json"), "utf8")), { process: left(), hostname: "h" });
    });
  }

  it("takes them out of the process of an exec", () => {
    writeFileSync(join(folder, "process.json"), JSON.stringify(process()));
    runtime("exec", "--process", join(folder, "process.json"), "id");
    assert.deepEqual(JSON.parse(readFileSync(join(folder, "process.json"), "utf8")), left());
  });

  it("changes nothing for other commands", () => assert.deepEqual(runtime("state", "id"), ["state", "id"]));
});
