/** What an image set needs of the Docker Engine and its host, and the docker client that it is given: `components/platforms.ts` knows. */

import { clientApi, goodClient, type MountedClient, obstacles } from "../../components/platforms";
import { compareVersions } from "../../components/versions";
import { type Evidence, judgment } from "../findings";

const needs = judgment(
  {
    "other-architecture": "error",
    "emulated-architecture": "warning",
    "cgroup-version": "error",
    "docker-client-too-old": "error",
    "docker-client-too-new": "error",
    "containerd-image-store": "error",
  },
  (evidence, found) => {
    for (const { name, problem, cure } of obstacles(evidence.configuration.cluster.imageSet, evidence.engine, [], mountedClient(evidence))) {
      // Told with the images.
      if (name !== "manifest-schema-1") {
        found(name, `${problem}. ${cure}`);
      }
    }
  },
);

/** The docker client that the slave is given, held back to DOCKER_API_VERSION where that is set for it. */
function mountedClient({ configuration: { cluster }, here }: Evidence): MountedClient | undefined {
  const { dockerClient: path, environment } = cluster.mesosSlave;
  if (!path) {
    return undefined;
  }
  const version = here?.dockerClient?.version;
  const [api, heldBack] = [version && clientApi(version), environment.DOCKER_API_VERSION];
  return { path, api: typeof heldBack === "string" && (!api || compareVersions(heldBack, api) < 0) ? heldBack : api };
}

const usable = judgment({ "docker-client-unusable": "error" }, ({ configuration: { cluster }, here }, found) => {
  const what = {
    missing: "is not on this host, or cannot be read",
    "no program": "is no program that can be run",
    "needs libraries": "needs libraries of this host, which the slave's image has not",
  };
  const problem = here?.dockerClient?.problem;
  if (problem) {
    found(
      "docker-client-unusable",
      `the docker client ${cluster.mesosSlave.dockerClient} (mesos-marathon:mesosSlaveDockerClient) ${what[problem]}: no task would start. ` +
        `Take docker/docker out of https://download.docker.com/linux/static/stable/x86_64/docker-${goodClient.version}.5.tgz`,
    );
  }
});

export const platform = [needs, usable];
