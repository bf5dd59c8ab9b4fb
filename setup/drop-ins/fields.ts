/**
 * A resource type is a table of fields; checking, planning, comparing and refreshing follow from the table.
 * The rules are those that the official plugin was recorded to follow; where it was seen to be wrong and a field
 * departs from it on purpose, the row in deviations.json has the field's name.
 */
import { isObject, isUnknown, secret, isSecret, unwrap, UNKNOWN, type Json, type Properties } from "./wire";

export type Fields = { [name: string]: Field };

type Shape =
  | { kind: "string" | "number" | "boolean" }
  | { kind: "strings"; ordered: boolean }
  | { kind: "map" }
  | { kind: "block"; fields: Fields }
  | { kind: "blocks"; fields: Fields };

export type Field = Shape & {
  /** Must be given by the program. */
  required?: boolean;
  /** Filled in by Check when the program gives none. A zero value (false, 0) is planned but not written into the inputs. */
  default?: Json;
  /** A change of it replaces the resource. */
  replace?: boolean;
  /** A change of it replaces the resource here, where the official plugin changes its state and nothing else. */
  replaceHere?: boolean;
  /** Filled in by Docker when the program gives none: unset means "leave as it is". */
  computed?: boolean;
  /** Computed, and yet taking it out of the program is a change (official: it is not seen). */
  removable?: boolean;
  /** Never an input. */
  output?: boolean;
  /** Known to the official plugin and not to this drop-in: refused by name. */
  unsupported?: boolean;
  /** A computed list that is missing from the state counts as a change: how a half-made resource is found again. */
  missingIsChange?: boolean;
  /** What a state has for it while nobody has set it: an empty list for the repeated blocks, else null. */
  empty?: Json;
  /** Taking it away (or setting it to zero) replaces the resource, because Docker cannot take it away from what exists. */
  removalReplaces?: boolean;
  /** One form for texts that mean the same. */
  meaning?: (value: Json) => Json;
  /** Says what is wrong with a known value, or nothing. */
  refuse?: (value: Json) => string | undefined;
};

type Extra = Omit<Field, "kind" | "fields" | "ordered">;
export const string = (extra: Extra = {}): Field => ({ kind: "string", ...extra });
export const number = (extra: Extra = {}): Field => ({ kind: "number", ...extra });
export const boolean = (extra: Extra = {}): Field => ({ kind: "boolean", ...extra });
/** A list of texts whose order matters. */
export const list = (extra: Extra = {}): Field => ({ kind: "strings", ordered: true, ...extra });
/** A set of texts: order and repetition do not matter. */
export const set = (extra: Extra = {}): Field => ({ kind: "strings", ordered: false, ...extra });
export const map = (extra: Extra = {}): Field => ({ kind: "map", ...extra });
export const block = (fields: Fields, extra: Extra = {}): Field => ({ kind: "block", fields, ...extra });
/** Repeated blocks, compared without regard to order. */
export const blocks = (fields: Fields, extra: Extra = {}): Field => ({ kind: "blocks", fields, empty: [], ...extra });

/** `labels` as Docker resources have them. */
export const labels = (extra: Extra = {}): Field =>
  blocks({ label: string({ required: true }), value: string({ required: true }) }, { replace: true, ...extra });

export interface Failure {
  property: string;
  reason: string;
}

/** True for null, "", 0, false and whatever holds nothing else: the official state has such values where nobody set any. */
export function isZero(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.entries(value).every(([key, item]) => key === "__defaults" || isZero(item));
}

// ---- Check -------------------------------------------------------------------------------------------------------

/**
 * Inputs as the engine shall store them: defaults filled in and named in `__defaults`, in every nested block too.
 * What is not understood is refused by name, never ignored.
 */
export function check(fields: Fields, news: Properties, owner: string): { inputs: Properties; failures: Failure[] } {
  const failures: Failure[] = [];
  const inputs = checkBlock(fields, news, "", owner, failures);
  return { inputs, failures };
}

function checkBlock(fields: Fields, news: Properties, path: string, owner: string, failures: Failure[]): Properties {
  const inputs: Properties = {};
  const defaults: string[] = [];
  for (const [name, value] of Object.entries(news)) {
    if (name === "__defaults" || value === null) continue;
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const at = path + name;
    if (!field || field.output) {
      failures.push({ property: at, reason: `${owner} has no input "${at}"` });
    } else if (field.unsupported) {
      failures.push({
        property: at,
        reason: `the input "${at}" of ${owner} is not supported by this drop-in: leave it out, or use the official plugin`,
      });
    } else {
      inputs[name] = checkValue(field, value, at, owner, failures);
    }
  }
  for (const [name, field] of Object.entries(fields)) {
    if (name in inputs) continue;
    if (field.required && !failures.some((failure) => failure.property === path + name)) {
      failures.push({ property: path + name, reason: `${owner} needs the input "${path + name}"` });
    } else if (!isZero(field.default)) {
      inputs[name] = field.default as Json;
      defaults.push(name);
    }
  }
  inputs.__defaults = defaults.sort();
  return inputs;
}

function checkValue(field: Field, value: Json, at: string, owner: string, failures: Failure[]): Json {
  if (isSecret(value)) {
    const found: Failure[] = [];
    const inner = checkValue(field, unwrap(value), at, owner, found);
    // What a secret is instead of what it must be is nobody's business.
    failures.push(...found.map(({ property, reason }) => ({ property, reason: reason.replace(/, not [\s\S]*$/, "") })));
    return secret(inner);
  }
  if (isUnknown(value)) return value;
  const wrong = (expected: string) => {
    failures.push({ property: at, reason: `the input "${at}" of ${owner} must be ${expected}, not ${JSON.stringify(value)}` });
    return value;
  };
  const isText = (item: Json) => typeof unwrap(item) === "string";
  switch (field.kind) {
    case "string":
    case "number":
    case "boolean":
      if (typeof value !== field.kind) return wrong(`a ${field.kind}`);
      break;
    case "strings":
      if (!Array.isArray(value) || !value.every(isText)) return wrong("a list of strings");
      break;
    case "map":
      if (!isObject(value) || !Object.values(value).every(isText)) return wrong("a map of strings");
      break;
    case "block":
      if (!isObject(value)) return wrong("an object");
      return checkBlock(field.fields, value, `${at}.`, owner, failures);
    case "blocks":
      if (!Array.isArray(value)) return wrong("a list of objects");
      return value.map((item, index) => {
        const inner = unwrap(item);
        if (isUnknown(inner)) return item;
        if (!isObject(inner)) return wrong("a list of objects");
        const checked = checkBlock(field.fields, inner, `${at}[${index}].`, owner, failures);
        return isSecret(item) ? secret(checked) : checked;
      });
  }
  const reason = field.refuse?.(value);
  if (reason) failures.push({ property: at, reason: `the input "${at}" of ${owner} ${reason}` });
  return value;
}

// ---- Plan --------------------------------------------------------------------------------------------------------

/**
 * The outputs that an update will end with, as far as they are known: what the program gives, else the default, else what
 * there was (`olds`), else unknown where Docker decides. Without `olds`: the plan of a creation.
 */
export function plan(fields: Fields, news: Properties, olds?: Properties): Properties {
  const outputs: Properties = {};
  for (const [name, field] of Object.entries(fields)) {
    const given = news[name];
    if (given !== undefined && given !== null && !field.output) outputs[name] = complete(field, given);
    else if (field.default !== undefined) outputs[name] = field.default;
    else if (field.computed || field.output) outputs[name] = olds ? (olds[name] ?? null) : UNKNOWN;
    else if (olds && isZero(olds[name]) && olds[name] !== undefined) outputs[name] = olds[name] as Json;
    else outputs[name] = field.empty ?? null;
  }
  return outputs;
}

/** A value with every field of its blocks present, in the order in which a state has it. */
function complete(field: Field, value: Json): Json {
  if (isUnknown(value)) return value;
  if (field.kind === "strings" && !field.ordered) return [...new Set(value as string[])].sort();
  if (field.kind === "block") return completeBlock(field.fields, value as Properties, false);
  if (field.kind === "blocks") {
    const items = (value as Json[]).map((item) => (isObject(item) ? completeBlock(field.fields, item, true) : item));
    return items.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
  }
  return value;
}

function completeBlock(fields: Fields, value: Properties, fill: boolean): Properties {
  const whole: Properties = {};
  for (const [name, field] of Object.entries(fields)) {
    const given = value[name] ?? undefined;
    if (given !== undefined) whole[name] = complete(field, given);
    else if (field.default !== undefined) whole[name] = field.default;
    else if (fill) whole[name] = field.kind === "string" ? "" : field.kind === "strings" ? [] : (field.empty ?? null);
  }
  return whole;
}

const key = (value: Json) => JSON.stringify(value);

/** The outputs of a resource that exists but could not be finished: nothing is known of what Docker would have filled in. */
export function unfinished(fields: Fields, planned: Properties): Properties {
  const outputs: Properties = {};
  for (const [name, field] of Object.entries(fields)) {
    const value = planned[name];
    const repeated = field.kind === "blocks" || (field.kind === "strings" && !field.ordered);
    outputs[name] = !isUnknown(value) ? (value ?? null) : repeated && !field.missingIsChange ? [] : null;
  }
  return outputs;
}

// ---- Diff --------------------------------------------------------------------------------------------------------

export type Change = "ADD" | "DELETE" | "UPDATE";

export interface Difference {
  /** Path within the resource, e.g. `envs[1]`. */
  path: string;
  change: Change;
  replace: boolean;
}

/** One form for all values that mean the same, so that two of them can be compared. */
function canonical(field: Field, value: Json | undefined): Json {
  if (isUnknown(value)) return UNKNOWN;
  if (field.meaning) return field.meaning(value ?? null);
  switch (field.kind) {
    case "string":
      return value ?? "";
    case "number":
      return value ?? 0;
    case "boolean":
      return value ?? false;
    case "strings": {
      const items = (value ?? []) as string[];
      return field.ordered ? items : [...new Set(items)].sort();
    }
    case "map":
      return Object.entries((value ?? {}) as Properties).sort(([a], [b]) => (a < b ? -1 : 1));
    case "block":
      return isZero(value) ? null : canonicalBlock(field.fields, value as Properties);
    case "blocks":
      return ((value ?? []) as Json[])
        .map((item) => (isObject(item) ? canonicalBlock(field.fields, item) : item))
        .sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }
}

function canonicalBlock(fields: Fields, value: Properties): Json {
  return Object.entries(fields).map(([name, field]) => canonical(field, value[name] ?? field.default));
}

/** True if the two values of a field mean the same. */
export function same(field: Field, one: Json | undefined, other: Json | undefined): boolean {
  return key(canonical(field, one)) === key(canonical(field, other));
}

/**
 * What must change to get from the state to what the program wants. Inputs of before are asked only where the state
 * alone cannot tell that something was taken out of the program.
 */
export function differences(
  fields: Fields,
  olds: Properties,
  news: Properties,
  oldInputs: Properties,
  ignore: string[] = [],
): Difference[] {
  // A path below a property: the engine has put the old value there already, and the rest still counts.
  const ignored = new Set(ignore);
  const planned = plan(fields, news, olds);
  return Object.entries(fields).flatMap(([name, field]): Difference[] => {
    if (ignored.has(name)) return [];
    const replace = Boolean(field.replace || field.replaceHere);
    const before = olds[name] ?? null;
    const after = planned[name] ?? null;
    const given = news[name] !== undefined && news[name] !== null;
    if (!given) {
      if (field.missingIsChange && before === null) return [{ path: name, change: "ADD", replace }];
      if (field.removable && !isZero(before) && !isZero(oldInputs[name])) return [{ path: name, change: "DELETE", replace }];
      if (field.default !== undefined && before === null && name in olds) return [{ path: name, change: "ADD", replace }];
    }
    const removed = Boolean(field.removalReplaces) && isZero(after);
    return compare(field, name, before, after).map((found) => ({ ...found, replace: replace || removed }));
  });
}

type Found = Omit<Difference, "replace">;

function compare(field: Field, path: string, before: Json, after: Json): Found[] {
  if (same(field, before, after)) return [];
  if (isUnknown(after)) return [{ path, change: isZero(before) ? "ADD" : "UPDATE" }];
  if (isZero(before) && before !== after) {
    const empty = before === null || Array.isArray(before) || isObject(before);
    return [{ path, change: empty ? "ADD" : "UPDATE" }];
  }
  if (isZero(after) && (after === null || typeof after === "object")) return [{ path, change: "DELETE" }];
  if (field.kind === "strings") return compareItems(field.ordered, path, before as string[], after as string[]);
  if (field.kind === "map") return compareMembers(() => string(), path, before as Properties, after as Properties);
  if (field.kind === "block") return compareMembers((name) => field.fields[name], path, before as Properties, after as Properties);
  return [{ path, change: "UPDATE" }];
}

function compareItems(ordered: boolean, path: string, before: string[], after: string[]): Found[] {
  const unchanged = ordered ? () => false : (items: string[], item: string | undefined) => item === undefined || items.includes(item);
  const found: Found[] = [];
  for (let index = 0; index < Math.max(before.length, after.length); index++) {
    const was = before[index];
    const is = after[index];
    if (was === is) continue;
    const gone = was !== undefined && !unchanged(after, was);
    const come = is !== undefined && !unchanged(before, is);
    if (gone || come) found.push({ path: `${path}[${index}]`, change: gone && come ? "UPDATE" : gone ? "DELETE" : "ADD" });
  }
  return found;
}

function compareMembers(fieldOf: (name: string) => Field | undefined, path: string, before: Properties, after: Properties): Found[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => {
    const field = fieldOf(name);
    return field ? compare(field, path + member(name), before[name] ?? null, after[name] ?? null) : [];
  });
}

/** A member of an object as Pulumi writes it in a path. */
export function member(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

// ---- Read --------------------------------------------------------------------------------------------------------

/**
 * Inputs after a refresh: only those that the program gave, with what was found where that differs; a default that was
 * found to be otherwise is no default any more.
 */
export function refreshInputs(fields: Fields, inputs: Properties, outputs: Properties): Properties {
  const refreshed: Properties = {};
  let defaults = Array.isArray(inputs.__defaults) ? inputs.__defaults : [];
  for (const [name, value] of Object.entries(inputs)) {
    const field = fields[name];
    if (!field || isUnknown(value) || !(name in outputs) || same(field, value, outputs[name])) {
      refreshed[name] = value;
      continue;
    }
    defaults = defaults.filter((item) => item !== name);
    const found = outputs[name] as Json;
    if (found === null || (typeof found === "object" && isZero(found))) continue;
    refreshed[name] = asInput(field, found);
  }
  refreshed.__defaults = defaults;
  return refreshed;
}

/** Inputs that a program would have to give to get what was found. */
export function importInputs(fields: Fields, outputs: Properties): Properties {
  const inputs: Properties = { __defaults: [] };
  for (const [name, field] of Object.entries(fields)) {
    const value = outputs[name] ?? null;
    if (field.output || field.unsupported || isZero(value) || (field.default !== undefined && same(field, value, field.default))) continue;
    inputs[name] = asInput(field, value);
  }
  return inputs;
}

function asInput(field: Field, value: Json): Json {
  if (field.kind === "block" && isObject(value)) return blockAsInput(field.fields, value);
  if (field.kind === "blocks" && Array.isArray(value)) {
    return value.map((item) => (isObject(item) ? blockAsInput(field.fields, item) : item));
  }
  return value;
}

function blockAsInput(fields: Fields, value: Properties): Properties {
  const inputs: Properties = { __defaults: [] };
  for (const [name, field] of Object.entries(fields)) {
    if (!field.output && !isZero(value[name])) inputs[name] = asInput(field, value[name] as Json);
  }
  return inputs;
}
