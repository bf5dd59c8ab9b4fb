import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export interface Key {
  readonly type: string;
  readonly default: unknown;
  readonly description: string;
}

/** The folder of the project. */
export const project = join(__dirname, "..", "..");

/** Pulumi.yaml, read by the library with which Pulumi's SDK reads YAML. */
export function pulumiYaml(): { name: string; runtime: unknown; options: unknown; main: string; config: Record<string, Key> } {
  return createRequire(require.resolve("@pulumi/pulumi"))("js-yaml").load(readFileSync(join(project, "Pulumi.yaml"), "utf8"));
}

/** A stack's configuration where nobody has set anything: the CLI hands every default over, as text. */
export function defaults(): Record<string, string> {
  return Object.fromEntries(Object.entries(pulumiYaml().config).map(([key, { default: value }]) => [key, String(value)]));
}
