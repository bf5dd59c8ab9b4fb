/** Names of containers and volumes, which are fixed, so that others may have them already. */

import { judgment } from "../findings";
import { bearsLabels, byOwner, whose } from "../seen";

const containerNames = judgment(
  { "container-not-in-state": "error", "container-name-taken": "error" },
  ({ engine, own, owner, programs }, found) => {
    const others = engine.containers.filter((container) => !own(container));
    for (const container of others.filter(({ labels }) => bearsLabels(labels, owner))) {
      found(
        "container-not-in-state",
        `the container ${container.name} (${whose(container)}) bears this stack's labels, but is not in its state: it belongs to a stack of the same name ` +
          "in another clone, whose data this one would take for its own, or an `up` that was cut off left it. Go on in that clone, " +
          "choose another name for this stack (pulumi stack init NAME), or let npm run recover mend it",
      );
    }
    const taken = others
      .filter(({ labels }) => !bearsLabels(labels, owner))
      .flatMap((container) => programs.filter(({ args }) => args.containerName === container.name).map(({ key }) => ({ key, container })));
    for (const { owner: other, items } of byOwner(taken)) {
      const [{ key, container }] = items;
      found(
        "container-name-taken",
        items.length === 1
          ? `the container name ${container.name} (mesos-marathon:${key}Name) is taken by a container that this stack did not make ` +
              `(${whose(container)}): remove or rename that one, or choose another name: pulumi config set ${key}Name NAME`
          : `the container names ${items.map(({ key, container }) => `${container.name} (mesos-marathon:${key}Name)`).join(", ")} are taken by ${other}: ` +
              `end that, or choose other names: pulumi config set ${key}Name NAME, and so on`,
      );
    }
  },
);

const volumeNames = judgment({ "volume-name-taken": "error" }, ({ engine, owner }, found) => {
  const prefix = `${owner.project}-${owner.stack}-cluster-`;
  for (const volume of engine.volumes) {
    const { name, labels } = volume;
    // Another stack's name may begin with this one's.
    const isOwnName = name.startsWith(prefix) && /^(zookeeper|mesos-master|mesos-slave|marathon)-\w+(-\d+)?$/.test(name.slice(prefix.length));
    if (isOwnName && !bearsLabels(labels, owner)) {
      found(
        "volume-name-taken",
        `the volume ${name}${whose(volume) && ` (${whose(volume)})`} would be taken for this stack's, but does not bear its labels: remove it once nobody needs ` +
          `what is in it (docker volume rm ${name}), or choose another name for this stack (pulumi stack init NAME)`,
      );
    }
  }
});

export const names = [containerNames, volumeNames];
