/** The environment that every Pulumi command of this clone runs in. */

import { delimiter } from "node:path";

import { backend } from "./backend.mjs";
import { local } from "./paths.mjs";

/**
 * What differs from this process's own environment: undefined stands for a variable that is taken away.
 * @param {{ bin: string | undefined, home: string }} engine folder of the CLI where PATH does not have it; PULUMI_HOME
 * @returns {Record<string, string | undefined>}
 */
export function differences({ bin, home }) {
  const path = (process.env.PATH ?? "").split(delimiter);
  return {
    ...(bin && !path.includes(bin) && { PATH: [bin, ...path].join(delimiter) }),
    ...(bin && { PULUMI_SKIP_UPDATE_CHECK: "true" }),
    // Plugins are in place there, and looking for others costs two seconds where no download site answers.
    ...(home === local("pulumi-home") && { PULUMI_HOME: home, PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" }),
    // A Node that can keep what it has compiled (from 22.1 on) loads the SDK a third faster.
    ...(!process.env.NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE: local("compile-cache") }),
    ...backend().environment,
  };
}

/** @param {Parameters<typeof differences>[0]} engine */
export function environment(engine) {
  const env = { ...process.env, ...differences(engine) };
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
}
