import { type ImageSet, mispairings } from "../components";
import type { Configuration } from ".";
import { type Key, type Program, programs } from "./keys";
import { offeredPorts } from "./ports";
import { project, type Source } from "./source";

/** Tells what is wrong between keys. `imageSet` is absent where it is not known which one will run. */
export function tellContradictions(source: Source, cluster: Configuration["cluster"], imageSet: ImageSet | undefined): void {
  const problem = (key: Key, found: string, cure: string) => source.problem(key, found, cure);
  const imageSetName = source.text("imageSet");
  if (source.text("followImageTags") === "true" && source.text("preflight") === "false") {
    problem("followImageTags", "true", "preflight is what looks at the images: pulumi config rm preflight");
  }
  for (const [what, value] of [["Name", "containerName"], ["Port", "port"]] as const) {
    const holders = new Map<string, string>();
    for (const name of programs) {
      const key = `${name}${what}` as const;
      const found = String(cluster[name][value]);
      const holder = holders.get(found);
      // What is no port at all has been told already.
      if (holder && found !== "NaN") {
        problem(key, found, `${project}:${holder} is the same; give each its own`);
      }
      holders.set(found, key);
    }
  }
  const ranges = offeredPorts(cluster.mesosSlave.resources);
  for (const [from, to] of ranges) {
    if (from > to || from < 1 || to > 65535) {
      problem(
        "mesosSlaveResources",
        cluster.mesosSlave.resources,
        `${from}-${to} is no range of ports; write the lower one first, from 1 to 65535`,
      );
    }
  }
  for (const name of programs) {
    const { port } = cluster[name];
    const fixed = imageSet?.[name].fixed?.port;
    if (fixed && String(port) !== fixed && !Number.isNaN(port)) {
      problem(`${name}Port`, String(port), `the image set ${imageSetName} knows no other port than ${fixed}`);
    }
    const range = ranges.find(([from, to]) => from <= port && port <= to);
    if (range) {
      problem(
        `${name}Port`,
        String(port),
        `the slave offers it to tasks (${range.join("-")} in ${project}:mesosSlaveResources); write one outside, or other ranges there`,
      );
    }
  }
  if (imageSet) {
    const names = Object.fromEntries(programs.map((name) => [name, cluster[name].containerName])) as Record<Program, string>;
    for (const { program, name, reason } of mispairings(imageSet, names)) {
      problem(name ? `${program}Name` : "imageSet", name ? names[program] : imageSetName, reason);
    }
  }
}
