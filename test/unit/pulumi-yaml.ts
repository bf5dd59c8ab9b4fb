import { join } from "node:path";

import { pulumiYaml } from "../../docs/generate";

export { pulumiYaml };

/** The folder of the project. */
export const project = join(__dirname, "..", "..");

/** A stack's configuration where nobody has set anything: the CLI hands every default over, as text. */
export function defaults(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(pulumiYaml().config).map(([key, { default: value }]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}
