/**
 * `npm run bench [-- --rounds N] [-- --readme]`: measures the rehearsal stack side by side with what it is compared to,
 * on a Docker Engine of its own, and writes bench/results.md; with --readme the table in README.md too.
 *
 * Nothing here fails for being slow: goals are shown beside what was measured.
 */
import "../setup/node-version.mjs";

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { passThrough } from "../setup/child.mjs";
import { writeWhole } from "../setup/files.mjs";
import { root } from "../setup/paths.mjs";
import { main, Problem, say } from "../setup/terminal.mjs";
import { withTestEngines } from "../test/engine/session.mjs";
import { compose } from "./compose.mjs";
import { report } from "./report.mjs";

await main(async () => {
  const { rounds, readme } = options();
  return withTestEngines("measures", [undefined], async ([{ within, env }]) => {
    const composed = await compose();
    const folder = mkdtempSync(join(tmpdir(), "mesos-marathon-bench-"));
    const file = join(folder, "measured.json");
    try {
      const code = await passThrough([...within, process.execPath, "--import", "tsx", "bench/measure.mjs"], {
        cwd: root,
        // `--event-log` is one of Pulumi's flags for debugging.
        env: { ...env, PULUMI_DEBUG_COMMANDS: "true", BENCH_ROUNDS: String(rounds), BENCH_COMPOSE: JSON.stringify(composed ?? null), BENCH_RESULT: file },
      });
      if (code !== 0) {
        return code;
      }
      const text = report(JSON.parse(readFileSync(file, "utf8")));
      console.log(text);
      writeWhole(join(root, "bench", "results.md"), `# Measured by \`npm run bench\`\n\n${text}\n`);
      if (readme) {
        intoReadme(text);
      }
      return 0;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function options() {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" }, readme: { type: "boolean", default: false } } });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    throw new Problem(`--rounds is ${values.rounds}: write a whole number from 1 to 100.`);
  }
  return { rounds, readme: values.readme };
}

/** @param {string} text */
function intoReadme(text) {
  const path = join(root, "README.md");
  const between = /(<!-- bench -->\n)[^]*?(<!-- \/bench -->)/;
  const before = readFileSync(path, "utf8");
  if (!between.test(before)) {
    throw new Problem("README.md has no <!-- bench --> and <!-- /bench --> to write the table between.");
  }
  writeWhole(path, before.replace(between, (_, open, close) => `${open}\n${text}\n\n${close}`));
  say("README.md has the table");
}
