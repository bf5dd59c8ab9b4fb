/** What the set-up did outside the clone, written down as it is done, so that it can be listed and undone. */

import { readIfThere, writeWhole } from "./files.mjs";
import { local } from "./paths.mjs";

/**
 * @typedef {{ kind: "package", name: string, version: string }
 *   | { kind: "group", name: string }
 *   | { kind: "service", name: string }
 *   | { kind: "path", path: string }
 *   | { kind: "daemon", pid: number, start?: string, socket: string }
 *   | { kind: "image", name: string, dockerHost: string }} Entry
 *
 * - `package`: a Debian package that was not installed before
 * - `group`: a group of users that a package made
 * - `service`: a systemd unit that was started
 * - `path`: file or folder that a daemon made when it was started, with all that is in it
 * - `daemon`: a process that was started without an init system
 * - `image`: in a person's Docker Engine
 */

const path = local("installed.json");

/** @returns {Entry[]} in the order in which it was done */
export const installed = () => JSON.parse(readIfThere(path) ?? "[]");

/**
 * The entries with one more; the same thing is not noted twice.
 * @param {Entry[]} entries
 * @param {Entry} entry
 */
export function withEntry(entries, entry) {
  return [...entries.filter((other) => !sameThing(other, entry)), entry];
}

/**
 * Whether two entries are about one thing: a package of another version still is.
 * @param {Entry} a
 * @param {Entry} b
 */
export function sameThing(a, b) {
  const thing = (/** @type {Entry} */ entry) => {
    switch (entry.kind) {
      case "path":
        return [entry.kind, entry.path];
      case "daemon":
        return [entry.kind, entry.socket];
      case "image":
        return [entry.kind, entry.name, entry.dockerHost];
      default:
        return [entry.kind, entry.name];
    }
  };
  return JSON.stringify(thing(a)) === JSON.stringify(thing(b));
}

/**
 * Notes that something was done outside the clone.
 * @param {...Entry} entries
 */
export function note(...entries) {
  if (entries.length > 0) {
    write(entries.reduce(withEntry, installed()));
  }
}

/**
 * Notes that something was undone.
 * @param {Entry} entry
 */
export function forget(entry) {
  write(installed().filter((other) => !sameThing(other, entry)));
}

/** @param {Entry[]} entries */
const write = (entries) => writeWhole(path, `${JSON.stringify(entries, undefined, 2)}\n`);
