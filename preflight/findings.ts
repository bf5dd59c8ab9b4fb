import type { ServiceImage } from "../components";
import type { Configuration } from "../configuration";
import type { Program } from "../configuration/keys";
import { type Engine, type Here, inSeconds, isOurs, type Owner, type Recorded, type Seen, type SeenContainer } from "./seen";

/** An error stops `up` and `preview`. */
export type Level = "error" | "warning" | "note";

/** Something about the host that the person should know before the first change. */
export interface Finding {
  readonly level: Level;
  /** What it is called, such as `port-taken`: the same for ever. A name has one level. */
  readonly name: string;
  /** What is so, where it was set, what to do. */
  readonly text: string;
  /** Whether it is a warning that the configuration accepts. */
  readonly accepted?: true;
}

/** What a judgment is made from. */
export interface Evidence {
  readonly configuration: Configuration;
  readonly owner: Owner;
  readonly engine: Engine;
  /** Absent where Pulumi runs elsewhere. */
  readonly here?: Here;
  readonly recorded?: Recorded;
  readonly resolved?: Seen["resolved"];
  readonly programs: readonly ProgramEvidence[];
  /** Whether a container is this stack's. */
  readonly own: (container: SeenContainer) => boolean;
}

export interface ProgramEvidence {
  /** What its keys begin with. */
  readonly key: Program;
  /** What it is called in a sentence. */
  readonly program: string;
  readonly args: Configuration["cluster"][Program];
  readonly image: ServiceImage;
}

/** One thing that is judged, and the names of what it can find. */
export interface Judgment {
  readonly levels: Readonly<Record<string, Level>>;
  readonly judge: (evidence: Evidence) => Finding[];
}

/**
 * Makes a judgment of a function that reports what it finds.
 * @param levels every name that it reports → its level
 */
export function judgment<Name extends string>(
  levels: Readonly<Record<Name, Level>>,
  judge: (evidence: Evidence, found: (name: Name, text: string) => void) => void,
): Judgment {
  return {
    levels,
    judge(evidence) {
      const findings: Finding[] = [];
      judge(evidence, (name, text) => findings.push({ level: levels[name], name, text: inSeconds(text) }));
      return findings;
    },
  };
}

/** What there is to judge by, where the Docker Engine answered. */
export function evidence(configuration: Configuration, seen: Seen & { engine: Engine }, owner: Owner): Evidence {
  const { cluster } = configuration;
  const program = (key: Program, program: string) => ({ key, program, args: cluster[key], image: cluster.imageSet[key] });
  return {
    ...seen,
    configuration,
    owner,
    programs: [
      program("zookeeper", "ZooKeeper"),
      program("mesosMaster", "the Mesos master"),
      program("mesosSlave", "the Mesos slave"),
      program("marathon", "Marathon"),
    ],
    own: (container) => isOurs(container, seen.recorded, owner),
  };
}
