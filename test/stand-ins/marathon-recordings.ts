/** The answers of a real Marathon 1.11, and how an answer is compared with one: status, headers that matter, keys and types. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Event, Reply } from "./marathon-api";

const folder = join(__dirname, "recorded", "marathon-1.11");

export interface Recording {
  request: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
  status: number;
  headers: Record<string, string>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  answer: any;
}

const read = (name: string) => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));

export const recording = (name: string): Recording => read(name);

export const recordedEvents = (): Event[] =>
  (read("events") as [number, { event: string; data: string }][]).map(([, { event, data }]) => ({ type: event, data: JSON.parse(data) }));

export const recordedTaskContainer = () => read("task-container-inspect") as {
  Name: string; Env: string[]; Labels: Record<string, string>; Cmd: string; Ep: string[]; Binds: string[]; Net: string; Mem: number; CpuShares: number;
};

/** Maps whose keys are the user's own, so that they are no part of the shape. */
const free = new Set(["env", "labels"]);

/**
 * How `actual` differs from `expected` in keys and types: one line each, none if it does not. Null may stand for
 * whatever is recorded as null only; elements of lists are compared with the first recorded one.
 */
export function differences(actual: unknown, expected: unknown, path = "", unlike: string[] = []): string[] {
  const kind = (value: unknown) => (value === null ? "null" : Array.isArray(value) ? "list" : typeof value);
  if (unlike.includes(path)) return [];
  if (kind(actual) !== kind(expected)) return [`${path || "/"}: ${kind(actual)} instead of ${kind(expected)}`];
  if (Array.isArray(actual) && Array.isArray(expected)) {
    return expected.length === 0 ? [] : actual.flatMap((each) => differences(each, expected[0], `${path}[]`, unlike));
  }
  if (actual !== null && typeof actual === "object") {
    const [has, should] = [actual as Record<string, unknown>, expected as Record<string, unknown>];
    if (free.has(path.split(".").at(-1)!)) return [];
    return [
      ...Object.keys(should).filter((key) => !(key in has) && !unlike.includes(`${path}.${key}`)).map((key) => `${path}.${key}: missing`),
      ...Object.keys(has).filter((key) => !(key in should) && !unlike.includes(`${path}.${key}`)).map((key) => `${path}.${key}: not in the recording`),
      ...Object.keys(has).filter((key) => key in should).flatMap((key) => differences(has[key], should[key], `${path}.${key}`, unlike)),
    ];
  }
  return [];
}

/** The same status, headers and shape; the same answer word for word if `exactly`. unlike: paths that may differ. */
export function assertLike(reply: Reply, name: string, { exactly = false, unlike = [] as string[] } = {}): void {
  const expected = recording(name);
  assert.equal(reply.status, expected.status, `${name}: ${reply.text}`);
  for (const header of Object.keys(expected.headers)) {
    const value = reply.headers.get(header);
    assert.notEqual(value, null, `${name}: header ${header}`);
    if (header === "X-Marathon-Leader") assert.match(value!, /^https?:\/\/[^/]+:\d+$/, name);
    else if (header === "Cache-Control" || header === "Content-Type") assert.equal(value, expected.headers[header], name);
    else if (header === "Location") assert.equal(new URL(value!).pathname, new URL(expected.headers[header]!).pathname, name);
    else assert.match(value!, /^[0-9a-f-]{36}$/, `${name}: ${header}`);
  }
  for (const header of ["Location", "Marathon-Deployment-Id"]) {
    if (!(header in expected.headers)) assert.equal(reply.headers.get(header), null, `${name}: ${header}`);
  }
  if (exactly) assert.deepEqual(reply.json, expected.answer, name);
  else assert.deepEqual(differences(reply.json, expected.answer, "", unlike), [], name);
}
