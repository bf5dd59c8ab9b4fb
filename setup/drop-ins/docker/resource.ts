/** What the four Docker resource types have in common: everything but the calls to Docker themselves. */
import { createHash } from "node:crypto";
import type Docker from "dockerode";
import { check, differences, importInputs, plan, refreshInputs, unfinished, type Difference, type Fields } from "../fields";
import { PartialFailure, refusal, type CheckRequest, type Context, type ResourceType } from "../provider";
import { UNKNOWN, type Properties } from "../wire";
import type { Connection } from "./connection";

/** A call's context with the daemon at hand. */
export interface DockerContext extends Context {
  docker: Docker;
  credentials: Connection["credentials"];
  /** Settles as the promise does, or at once when the call is stopped. */
  stoppable<T>(promise: Promise<T>): Promise<T>;
  /** Waits; ends at once when the call is stopped. */
  sleep(milliseconds: number): Promise<void>;
}

/** The thing was made, but could not be brought to where it should be. */
export class Unfinished extends Error {
  constructor(
    readonly id: string,
    reason: string,
  ) {
    super(reason);
  }
}

/** A Docker resource type. Values are plain: no secrets, no unknowns. */
export interface Kind {
  /** E.g. `docker:index/volume:Volume`. */
  token: string;
  fields: Fields;
  /** `__meta` of the official plugin's state, which it wants to find again; none for schema version 0 without time limits. */
  meta?: Properties;
  /** True if a missing `name` is made up. */
  autoname: boolean;
  /** Whether the old one goes first when it is replaced; `named`: only if its name was given and would therefore collide. */
  deleteFirst: "always" | "named" | "never";
  /** The id of a thing that exists, from what Docker says. */
  create(context: DockerContext, inputs: Properties): Promise<string>;
  /** The fields as they are now, or nothing if it is gone. What is not returned stays as it was in `before`. */
  read(context: DockerContext, id: string, before: Properties, importing: boolean): Promise<{ id: string; found: Properties } | undefined>;
  update?(context: DockerContext, id: string, olds: Properties, planned: Properties): Promise<void>;
  delete(context: DockerContext, id: string, olds: Properties): Promise<void>;
  /** Differences that are none. */
  dismiss?(difference: Difference, olds: Properties, news: Properties, oldInputs: Properties): boolean;
}

/** The key under which the official plugin keeps time limits in `__meta`: 20 minutes each, in nanoseconds. */
const TIMEOUTS = "e2bfb730-ecaa-11e6-8f88-34363bc7c4c0";
const DEFAULT_TIMEOUT_SECONDS = 1200;
export const META_TIMEOUTS: Properties = { [TIMEOUTS]: { create: 1.2e12, delete: 1.2e12, update: 1.2e12 } };

/** The resource type for the engine. */
export function dockerResource(kind: Kind, connected: () => Connection): ResourceType {
  const owner = kind.token;
  const stables = Object.keys(kind.fields)
    .filter((name) => kind.fields[name]?.replace)
    .sort();

  const inDocker = async <T>(context: Context, work: (context: DockerContext) => Promise<T>): Promise<T> => {
    const connection = connected();
    const signal = context.timeout > 0 ? context.signal : AbortSignal.any([context.signal, AbortSignal.timeout(DEFAULT_TIMEOUT_SECONDS * 1000)]);
    const stoppable = <V>(promise: Promise<V>): Promise<V> => raceAbort(promise, signal);
    const docker = await connection.docker();
    const sleep = (milliseconds: number) => stoppable(new Promise<void>((resolve) => void setTimeout(resolve, milliseconds)));
    try {
      signal.throwIfAborted();
      return await work({ ...context, signal, docker, credentials: connection.credentials, stoppable, sleep });
    } catch (error) {
      if (error instanceof Unfinished) throw error;
      throw explained(error, connection.endpoint);
    }
  };

  /** A state as the official plugin would have written it, without the delta that only it can keep up to date. */
  const stateOf = (id: string, values: Properties): Properties => ({
    ...Object.fromEntries(Object.keys(kind.fields).map((name) => [name, values[name] ?? null])),
    id,
    ...(kind.meta ? { __meta: JSON.stringify(kind.meta) } : {}),
  });

  /** Empty where the program gave nothing: a creation leaves those as null, a refresh finds them empty. */
  const asPlanned = (planned: Properties, found: Properties): Properties => {
    const values: Properties = { ...planned };
    for (const [name, value] of Object.entries(found)) {
      const nothing = value !== null && typeof value === "object" && Object.keys(value).length === 0;
      values[name] = nothing && planned[name] === null && !kind.fields[name]?.computed ? null : value;
    }
    return values;
  };

  return {
    check({ name, news, olds, randomSeed, autonaming }: CheckRequest) {
      const given = kind.autoname && (news.name === undefined || news.name === null);
      if (!given) return check(kind.fields, news, owner);
      const named = nameFor(name, olds, randomSeed, autonaming);
      const { inputs, failures } = check(kind.fields, { ...news, name: named }, owner);
      if (!named) failures.push({ property: "name", reason: `${owner} needs the input "name": automatic names are switched off` });
      inputs.__defaults = [...(inputs.__defaults as string[]), "name"].sort();
      return { inputs, failures };
    },

    diff(olds, news, oldInputs, ignore) {
      const found = differences(kind.fields, olds, news, oldInputs, ignore);
      const real = found.filter((difference) => !kind.dismiss?.(difference, olds, news, oldInputs));
      const autonamed = Array.isArray(news.__defaults) && news.__defaults.includes("name");
      return {
        differences: real,
        deleteBeforeReplace: kind.deleteFirst === "always" || (kind.deleteFirst === "named" && !autonamed),
        stables,
      };
    },

    async create(context, inputs) {
      const planned = plan(kind.fields, inputs);
      if (context.preview) return { id: "", outputs: { ...planned, id: UNKNOWN } };
      return inDocker(context, async (inside) => {
        let id: string;
        try {
          id = await kind.create(inside, unfinished(kind.fields, planned));
        } catch (error) {
          if (!(error instanceof Unfinished)) throw error;
          throw new PartialFailure(error.id, stateOf(error.id, unfinished(kind.fields, planned)), error.message);
        }
        const now = await kind.read(inside, id, unfinished(kind.fields, planned), false);
        if (!now) throw refusal(`${inside.name} was created (${id}) and is gone again`);
        return { id: now.id, outputs: stateOf(now.id, asPlanned(unfinished(kind.fields, planned), now.found)) };
      });
    },

    async read(context, id, olds, inputs) {
      const importing = inputs === undefined;
      const before = importing ? Object.fromEntries(Object.entries(kind.fields).flatMap(([name, field]) => (field.default === undefined ? [] : [[name, field.default]]))) : olds;
      return inDocker(context, async (inside) => {
        const now = await kind.read(inside, id, before, importing);
        if (!now) return undefined;
        const outputs = stateOf(now.id, { ...before, ...now.found });
        return { id: now.id, outputs, inputs: importing ? importInputs(kind.fields, outputs) : refreshInputs(kind.fields, inputs, outputs) };
      });
    },

    async update(context, id, olds, news) {
      const planned = plan(kind.fields, news, olds);
      if (context.preview) return { ...planned, id };
      return inDocker(context, async (inside) => {
        await kind.update?.(inside, id, olds, planned);
        const now = await kind.read(inside, id, planned, false);
        if (!now) throw refusal(`${inside.name} (${id}) is gone: a refresh will take it out of the state`);
        return stateOf(now.id, asPlanned(planned, now.found));
      });
    },

    async delete(context, id, olds) {
      await inDocker(context, (inside) => kind.delete(inside, id, olds));
    },
  };
}

/** The old name if it was made up before, else what the user's pattern proposes, else `<logical name>-<7 hex>`. */
function nameFor(logical: string, olds: Properties, seed: Uint8Array, autonaming: CheckRequest["autonaming"]): string {
  if (Array.isArray(olds.__defaults) && olds.__defaults.includes("name") && typeof olds.name === "string") return olds.name;
  if (autonaming?.mode === "disable") return "";
  if (autonaming?.name) return autonaming.name;
  return `${logical}-${createHash("sha256").update(seed).digest("hex").slice(0, 7)}`;
}

function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason instanceof Error ? signal.reason : new Error("stopped"));
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** Docker's own message instead of the client library's, and a sentence with the cure where there was no answer at all. */
function explained(error: unknown, endpoint: string): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  if (statusCode !== undefined) {
    error.message = error.message.replace(/\(HTTP code \d+\) .*? - ([\s\S]*?)\s*$/, "Error response from daemon: $1");
  } else if (code === "EACCES") {
    error.message = `Permission denied on the Docker daemon's socket at ${endpoint}: run as a user who may use Docker`;
  } else if (code !== undefined && ["ENOENT", "ECONNREFUSED", "ENOTFOUND", "ECONNRESET", "EHOSTUNREACH", "ETIMEDOUT", "EAI_AGAIN"].includes(code)) {
    error.message = `Cannot connect to the Docker daemon at ${endpoint} (${code}). Is it running?`;
  }
  return error;
}

/** True if Docker said that there is no such thing. */
export const isGone = (error: unknown): boolean => (error as { statusCode?: number })?.statusCode === 404;

/** Docker's own words in an error. */
export function dockersWords(error: unknown): string {
  return explained(error, "its endpoint").message;
}

/** Awaits a call to Docker; its failure says what was being done. */
export async function step<T>(what: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw failed(what, error);
  }
}

/** The error, with what was being done put before Docker's words. */
export function failed(what: string, error: unknown): unknown {
  if ((error as { statusCode?: number })?.statusCode === undefined) return error;
  return new Error(`${what}: ${dockersWords(error)}`);
}

/** The result, or nothing if Docker says that there is no such thing. */
export async function unlessGone<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** `[{label, value}]` as Docker wants it. */
export function labelMap(labels: unknown): { [label: string]: string } {
  return Object.fromEntries(((labels ?? []) as { label: string; value: string }[]).map(({ label, value }) => [label, value]));
}

/** Docker's labels as `[{label, value}]`, sorted. */
export function labelList(labels: { [label: string]: string } | undefined | null): { label: string; value: string }[] {
  return Object.entries(labels ?? {})
    .map(([label, value]) => ({ label, value }))
    .sort((a, b) => (a.label < b.label ? -1 : 1));
}
