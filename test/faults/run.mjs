/**
 * `npm run test:faults`: strikes every step of points.ts with every blow, on a Docker Engine of its own, and writes
 * docs/faults.md. Ends with 1 where anything was lost, leaked, doubled, or a stranger's was touched.
 */
import "../../setup/node-version.mjs";

import { passThrough } from "../../setup/child.mjs";
import { root } from "../../setup/paths.mjs";
import { main } from "../../setup/terminal.mjs";
import { withTestEngines } from "../engine/session.mjs";

await main(() =>
  withTestEngines("injects faults", [undefined], ([{ within, env }]) =>
    passThrough([...within, process.execPath, "--import", "tsx", "test/faults/matrix.ts", ...process.argv.slice(2)], { cwd: root, env }),
  ),
);
