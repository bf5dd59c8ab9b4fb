/** Where the time of an `up` goes, from the engine's own events. */

import { closeSync, openSync, readSync, writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";

/** @typedef {{ at: number, event: any }} Stamped at: seconds since following began; event: one of Pulumi's engine events */

/** Milliseconds between two looks at the events. Their own time stamps are whole seconds. */
const interval = 5;

/**
 * Stamps each event that Pulumi writes to an event log with the time at which it was there.
 * @param {string} path
 */
export function follow(path) {
  writeFileSync(path, "");
  const file = openSync(path, "r");
  const begun = performance.now();
  const buffer = Buffer.alloc(1 << 20);
  /** @type {Stamped[]} */
  const events = [];
  let rest = "";
  const look = () => {
    const at = (performance.now() - begun) / 1000;
    const lines = (rest + buffer.toString("utf8", 0, readSync(file, buffer))).split("\n");
    rest = lines.pop() ?? "";
    events.push(...lines.filter(Boolean).map((line) => ({ at, event: JSON.parse(line) })));
  };
  const timer = setInterval(look, interval);
  return {
    path,
    /** Gives the events, ends with one that is the end itself. */
    stop() {
      clearInterval(timer);
      look();
      closeSync(file);
      return [...events, { at: (performance.now() - begun) / 1000, event: {} }];
    },
  };
}

/**
 * @param {Stamped[]} events
 * @returns {Record<string, [number, number]>} what → begun and ended
 */
export function phases(events) {
  /** @type {Record<string, number>} */
  const begun = {};
  /** @type {Record<string, [number, number]>} */
  const spans = {};
  for (const { at, event } of events) {
    const { urn } = (event.resourcePreEvent ?? event.resOutputsEvent)?.metadata ?? {};
    const name = urn?.split("::").pop();
    if (event.preludeEvent) {
      spans["CLI starts"] = [0, at];
    } else if (event.resourcePreEvent) {
      begun[name] ??= at;
    } else if (event.resOutputsEvent && name in begun) {
      spans[name] = [begun[name], at];
    }
  }
  const first = Math.min(...Object.entries(begun).filter(([name]) => name.startsWith("cluster")).map(([, at]) => at));
  const last = Math.max(...Object.values(spans).map(([, at]) => at));
  spans["program starts"] = [spans["CLI starts"]?.[1] ?? 0, first];
  spans["CLI ends"] = [last, events.at(-1)?.at ?? last];
  return spans;
}
