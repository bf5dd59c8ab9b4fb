/** A browser for the tests that look at pages: one that is there, otherwise Debian's Chromium. */

import { which } from "./child.mjs";
import { installPackages } from "./debian.mjs";
import { road } from "./terminal.mjs";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** @returns {Promise<string>} where the browser is */
export async function browser() {
  const there = names.map((name) => which(name)).find(Boolean);
  if (there) {
    road("Browser", "there already");
    return there;
  }
  await installPackages(["chromium"], "Testing the pages");
  road("Browser", "Debian's chromium");
  return /** @type {string} */ (which("chromium"));
}
