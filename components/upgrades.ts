import type { ImageSet } from "./images";
import { older, type Program } from "./pairings";

/** Versions from the first one on, below the second one; without one, there is no bound on that side. */
type Range = readonly [from: string | undefined, below?: string];

/** A change of a program's version that its data does not survive. */
interface DeadEnd {
  readonly programs: readonly Program[];
  readonly from: Range;
  /** "older": any release line below the one that ran, such as 1.8 below 1.11. */
  readonly to: Range | "older";
  readonly reason: string;
}

/**
 * Sources: ZooKeeper's upgrade FAQ, and its issues 3056 and 3644; Mesos, docs/downgrades.md at 1.11; Marathon,
 * docs/docs/upgrade/index.md, and Migration.scala of 1.5 (what it refuses, and what it makes of versions before 1.4).
 */
const deadEnds: readonly DeadEnd[] = [
  {
    programs: ["zookeeper"],
    from: [undefined, "3.5"],
    to: ["3.5", "3.5.7"],
    reason: "these versions do not start on data of 3.4 that has no snapshot yet, or lose it: take 3.5.7 or later",
  },
  { programs: ["zookeeper"], from: [undefined], to: "older", reason: "nobody promises that a release reads the data of a later one" },
  { programs: ["mesosMaster", "mesosSlave"], from: ["1.0"], to: [undefined, "1.0"], reason: "Mesos promises a way back between versions 1.x only" },
  { programs: ["mesosMaster", "mesosSlave"], from: [undefined, "1.0"], to: "older", reason: "Mesos promises a way back between versions 1.x only" },
  { programs: ["marathon"], from: [undefined], to: "older", reason: "Marathon refuses data in ZooKeeper that a later one has migrated" },
  {
    programs: ["marathon"],
    from: [undefined, "1.4"],
    to: ["1.5"],
    reason: "Marathon from 1.5 on refuses data of versions before 1.4: go to 1.4 first, and on from there when it is up",
  },
];

/**
 * Why a program's data does not survive that change of its version.
 * @returns nothing where no reason is known
 */
export function deadEnd(program: Program, from: string, to: string): string | undefined {
  const isIn = ([least, below]: Range, version: string) => !(least && older(version, least)) && (!below || older(version, below));
  const isOlderLine = older(line(to), line(from));
  return deadEnds.find((end) => end.programs.includes(program) && isIn(end.from, from) && (end.to === "older" ? isOlderLine : isIn(end.to, to)))?.reason;
}

/** 1.8.222 → 1.8 */
const line = (version: string) => version.split(".").slice(0, 2).join(".");

/** The version of a program in an image: what an image set says of it, or else its tag. */
export function versionIn(image: string, program: Program, imageSets: readonly ImageSet[]): string | undefined {
  const known = imageSets.find((imageSet) => imageSet[program].image === image);
  return known?.[program].version ?? /:v?(\d+\.\d+(\.\d+)?)[\w.-]*$/.exec(image)?.[1];
}
