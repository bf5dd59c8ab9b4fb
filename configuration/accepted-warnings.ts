import { levels } from "../preflight/judge";
import { rules } from "./keys";
import { faults, type Source } from "./source";

const unacceptable = { error: "that is an error, which cannot be accepted: mend it", note: "that is a note, and stays: remove it" };

/** Names of preflight's warnings that somebody has read and need not be told again. */
export function readAcceptedWarnings(source: Source): string[] {
  return source.list("acceptedWarnings").flatMap((item, index) => {
    const name = typeof item === "string" ? item : JSON.stringify(item);
    const level = Object.hasOwn(levels, name) ? levels[name] : undefined;
    const wrong = level === "error" || level === "note" ? [unacceptable[level]] : faults(rules.acceptedWarnings.items, name);
    wrong.forEach((cure) => source.fault("acceptedWarnings", `[${index}]`, `is ${JSON.stringify(name)}: ${cure}`));
    return wrong.length === 0 ? [name] : [];
  });
}
