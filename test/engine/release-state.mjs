/** `npm run release:state`: keeps what this version writes into Pulumi's state as `test/engine/released/VERSION.json`. */
import "../../setup/node-version.mjs";

import { passThrough } from "../../setup/child.mjs";
import { root } from "../../setup/paths.mjs";
import { main } from "../../setup/terminal.mjs";
import { withTestEngines } from "./session.mjs";

await main(() =>
  withTestEngines("records a release", [undefined], ([{ within, env }]) =>
    passThrough([...within, process.execPath, "--import", "tsx", "test/engine/record-release.ts"], { cwd: root, env }),
  ),
);
