/** Secrets and unknowns in the forms in which the engine sends them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { containsSecret, containsUnknown, keepSecrets, reveal, secret, secretTexts, UNKNOWN, unwrap } from "../../setup/drop-ins/wire";

const wrapped = (value: string) => ({ "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value });

test("a secret has the engine's own form and is not wrapped twice", () => {
  assert.deepEqual(secret("s3"), wrapped("s3"));
  assert.deepEqual(secret(secret("s3")), wrapped("s3"));
  assert.equal(unwrap(wrapped("s3")), "s3");
});

test("secrets are found and taken out however deep they are", () => {
  const value = { envs: ["A=1", wrapped("B=2")], labels: [{ label: "l", value: wrapped("v") }], plain: 1 };
  assert.equal(containsSecret(value), true);
  assert.deepEqual(reveal(value), { envs: ["A=1", "B=2"], labels: [{ label: "l", value: "v" }], plain: 1 });
  assert.equal(containsSecret(reveal(value)), false);
});

test("an output is secret as a whole when its input holds a secret anywhere, and not otherwise", () => {
  const kept = keepSecrets({ envs: ["A=1", "B=2"], name: "n" }, { envs: [wrapped("B=2"), "A=1"], name: "n" });
  assert.deepEqual(kept, { envs: secret(["A=1", "B=2"]), name: "n" });
});

test("an unknown is found within, and an empty value is none", () => {
  assert.equal(containsUnknown({ a: [{ b: UNKNOWN }] }), true);
  assert.equal(containsUnknown({ a: [{ b: "" }] }), false);
});

test("only texts inside secrets count as secret texts, and short ones do not", () => {
  assert.deepEqual(secretTexts({ open: "abc", hidden: { ...wrapped(""), value: { deep: ["geheim", "x"] } } }), ["geheim"]);
});
