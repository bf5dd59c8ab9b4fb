/** Images: whether they are there, or can come. */

import { pulledImagesOf } from "../../components/images";
import { obstacles } from "../../components/platforms";
import type { Configuration } from "../../configuration";
import { judgment } from "../findings";
import { patience, type PullAnswer } from "../pullable";

const pull = judgment(
  {
    "images-not-built": "error",
    "manifest-schema-1": "error",
    "no-such-image": "error",
    "registry-credentials": "error",
    "registry-unreachable": "error",
    "pull-refused": "error",
    "images-to-pull": "note",
    "image-set-untried": "note",
  },
  ({ configuration, engine, owner, programs }, found) => {
    const { imageSet } = configuration.cluster;
    const absent = programs.map(({ image }) => image.image).filter((image) => !(image in engine.images));
    if (absent.length === 0) {
      return;
    }
    const built = absent.filter((image) => !pulledImagesOf(imageSet).includes(image));
    if (built.length > 0) {
      found(
        "images-not-built",
        `the Docker Engine has no image ${built.join(", ")}, and no registry has: build what is missing with npm run images -- build --stack ${owner.stack}`,
      );
    }
    const pulled = absent.filter((image) => !built.includes(image));
    // What the Docker Engine says of an image goes before what is known of its version.
    const old = obstacles(imageSet, engine, pulled.filter((image) => engine.pulls?.[image]?.answer !== "has it")).find(({ name }) => name === "manifest-schema-1");
    if (old) {
      found("manifest-schema-1", `${old.problem}. ${old.cure}`);
    } else if (pulled.length > 0) {
      const pulls = Object.fromEntries(pulled.map((image) => [image, engine.pulls?.[image] ?? { answer: "has it" as const, words: "" }]));
      pullFindings(configuration, pulls).forEach(({ name, text }) => found(name, text));
    }
    if (imageSet.fromSources) {
      found(
        "image-set-untried",
        `the image set ${imageSet.name} was put together from the images' sources; nobody has been seen to run it with this stack` +
          (imageSet.limits.length > 0 ? `. Known limits: ${imageSet.limits.join("; ")}` : ""),
      );
    }
  },
);

/** What to say of images that are not there, by answer: each error names its images, the cause and what to do. */
export function pullFindings({ host: { registryAuth } }: Configuration, pulls: Readonly<Record<string, PullAnswer>>) {
  const images = (answer: PullAnswer["answer"]) => Object.keys(pulls).filter((image) => pulls[image].answer === answer);
  const elsewhere = "pull them elsewhere and bring them here (npm run images -- save FILE, and load FILE), or name a registry that has them: pulumi config set imageRegistry REGISTRY";
  const credentials = "pulumi config set imageRegistryUsername NAME, and pulumi config set --secret imageRegistryPassword";
  const causes = [
    { answer: "no such image", name: "no-such-image", cure: `there is no such image in the registry: ${elsewhere}` },
    {
      answer: "credentials",
      name: "registry-credentials",
      cure: registryAuth
        ? `the registry refuses the credentials of ${registryAuth.username}, or does not show the image to them: ${credentials}`
        : `the registry asks for credentials, or has no such image: ${credentials}, for the registry in imageRegistry`,
    },
    { answer: "out of reach", name: "registry-unreachable", cure: `the Docker Engine cannot reach the registry: ${elsewhere}` },
    { answer: "refused", name: "pull-refused", cure: `the Docker Engine does not pull it: ${elsewhere}` },
  ] as const;
  const refused = causes
    .filter(({ answer }) => images(answer).length > 0)
    .map(({ answer, name, cure }) => ({ name, text: `${images(answer).join(", ")}: ${cure}. The Docker Engine said: ${pulls[images(answer)[0]].words}` }));
  const silent = images("silent");
  const coming = [...images("has it"), ...silent];
  const unsure = silent.length > 0 ? `; the registry of ${silent.join(", ")} has not answered within ${patience / 1000} s` : "";
  return [
    ...refused,
    ...(coming.length > 0 ? [{ name: "images-to-pull" as const, text: `${coming.length} of 4 images are not here yet and will be pulled: ${coming.join(", ")}${unsure}` }] : []),
  ];
}

const follow = judgment({ "tag-not-followed": "warning" }, ({ configuration, engine }, found) => {
  const isUnknown = (image: string) => image in engine.images && engine.pulls?.[image]?.answer !== "has it";
  const unknown = pulledImagesOf(configuration.cluster.imageSet).filter(isUnknown);
  if (configuration.followImageTags && unknown.length > 0) {
    found(
      "tag-not-followed",
      `whether the registry has another image under ${unknown.join(", ")} is not known (${engine.pulls?.[unknown[0]]?.words || "it has not answered"}): ` +
        "as long as that is so, what was pulled last stays, and else what the Docker Engine has under the name is taken (mesos-marathon:followImageTags)",
    );
  }
});

export const images = [pull, follow];
