/** The tables, made from what was measured. */

/** @typedef {import("./measure.mjs").Measured} Measured */

/** @param {number[]} times */
function median(times) {
  const order = [...times].sort((a, b) => a - b);
  return (order[Math.ceil(order.length / 2) - 1] + order[Math.floor(order.length / 2)]) / 2;
}

/** @param {number} seconds */
const two = (seconds) => seconds.toFixed(2);

/** @param {number} seconds */
const milliseconds = (seconds) => `${Math.round(seconds * 1000)} ms`;

/** @param {number[]} times */
const spread = (times) => `${two(Math.min(...times))} to ${two(Math.max(...times))}`;

/**
 * @param {string[]} heads those that begin with `>` are aligned to the right
 * @param {string[][]} rows
 */
const table = (heads, rows) =>
  [heads.map((head) => head.replace(/^>/, "")), heads.map((head) => (head.startsWith(">") ? "---:" : "---")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");

/** The longest way through an `up`: what ends each step, and what ends it in docker-run.sh. */
const steps = [
  { what: "Pulumi's CLI starts", ends: ["CLI starts"] },
  { what: "Node, the SDK and the program start; preflight", ends: ["program starts"] },
  { what: "the docker plugin starts; images, volumes", ends: ["cluster-zookeeper-image", "cluster-zookeeper-data", "cluster-zookeeper-datalog"] },
  { what: "ZooKeeper's container", ends: ["cluster-zookeeper"], others: ["zookeeper created"] },
  { what: "the command plugin starts; ZooKeeper serves", ends: ["cluster-zookeeper-ready"], others: ["zookeeper ready"] },
  { what: "the master's container", ends: ["cluster-mesos-master"], others: ["mesos-master created"] },
  { what: "the master is elected", ends: ["cluster-mesos-master-ready"], others: ["mesos-master ready"] },
  { what: "the slave's and Marathon's containers", ends: ["cluster-mesos-slave", "cluster-marathon"], others: ["mesos-slave created", "marathon created"] },
  { what: "slave and framework are active", ends: ["cluster-mesos-slave-ready", "cluster-marathon-ready"], others: ["mesos-slave ready", "marathon ready"] },
  { what: "the rest", ends: ["CLI ends"] },
];

/**
 * @param {Measured} measured
 * @returns {string} Markdown
 */
export function report({ times, phases, machine, load }) {
  /** @param {string} row */
  const time = (row) => [two(median(times[row])), spread(times[row])];
  /** @type {(goal: string, met: boolean) => string} */
  const judged = (goal, met) => `${goal}: ${met ? "met" : "**not met**"}`;
  /** @type {(row: string, other: string, most: number | undefined) => string[]} */
  const ratio = (row, other, most) => {
    const found = median(times[row]) / median(times[other]);
    return [...time(row), `${two(found)} ×`, most ? judged(`at most ${most} ×`, found <= most) : ""];
  };
  // The difference of the two in the same round, so that a busy round weighs on both.
  /** @type {(row: string, of: string, most: number) => string[]} */
  const onTop = (row, of, most) => {
    const found = median(times[row].map((seconds, round) => seconds - times[of][round]));
    return [...time(row), `${two(found)} s on top`, judged(`at most ${most} s on top`, found <= most)];
  };
  const { plugins } = machine;
  const heads = ["", ">median, s", ">least to most, s", ">compared", "goal"];

  /** @type {(prefix: string, whats: string[]) => number} */
  const endOf = (prefix, whats) =>
    median(phases[prefix + whats[0]].map((_, round) => Math.max(...whats.map((what) => phases[prefix + what][round][1]))));
  let [ended, othersEnded] = [0, 0];
  const stepRows = steps.map(({ what, ends, others }) => {
    const [begun, othersBegan] = [ended, othersEnded];
    ended = endOf("", ends);
    othersEnded = others ? endOf("docker run: ", others) : othersEnded;
    return [what, two(ended - begun), two(ended), others ? two(othersEnded - othersBegan) : ""];
  });
  const starts = Object.keys(times).filter((row) => /^(import |node |plugin )/.test(row));

  return [
    `${new Date().toISOString().slice(0, 10)}; ${machine.cores} cores, kernel ${machine.kernel}, Node ${machine.node}, Docker Engine ${machine.docker}, Pulumi ${machine.pulumi}, ` +
      `plugins: ${plugins}. Rehearsal stack, images present. ${load.length} rounds, everything in turn; load of the machine at their starts: ${load.map((one) => one.toFixed(1)).join(", ")}.`,
    table(heads, [
      ["`preview` of a program that imports the same and declares nothing", ...time("preview: empty"), "", ""],
      ["no-op `preview`, no refresh, no preflight", ...ratio("preview", "preview: empty", plugins === "official" ? 1.3 : 1.5)],
      ["the same with preflight", ...onTop("preview + preflight", "preview", 0.3)],
      ["the same with refresh", ...onTop("preview + refresh", "preview", 0.5)],
      ["the same with both, as users get it", ...ratio("preview + both", "preview: empty", undefined)],
      ["the four containers at once by `docker run`, waiting for nothing: the floor", ...time("docker run, at once"), "", ""],
      ["the four `docker run`s with the same waits (`bench/docker-run.sh`)", ...time("docker run"), "", ""],
      machine.compose ? [`\`docker compose up --wait\` (${machine.compose}) with the same checks`, ...ratio("docker compose", "docker run", undefined)] : ["`docker compose up --wait`: cannot be had here", "", "", "", ""],
      ["`pulumi up --skip-preview` from nothing", ...ratio("up", "docker run", 2)],
      ...(machine.compose ? [["the same against compose", ...ratio("up", "docker compose", 1)]] : []),
      ["no-op `up`", ...time("no-op up"), "", ""],
      ["the same as `npm run up`, everything there", ...onTop("npm run up", "no-op up in a clone", 1)],
      ["`refresh`", ...time("refresh"), "", ""],
      ["`destroy`", ...time("destroy"), "", ""],
    ]),
    "Where the time of an `up` from nothing goes, along its longest way (medians):",
    table(["", ">takes, s", ">at, s", ">the same by `docker run`, s"], stepRows),
    "Single steps that every command takes (medians):",
    table(["", ">takes"], starts.map((row) => [row.replace(/^(import|plugin) (.+)$/, "$1 `$2`").replace("node -e 0", "`node -e 0`"), milliseconds(median(times[row]))])),
  ].join("\n\n");
}
