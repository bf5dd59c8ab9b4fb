/**
 * `npm run logs [-- COMPONENT…] [-- --follow] [-- --tail LINES] [-- --since TIME] [-- --stack NAME]`: what the cluster's
 * containers have logged, those of the named components or all four. Needs no Pulumi.
 */
import "./node-version.mjs";

import { parseArgs } from "node:util";

import { passThrough } from "./child.mjs";
import { components, stackContainers } from "./containers.mjs";
import { main, Problem, say } from "./terminal.mjs";

await main(async () => {
  const { values, positionals } = parse();
  const unknown = positionals.find((name) => !components.includes(name));
  if (unknown !== undefined) {
    throw new Problem(`There is no component ${unknown}. There are: ${components.join(", ")}.`);
  }
  const { dockerHost, stack, containers } = await stackContainers(values.stack);
  const wanted = components.filter((name) => positionals.length === 0 || positionals.includes(name));
  const found = containers.filter(({ component }) => wanted.includes(component));
  for (const name of wanted.filter((name) => !found.some(({ component }) => component === name))) {
    say(`${name}: the stack ${stack} has no container of it. npm run up, or pulumi up, makes it.`);
  }
  for (const { name, status } of found.filter(({ status }) => !status.startsWith("Up"))) {
    say(`${name} does not run: ${status}`);
  }
  const options = [
    ...(values.follow ? ["--follow"] : []),
    ...(values.tail === undefined ? [] : ["--tail", values.tail]),
    ...(values.since === undefined ? [] : ["--since", values.since]),
  ];
  let unread = false;
  process.stdout.on("error", () => {
    // Who reads the output has seen enough.
    unread = true;
    process.emit("SIGTERM");
  });
  const width = Math.max(...wanted.map((name) => name.length));
  const show = (/** @type {typeof found[number]} */ { component, name }) =>
    passThrough(["docker", "logs", ...options, name], {
      env: { ...process.env, DOCKER_HOST: dockerHost },
      prefix: wanted.length > 1 ? `${component.padEnd(width)} | ` : undefined,
    });
  /** @type {number[]} */
  const codes = [];
  if (values.follow) {
    codes.push(...(await Promise.all(found.map(show))));
  } else {
    for (const container of found) {
      codes.push(unread ? 0 : await show(container));
    }
  }
  return found.length < wanted.length ? 1 : Math.max(...codes);
});

function parse() {
  const options = /** @type {const} */ ({
    follow: { type: "boolean", short: "f" },
    tail: { type: "string", short: "n" },
    since: { type: "string" },
    stack: { type: "string", short: "s" },
  });
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new Problem(`${/** @type {Error} */ (error).message.split(". ")[0]}\nnpm run logs [-- COMPONENT…] [-- --follow] [-- --tail LINES] [-- --since TIME] [-- --stack NAME]`);
  }
}
