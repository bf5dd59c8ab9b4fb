/**
 * The forms in which Pulumi sends values to a provider: plain JSON, in which three things look special.
 * An unknown value (in previews) is one fixed string; a secret is an object with a signature; everything else is what it seems.
 */
import { Struct } from "google-protobuf/google/protobuf/struct_pb";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Properties = { [key: string]: Json };

/** Stands for a value that is not known before the update runs. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** True for a JSON object (not null, not a list). */
export function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const isUnknown = (value: unknown): boolean => value === UNKNOWN;

export function isSecret(value: unknown): boolean {
  return isObject(value) && value[SIGNATURE] === SECRET;
}

/** Wraps a value so that the engine encrypts it in the state and hides it on the terminal. */
export function secret(value: Json): Json {
  return isSecret(value) ? value : { [SIGNATURE]: SECRET, value };
}

/** The value inside, if it is a secret; only the outermost wrapping is taken off. */
export function unwrap(value: Json): Json {
  return isSecret(value) ? ((value as Properties).value ?? null) : value;
}

/** The value with every secret in it, however deep, taken out of its wrapping. */
export function reveal<T extends Json>(value: T): T {
  const open = unwrap(value);
  if (Array.isArray(open)) return open.map(reveal) as T;
  if (isObject(open)) return mapValues(open, reveal) as T;
  return open as T;
}

export function containsSecret(value: Json | undefined): boolean {
  return some(value, isSecret);
}

export function containsUnknown(value: Json | undefined): boolean {
  return some(value, isUnknown);
}

function some(value: Json | undefined, test: (value: Json) => boolean): boolean {
  if (value === undefined) return false;
  if (test(value)) return true;
  if (Array.isArray(value)) return value.some((item) => some(item, test));
  return isObject(value) && Object.values(value).some((item) => some(item, test));
}

/** Every secret text inside, for striking it out of messages. Short ones would mangle the message and are left out. */
export function secretTexts(value: Json | undefined, inside = false): string[] {
  if (value === undefined || value === null) return [];
  if (isSecret(value)) return secretTexts(unwrap(value), true);
  if (Array.isArray(value)) return value.flatMap((item) => secretTexts(item, inside));
  if (isObject(value)) return Object.values(value).flatMap((item) => secretTexts(item, inside));
  return inside && typeof value === "string" && value.length > 2 && !isUnknown(value) ? [value] : [];
}

/**
 * Outputs, with those made secret whose input of the same name holds a secret anywhere. The whole property is wrapped:
 * a set comes back in another order, so wrapping "the same element" would wrap the wrong one.
 */
export function keepSecrets(outputs: Properties, ...sources: Properties[]): Properties {
  const kept: Properties = {};
  for (const [key, value] of Object.entries(outputs)) {
    kept[key] = sources.some((source) => containsSecret(source[key])) ? secret(value) : value;
  }
  return kept;
}

export function mapValues(value: Properties, change: (value: Json, key: string) => Json): Properties {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item, key)]));
}

export function fromStruct(struct: Struct | undefined): Properties {
  return (struct?.toJavaScript() ?? {}) as Properties;
}

export function toStruct(value: Properties): Struct {
  return Struct.fromJavaScript(value as Parameters<typeof Struct.fromJavaScript>[0]);
}
