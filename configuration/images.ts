import { readFileSync } from "node:fs";

import { customImageSet, fromRegistry, type ImageSet, imageSets, type RegistryAuth } from "../components";
import { project, type Source } from "./source";

/**
 * The images to run. `known` is absent where it cannot be said which: `imageSet` is then one to go on with beside the
 * problems.
 */
export function readImages(source: Source): { known?: ImageSet; imageSet: ImageSet; registryAuth?: RegistryAuth & { readonly password: string } } {
  const name = source.text("imageSet");
  const file = source.text("customImageSet");
  let known = Object.hasOwn(imageSets, name) ? imageSets[name] : undefined;
  if (name === "custom") {
    const read = readCustomImageSet(file);
    read.problems.forEach((cure) => source.problem("customImageSet", file, cure));
    known = read.imageSet;
  } else if (file) {
    source.problem("customImageSet", file, "only the image set custom reads it: pulumi config set imageSet custom, or remove it");
  }

  const [registry, username, password] = [source.text("imageRegistry"), source.text("imageRegistryUsername"), source.text("imageRegistryPassword")];
  // Pulumi.yaml cannot say `secret: true`: Pulumi then refuses the default of whoever sets none.
  if (password && !source.isSecret("imageRegistryPassword")) {
    source.fault("imageRegistryPassword", "", "is in the clear: pulumi config set --secret imageRegistryPassword, and take a new one if others could read that");
  }
  if (Boolean(username) !== Boolean(password)) {
    source.problems.push(`${project}:imageRegistry${username ? "Password" : "Username"} is missing: name and password go together`);
  }
  if ((username || password) && !registry) {
    source.problems.push(`${project}:imageRegistry is missing: name and password are shown to that registry only`);
  }
  const imageSet = known ?? imageSets.tutorial;
  return {
    known,
    imageSet: registry ? fromRegistry(imageSet, registry) : imageSet,
    ...(registry && username && { registryAuth: { address: registry.split("/")[0], username, password } }),
  };
}

/** The set that a file describes; without one, a set to go on with beside the problems. */
function readCustomImageSet(path: string): { imageSet?: ImageSet; problems: string[] } {
  if (!path) {
    return { problems: ["write the path of a JSON file that describes the images, such as examples/custom-images.json"] };
  }
  try {
    const { imageSet, problems } = customImageSet(readFileSync(path, "utf8"));
    return problems.length > 0 ? { problems } : { imageSet, problems };
  } catch (error) {
    return { problems: [`it cannot be read (${(error as NodeJS.ErrnoException).code}); write the path of a JSON file, from the project's folder`] };
  }
}
