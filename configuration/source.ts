import type { Format, Key } from "./keys";
import { nearest } from "./nearest";

export const project = "mesos-marathon";

/** What the parts of the configuration are read from, and where they leave what is wrong. */
export class Source {
  /** What is wrong, as it is told. */
  readonly problems: string[] = [];

  /** `get` gives a value as the CLI hands it over, and `isSecret` tells keys of which a part was set with `--secret`. */
  constructor(
    private readonly get: (key: Key) => string | undefined,
    readonly isSecret: (key: Key) => boolean,
  ) {}

  text(key: Key): string {
    return this.get(key) ?? "";
  }

  /** What is wrong with a key's value. */
  problem(key: Key, found: string, cure: string): void {
    this.problems.push(`${project}:${key} is ${told(found)}: ${cure}`);
  }

  /** What is wrong with one part of a key's value, in a whole sentence without its subject. */
  fault(key: Key, part: string, sentence: string): void {
    this.problems.push(`${project}:${key}${part} ${sentence}`);
  }

  /** The value of a key of type object, by name; where it is none, that is told. */
  object(key: Key, names: string): Record<string, unknown> {
    const value = parsed(this.text(key) || "{}");
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
    this.fault(key, "", `is no object: write names of ${names} with their values below it`);
    return {};
  }

  /** The value of a key of type array; where it is none, that is told. */
  list(key: Key): unknown[] {
    const value = parsed(this.text(key) || "[]");
    if (Array.isArray(value)) {
      return value;
    }
    this.fault(key, "", "is no list: write each on a line of its own below it, behind a dash");
    return [];
  }
}

/** A value as it is told: without the password that somebody may have written into an address. */
export function told(found: string): string {
  return JSON.stringify(found.replace(/^([a-z]+:\/\/[^/]*?):[^/]*@/, "$1:…@"));
}

/** What is wrong with a value by its own rule: what to write instead, or why not this. */
export function faults({ pattern, range, oneOf, except = [], write }: Format, value: string): string[] {
  if (oneOf && !oneOf.values.includes(value)) {
    return [`there is no such ${oneOf.what}${nearest(value, oneOf.values)}; ${write}`];
  }
  const isOutside = range && (!/^-?\d+$/.test(value) || Number(value) < range[0] || Number(value) > range[1]);
  if (isOutside || pattern?.test(value) === false) {
    return [write];
  }
  return except.filter(([wrong]) => wrong.test(value)).map(([, why]) => why);
}

/** What is wrong with a value that has to be a text of one line; YAML makes numbers and booleans of some. */
export function textFaults(value: unknown): string[] {
  if (typeof value !== "string" && typeof value !== "boolean" && !Number.isSafeInteger(value)) {
    return ["is no text: write one, in quotes where YAML takes it for something else"];
  }
  return /[\x00-\x1f\x7f]/.test(String(value)) ? ["has a line break or another control character: write it on one line"] : [];
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
