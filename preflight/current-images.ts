import type { CurrentImage } from "../components";
import { componentOf } from "../components/pairings";
import type { Configuration } from "../configuration";
import { programs } from "../configuration/keys";
import { type Owner, ownContainers, type Seen } from "./seen";

/**
 * What containers are to be made from where that is not simply their image's name: component → image. With followImageTags
 * it is what the name stands for now, in its registry, or on the Docker Engine where no registry tells. Without, a
 * container that was made from an image's id keeps that one, for as long as the image has this name.
 */
export function currentImages({ followImageTags, cluster: { imageSet } }: Configuration, seen: Seen, owner: Owner): Record<string, CurrentImage> {
  const { images = {}, pulls } = seen.engine ?? {};
  const recorded = seen.recorded?.images ?? {};
  const found = ownContainers(seen, owner);
  const current: Record<string, CurrentImage> = {};
  for (const program of programs) {
    const component = componentOf[program];
    const { image } = imageSet[program];
    const before = found.find((container) => container.component === component);
    const pinned = recorded[component]?.startsWith(`${image}@`) ? recorded[component] : undefined;
    const digest = pulls?.[image]?.digest;
    let reference = pinned ?? image;
    if (followImageTags && digest) {
      const newest = `${image}@${digest}`;
      // A pull by digest does not move the tag, so what was pulled so is named so until the registry has another one.
      reference = pinned === newest || images[withoutTag(newest)] !== images[image] ? newest : image;
    }
    const id = images[withoutTag(reference)];
    if (followImageTags) {
      const isNew = !before && reference === image;
      current[component] = { reference, from: isNew ? image : before && before.imageId === id ? before.image : id };
    } else if (before?.image.startsWith("sha256:") && recorded[component] === reference) {
      current[component] = { reference, from: before.image };
    }
  }
  return current;
}

/** As the Docker Engine lists a name with a digest. */
function withoutTag(reference: string): string {
  return reference.replace(/:[\w.-]+@/, "@");
}
