/** The recorded conversations between the engine and the official plugins. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Properties } from "../../setup/drop-ins/wire";
import type { Request } from "./plugin-process";

export interface Exchange {
  /** E.g. `08-labels-removed`. */
  step: string;
  method: string;
  request: Request;
  response: Properties | null;
  errors?: string[];
}

const folder = join(__dirname, "recorded");

/** Every call of every step, in order. */
export function recordings(): Exchange[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".jsonl"));
  return files.sort().flatMap((file) =>
    readFileSync(join(folder, file), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => ({ ...(JSON.parse(line) as Exchange), step: file.replace(/\.jsonl$/, "") })),
  );
}

/** Which plugin a call went to. */
export function pluginOf({ request }: Exchange): "docker" | "command" {
  return /::(pulumi:providers:command|[^:]*command:local)/.test(request.urn) || request.urn.includes("command:local:") ? "command" : "docker";
}

/** The last part of the urn: the resource's logical name. */
export const logicalName = ({ request }: Exchange): string => request.urn.split("::").pop() ?? "";

export interface Deviation {
  id: string;
  resource: string;
  official: string;
  dropIn: string;
  why: string;
  /** Recorded answers that differ: what is to be put in place of the recorded members; null takes one out. */
  recorded?: { steps: string[]; method: string; resource: string; answer: Properties }[];
  /** Why no recorded Check or Diff shows it. */
  notReplayed?: string;
}

export function deviations(): Deviation[] {
  return JSON.parse(readFileSync(join(__dirname, "../../setup/drop-ins/deviations.json"), "utf8")) as Deviation[];
}
