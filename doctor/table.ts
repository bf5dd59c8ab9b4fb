import type { Report } from "./report";

/** A report for a person, in lines of at most `width`. */
export function inTable({ stack, dockerHost, dockerVersion, findings, cluster }: Report, width = 80): string {
  const lines = [`Stack ${stack}`, ...row([`Docker Engine ${dockerVersion ?? "out of reach"}: `], dockerHost, width), ""];
  for (const { level, name, text, accepted } of findings) {
    lines.push(`${level.padEnd(7)} ${name}${accepted ? " (accepted)" : ""}`, ...row(["        "], text, width));
  }
  if (findings.length === 0) {
    lines.push("Nothing found.");
  }
  if (!cluster) {
    return [...lines, "", dockerVersion ? "There is no cluster of this stack yet." : "Whether there is a cluster of this stack cannot be seen."].join("\n");
  }
  const { components, slaves, apps } = cluster;
  lines.push("", "Components");
  for (const { component, ready, answer, version = "", endpoint = "" } of components) {
    const head = `  ${component.padEnd(13)}${ready ? "ready    " : "NOT READY"} ${version.padEnd(8)}`;
    const [together, ...more] = row([head], [endpoint, answer].filter(Boolean).join("  "), width);
    lines.push(...(more.length === 0 || !endpoint ? [together, ...more] : [head + endpoint, ...row([" ".repeat(15)], answer, width)]));
  }
  if (slaves.length > 0) {
    lines.push("", "Slaves");
    for (const { id, hostname, active, attributes, total, free } of slaves) {
      const with_ = Object.entries(attributes).map(([name, value]) => `${name}:${value}`);
      lines.push(...row(["  "], [`${active ? "active  " : "INACTIVE"}  ${hostname}`, ...with_, id].join("  "), width));
      lines.push(...row(["            "], `free: cpus ${free.cpus} of ${total.cpus}, mem ${free.mem} of ${total.mem} MiB, disk ${free.disk} of ${total.disk} MiB`, width));
    }
  }
  if (apps.length > 0) {
    const complete = apps.filter(({ instances, running, waits }) => running >= instances && !waits);
    const others = apps.filter((app) => !complete.includes(app)).map(({ id, running, instances }) => `${id} ${running} of ${instances}`);
    lines.push("", ...row(["Apps  "], [`${complete.length} of ${apps.length} run in full`, ...others].join("; "), width));
  }
  const logs = components.filter(({ log }) => log.length > 0);
  if (logs.length > 0) {
    lines.push("", "Last errors in the logs, or last lines of what is not ready; all: npm run logs");
    for (const { component, log } of logs) {
      log.forEach((line) => lines.push(...cut(row([`  ${component.padEnd(13)}`], line, width), 2)));
    }
  }
  return lines.join("\n");
}

/** The first of some lines, with a sign where there are more. */
function cut(lines: readonly string[], count: number): readonly string[] {
  return lines.length > count ? [...lines.slice(0, count - 1), `${lines[count - 1].slice(0, -1)}…`] : lines;
}

/** What stands in front once, and behind it a text, broken between words, its lines below each other. */
function row(front: readonly string[], text: string, width: number): string[] {
  const head = front.join("");
  const room = width - head.length;
  const [first, ...words] = text.replaceAll(/\s*\n\s*/g, " ").split(" ").flatMap((word) => word.match(new RegExp(`.{1,${room}}`, "gs")) ?? [""]);
  const lines: string[] = [];
  let line = first;
  for (const word of words) {
    if (line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else {
      line += ` ${word}`;
    }
  }
  return [...lines, line].map((each, index) => (index === 0 ? head : " ".repeat(head.length)) + each).map((each) => each.trimEnd());
}
