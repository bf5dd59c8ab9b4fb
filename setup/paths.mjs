/** Where things lie. Everything that is installed for this clone alone, or kept for it, is in `.local/`. */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The clone. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * A path in `.local/`, which git ignores.
 * @param {...string} names
 */
export const local = (...names) => join(root, ".local", ...names);
