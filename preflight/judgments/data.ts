/** What becomes of the data that the cluster has kept. */

import { type Evidence, judgment } from "../findings";
import { bearsLabels, ownContainers, variable } from "../seen";

const howToMove = "Nothing is carried over by itself: docs/operations.md, *Move the data*, says how";

const moved = judgment({ "data-would-stay-behind": "error", "data-stayed-behind": "warning" }, (evidence, found) => {
  const { configuration: { cluster: { dataFolder } }, engine, owner } = evidence;
  const containers = ownContainers(evidence, owner);
  const sources = containers.flatMap(({ binds }) => binds.map((bind) => bind.split(":")[0])).filter((source) => isData(source, evidence));
  const left = sources.filter((source) => source !== (dataFolder ? `${dataFolder}/${source.split("/").pop()}` : source.split("/").pop()));
  if (left.length > 0) {
    found(
      "data-would-stay-behind",
      `the data of the cluster is in ${left.join(", ")}, and mesos-marathon:dataFolder is ${dataFolder || "empty, for volumes"}: it would begin anew, without apps, ` +
        `beside tasks that nobody tends. Set it back, or \`pulumi destroy\` first. ${howToMove}`,
    );
  }
  const volumes = engine.volumes.filter(({ name, labels }) => bearsLabels(labels, owner) && isData(name, evidence)).map(({ name }) => name).sort();
  if (dataFolder && containers.length === 0 && volumes.length > 0) {
    found(
      "data-stayed-behind",
      `the volumes ${volumes.join(", ")} hold data of this stack, and with mesos-marathon:dataFolder the cluster takes what is in ${dataFolder}. ${howToMove}`,
    );
  }
});

/** Whether a volume or folder is one of those that this stack keeps data in. */
function isData(source: string, { owner }: Evidence): boolean {
  return new RegExp(`(^|/)${owner.project}-${owner.stack}-cluster-(zookeeper-data|zookeeper-datalog|mesos-master-data|mesos-slave-work(-\\d+)?)$`).test(source);
}

const forgotten = judgment({ "apps-forgotten": "warning" }, (evidence, found) => {
  const { configuration: { cluster } } = evidence;
  const marathon = ownContainers(evidence, evidence.owner).find(({ component }) => component === "marathon");
  const before = /^zk:\/\/[^/]+(\/.+)$/.exec(variable("MARATHON_ZK", marathon?.environment ?? []) ?? "")?.[1];
  const now = cluster.marathonZookeeperPath;
  if (before && before !== now) {
    found(
      "apps-forgotten",
      `mesos-marathon:marathonZookeeperPath changes from ${before} to ${now}: Marathon becomes another framework, with the apps that are at ${now}. ` +
        `Those at ${before} are there again when that is set back; until then their tasks run on, and nobody tends them`,
    );
  }
});

export const data = [moved, forgotten];
