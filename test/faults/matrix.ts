/** Strikes every point and writes docs/faults.md. Arguments: words that a point must have, to strike only some; then the page is printed, not written. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { docker } from "../engine/docker";
import { projectFolder } from "../engine/stack";
import { points } from "./points";
import { isClean, report, type Row, summary } from "./report";
import { World } from "./world";

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const chosen = points.filter(({ step, blow }) => words.every((word) => `${step.command} on ${step.on} ${step.event} ${blow}`.includes(word)));
  const rows: Row[] = [];
  const world = await World.create();
  try {
    for (const { step, blow } of chosen) {
      const begun = Date.now();
      const row = { step, blow, ...(await world.strike({ step, blow })) };
      rows.push(row);
      console.log(`${rows.length} of ${chosen.length}: ${summary(row)} (${Math.round((Date.now() - begun) / 1000)} s)`);
      if (!isClean(row)) {
        console.log(row.told.replace(/^/gm, "    "));
      }
    }
  } finally {
    await world.remove();
  }
  const text = report(rows, await machine());
  if (words.length === 0) {
    writeFileSync(join(projectFolder, "docs", "faults.md"), text);
  } else {
    console.log(text);
  }
  process.exitCode = rows.every(isClean) ? 0 : 1;
}

async function machine(): Promise<string> {
  const plugin = readFileSync(join(process.env.PULUMI_HOME ?? "", "plugins", "resource-docker-v5.2.0", "pulumi-resource-docker"));
  const plugins = plugin.subarray(0, 300).includes("drop-in") ? "this project's drop-ins for the plugins" : "the official plugins";
  const commit = execFileSync("git", ["describe", "--always", "--dirty", "--exclude=*"], { cwd: projectFolder, encoding: "utf8" }).trim();
  return `commit ${commit}, Pulumi ${String(execFileSync("pulumi", ["version"])).trim()}, ${plugins}, Docker Engine ${(await docker.version()).Version}, Node ${process.versions.node}`;
}

void main();
