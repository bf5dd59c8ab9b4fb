/** Changes of a version that the data of what runs does not survive. */

import { imageSets } from "../../components";
import { componentOf } from "../../components/pairings";
import { deadEnd, versionIn } from "../../components/upgrades";
import { judgment } from "../findings";
import { ownContainers } from "../seen";

const versions = judgment({ "version-dead-end": "error" }, (evidence, found) => {
  const { configuration, programs } = evidence;
  const { imageSet } = configuration.cluster;
  const running = ownContainers(evidence, evidence.owner);
  for (const { key, program, image } of programs) {
    const before = running.find(({ component }) => component === componentOf[key]);
    // One that follows its tag is made from an id; the state has the name.
    const name = before?.image.startsWith("sha256:") ? evidence.recorded?.images[before.component]?.split("@")[0] : before?.image;
    const from = name && versionIn(name, key, [imageSet, ...Object.values(imageSets)]);
    const reason = from && deadEnd(key, from, image.version);
    if (reason) {
      found(
        "version-dead-end",
        `${program} ${image.version} (${image.image}) cannot go on with what ${from} (${name}) has left: ${reason}. Set it back; or take the data of a backup from ` +
          "before (docs/operations.md); or give the data up: onDestroy erase, `pulumi up`, `pulumi destroy`, and only then the other version",
      );
    }
  }
});

export const upgrades = [versions];
