import { type ImageSet, stopsByPrefix } from "./images";
import { compareVersions } from "./versions";

/** A program of the cluster, as the arguments and the image sets call it. */
export type Program = "zookeeper" | "mesosMaster" | "mesosSlave" | "marathon";

/** The same in the words of the labels. */
export const componentOf = { zookeeper: "zookeeper", mesosMaster: "mesos-master", mesosSlave: "mesos-slave", marathon: "marathon" } as const;

/** Something that versions, or versions and names, do not allow. */
export interface Mispairing {
  readonly program: Program;
  /** Whether it is the name of that program's container; else it is the version. */
  readonly name: boolean;
  readonly reason: string;
}

/**
 * What does not go together in a cluster. Sources: Mesos's contender.cpp and detector.cpp at each release's
 * tag; Marathon's dependencies at each tag, and its changelog; the entrypoints of the official ZooKeeper images.
 */
export function mispairings(imageSet: ImageSet, names: Readonly<Record<Program, string>>): Mispairing[] {
  const { zookeeper, mesosMaster: master, mesosSlave: slave, marathon } = imageSet;
  const found: Mispairing[] = [];
  const version = (program: Program, reason: string) => found.push({ program, name: false, reason });

  if (older(marathon.version, "0.11") && !older(master.version, "0.24")) {
    version("marathon", `Marathon ${marathon.version} was built on Mesos 0.22, which cannot read where a master ${master.version} says it is: Mesos writes JSON into ZooKeeper from 0.24 on. Take Marathon 0.11 or later, or a master up to 0.23`);
  }
  for (const [marathons, mesos] of [["1.7", "1.5"], ["1.2", "1.0"]]) {
    if (!older(marathon.version, marathons) && older(master.version, mesos)) {
      version("marathon", `Marathon ${marathon.version} needs Mesos ${mesos} or later, and the master is ${master.version}`);
      break;
    }
  }
  if (older(zookeeper.version, "3.5") && Object.values(zookeeper.environment).some((template) => template.includes("{serverSpecifications}"))) {
    version("zookeeper", `ZooKeeper ${zookeeper.version} does not know the form of {serverSpecifications}, which came with 3.5: leave that variable out, and tell it its port`);
  }
  if (stopsByPrefix(slave)) {
    for (const [program, name] of Object.entries(names).filter(([, name]) => name.startsWith("mesos-"))) {
      const reason = `a Mesos slave ${slave.version} that starts on kept state stops every container whose name begins with mesos-; write another name, such as ${name.slice("mesos-".length)}`;
      found.push({ program: program as Program, name: true, reason });
    }
  }
  return found;
}

export function older(version: string, than: string): boolean {
  return compareVersions(version, than) < 0;
}
