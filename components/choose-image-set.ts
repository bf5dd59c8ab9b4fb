import { fromRegistry, type ImageSet, imageSets, imagesOf } from "./images";
import { obstacles, type Platform } from "./platforms";

/** What is seen of a Docker host where nobody has said which images to run. */
export interface Sight {
  readonly platform: Platform;
  /** Names of the images that it has. */
  readonly images: readonly string[];
  /** What registries say of images that it has not. */
  readonly registries: Readonly<Record<string, "has it" | "lacks it" | "out of reach">>;
}

/** A set, and why it is that one; or why there is none, and what else could be done. */
export type Choice = { readonly imageSet: string; readonly why: string } | { readonly reasons: readonly string[]; readonly cures: readonly string[] };

/** Every set, as far as nobody renames its images. */
const all = Object.values(imageSets);

/** The image sets that `auto` chooses from, with the names that their images have in a registry. */
export function choosableImageSets(registry: string | undefined): ImageSet[] {
  return all.map((imageSet) => (registry ? fromRegistry(imageSet, registry) : imageSet));
}

/** The images by which it is seen whether a registry answers: one of each set's that are not here. */
export function telltales(images: readonly string[], sets: readonly ImageSet[] = all): string[] {
  const first = sets.filter(({ standIn }) => !standIn).map((imageSet) => imagesOf(imageSet)[0]);
  return [...new Set(first)].filter((image) => !images.includes(image));
}

/** The set that some of these images are of, by their names, with a digest behind them or not. */
export function setOfImages(images: readonly string[], sets: readonly ImageSet[] = all): string | undefined {
  const names = images.map((image) => image.split("@")[0]);
  return sets.find((imageSet) => imagesOf(imageSet).some((image) => names.includes(image)))?.name;
}

/**
 * Which set to run on a host: the first that it can run as it is, and whose images are here or can come. Stand-ins are for
 * hosts where no registry answers, and for no others.
 */
export function chooseImageSet({ platform, images, registries }: Sight, sets: readonly ImageSet[] = all): Choice {
  const answers = Object.values(registries).some((answer) => answer !== "out of reach");
  const passedOver: string[] = [];
  const cures: string[] = [];
  for (const imageSet of sets.filter(({ standIn }) => !standIn)) {
    const { name } = imageSet;
    const absent = imagesOf(imageSet).filter((image) => !images.includes(image));
    const lacking = absent.filter((image) => registries[image] === "lacks it");
    // Of one age as they are, what the Docker Engine says of one image holds for all.
    const found = obstacles(imageSet, platform, registries[imagesOf(imageSet)[0]] === "has it" ? [] : absent);
    const reasons = [
      ...found.map(({ problem }) => problem),
      ...(lacking.length > 0 ? [`the image registry does not give out ${lacking.join(", ")}`] : []),
      ...(absent.length > 0 && !answers ? [`no image registry can be reached, and ${absent.join(", ")} are not here`] : []),
    ];
    if (reasons.length === 0) {
      const why = absent.length === 0 ? "its images are here, and this host can run them" : "an image registry answers, and this host can run its images";
      return { imageSet: name, why: [why, ...passedOver.map((reason) => `not ${reason}`)].join("; ") };
    }
    passedOver.push(...reasons.map((reason) => `${name}: ${reason}`));
    if (found.every(({ curable }) => curable)) {
      cures.push(...found.map(({ cure }) => `${name}: ${cure}`));
    }
  }
  const standIn = sets.find(({ standIn }) => standIn);
  return answers || !standIn
    ? { reasons: passedOver, cures }
    : {
        imageSet: standIn.name,
        why: "no image registry can be reached, so images are built on the spot: real ZooKeeper, stand-ins for Mesos and Marathon",
      };
}
