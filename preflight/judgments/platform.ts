/** What an image set needs of the Docker Engine and its host: `components/platforms.ts` knows. */

import { obstacles } from "../../components/platforms";
import { judgment } from "../findings";

const needs = judgment(
  {
    "other-architecture": "error",
    "emulated-architecture": "warning",
    "cgroup-version": "error",
    "docker-client-too-old": "error",
    "containerd-image-store": "error",
  },
  ({ configuration: { cluster }, engine }, found) => {
    for (const { name, problem, cure } of obstacles(cluster.imageSet, engine, [])) {
      // Told with the images.
      if (name !== "manifest-schema-1") {
        found(name, `${problem}. ${cure}`);
      }
    }
  },
);

export const platform = [needs];
