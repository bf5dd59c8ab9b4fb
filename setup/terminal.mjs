/** What a person sees of the set-up. All of it goes to stderr: stdout belongs to the command that was asked for. */

import { createInterface } from "node:readline/promises";

/** Something a person can mend: the message says what is so and what to do, and no stack trace is shown. */
export class Problem extends Error {}

/** @param {string} line */
export const say = (line) => void process.stderr.write(`${line}\n`);

/** @param {number} milliseconds */
export function duration(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * The road that each part of the set-up took in this run: what was there already, what was installed and how.
 * @type {{ part: string, road: string, milliseconds: number }[]}
 */
export const roads = [];

/**
 * Notes the road a part took.
 * @param {string} part
 * @param {string} road
 * @param {number} [milliseconds] how long it took; default: nothing worth telling
 */
export const road = (part, road, milliseconds = 0) => void roads.push({ part, road, milliseconds });

/** Prints the roads as a table. */
export function sayRoads() {
  const width = Math.max(...roads.map(({ part }) => part.length));
  for (const { part, road, milliseconds } of roads) {
    say(`  ${part.padEnd(width)}  ${road}${milliseconds >= 500 ? ` (${duration(milliseconds)})` : ""}`);
  }
}

/** Milliseconds between two plain lines of a step where there is no terminal to redraw a line on. */
const plainInterval = 30_000;

/**
 * Does one step that takes a while, and shows what it is, how far it got and how long it usually takes.
 * @template T
 * @param {string} part what is being prepared
 * @param {{ doing: string, usually: string }} what as in "building from source", "6 minutes"
 * @param {(progress: (far: string) => void) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(part, { doing, usually }, work) {
  const started = Date.now();
  const terminal = process.stderr.isTTY;
  let far = "";
  const line = () => `${part}: ${doing}${far && `, ${far}`}, ${duration(Date.now() - started)} of usually ${usually}`;
  if (!terminal) {
    say(`${part}: ${doing}, usually ${usually}`);
  }
  const draw = () => {
    const width = Math.max(20, (process.stderr.columns ?? 80) - 1);
    process.stderr.write(terminal ? `\r\x1b[K${line().slice(0, width)}` : `${line()}\n`);
  };
  const timer = setInterval(draw, terminal ? 500 : plainInterval);
  timer.unref();
  const erase = () => void (terminal && process.stderr.write("\r\x1b[K"));
  try {
    const result = await work((now) => void (far = now));
    clearInterval(timer);
    erase();
    say(`${part}: done in ${duration(Date.now() - started)}`);
    road(part, doing, Date.now() - started);
    return result;
  } catch (error) {
    clearInterval(timer);
    erase();
    throw error;
  }
}

/**
 * Asks a yes-or-no question; anything but yes is no.
 * @param {string} question
 * @throws Problem where nobody can answer
 */
export async function agreed(question) {
  if (!process.stdin.isTTY) {
    throw new Problem(`${question}\nThere is no terminal to answer on: add -- --yes to agree.`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** What a file system refuses, in words: none of it is a mistake of this program's. */
const refused = /** @type {Record<string, string>} */ ({
  EACCES: "There is no permission for it. Run this as the user whose clone this is.",
  EPERM: "There is no permission for it. Run this as the user whose clone this is.",
  EROFS: "It lies on a file system that is read-only.",
  ENOSPC: "There is no room left on its file system.",
});

/**
 * Runs an entry point: its result is the exit code, and a Problem is told in its own words.
 * @param {() => Promise<number | void>} entry
 */
export async function main(entry) {
  try {
    process.exitCode = (await entry()) ?? 0;
  } catch (error) {
    const { code = "", path } = /** @type {NodeJS.ErrnoException} */ (error);
    if (error instanceof Problem || code.startsWith("ERR_PARSE_ARGS")) {
      say(/** @type {Error} */ (error).message);
    } else if (path && refused[code]) {
      say(`${path} cannot be used. ${refused[code]}`);
    } else {
      throw error;
    }
    process.exitCode = 1;
  }
}
