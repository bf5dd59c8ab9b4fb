import type { Point } from "./points";
import type { Outcome } from "./world";

export type Row = Outcome & Point;

/** Nothing is lost, nothing is left over, nothing is there twice, and nobody else's was touched. */
export const isClean = ({ recovered, leaked, doubled, touched }: Outcome): boolean =>
  recovered !== "lost" && leaked.length + doubled.length + touched.length === 0;

/** One line about a point. */
export const summary = ({ step, blow, code, left, recovered, leaked, doubled, touched }: Row): string =>
  `${step.command} on ${step.on}, ${step.event}, ${blow}: ended with ${code}, left ${list(left)}; recovered ${recovered}; ` +
  `leaked ${list(leaked)}, doubled ${list(doubled)}, strangers touched ${list(touched)}`;

const list = (entries: readonly string[]): string => entries.join(", ") || "nothing";

/** docs/faults.md */
export function report(rows: readonly Row[], machine: string): string {
  const count = (isIt: (row: Row) => boolean) => rows.filter(isIt).length;
  const sum = (what: (row: Row) => readonly string[]) => rows.reduce((total, row) => total + what(row).length, 0);
  const totals = [
    ["faults injected", rows.length],
    ["recovered without hands: the next `npm run up` is all", count(({ recovered }) => recovered === "without hands")],
    ["recovered with the one command that the message names: `npm run recover`, then `npm run up`", count(({ recovered }) => recovered === "with npm run recover")],
    ["lost", count(({ recovered }) => recovered === "lost")],
    ["leaked", sum(({ leaked }) => leaked)],
    ["doubled", sum(({ doubled }) => doubled)],
    ["strangers' things touched", sum(({ touched }) => touched)],
  ];
  const cells = ({ step, blow, code, left, recovered, census, leaked, doubled, touched }: Row, index: number) => [
    index + 1, `${step.command} on ${step.on}`, `\`${step.event}\`${step.made ? ", made" : ""}`, blow, code, left.join(", "), recovered,
    census.containers, census.volumes, census.networks, census.processes, census.tasks, census.resources, leaked.length, doubled.length, touched.length,
  ];
  const head = [
    "", "command", "struck at", "blow", "exit code", "left behind", "recovered",
    "containers", "volumes", "networks", "processes", "tasks", "resources in the state", "leaked", "doubled", "strangers' touched",
  ];
  const line = (row: readonly (string | number)[]) => `| ${row.join(" | ")} |`;
  return `# Interruptions

What comes of a stack when a command on it is cut off. Written by \`npm run test:faults\` on ${new Date().toISOString().slice(0, 10)}: ${machine}.

${[["", ""], ["---", "---:"], ...totals].map(line).join("\n")}

Each row is one fault: a command that is struck at the beginning of a step in Pulumi's own event stream. Then it is waited
for, and \`npm run up\` has to bring the cluster about; where it cannot, its message has to name \`npm run recover\`, which has
to make it possible. After that \`npm run pulumi -- preview\` has to show no change, Marathon has to be an active framework of
a master with one active slave, and the app that the cluster had before must run, with the one task that it has to have.

*Left behind* is what was there when the struck command had ended and is not when one ends well. The columns from
*containers* on are the census after the recovery: of this stack alone, in Docker, among the processes and in its state.
*Leaked* is what the state does not know, and locks, pending operations and processes; *doubled* what is there twice. The
*strangers* are three containers, a volume, a network and a process that look like the stack's and are not: each must be
the same one, untouched, throughout. The cluster is the rehearsal stack's: real ZooKeeper, stand-ins for Mesos and
Marathon.

${[head, head.map((_, index) => (index < 4 || index === 5 || index === 6 ? "---" : "---:")), ...rows.map(cells)].map(line).join("\n")}
`;
}
