/** What an image set needs of the Docker Engine: its version, its cgroups, its image store. */

import { judgment } from "../findings";

const cgroups = judgment({ "cgroup-version": "error" }, ({ configuration: { cluster }, engine }, found) => {
  const { needs, mesosSlave } = cluster.imageSet;
  if (needs.cgroupVersion && engine.cgroupVersion !== needs.cgroupVersion) {
    found(
      "cgroup-version",
      `Mesos ${mesosSlave.version} needs cgroup v${needs.cgroupVersion}, and this host has v${engine.cgroupVersion}: ` +
        "the slave would end at every start. Use a host with cgroup v1, or boot with systemd.unified_cgroup_hierarchy=0 where systemd still knows it",
    );
  }
});

const dockerClient = judgment({ "docker-client-too-old": "error" }, ({ configuration: { cluster }, engine }, found) => {
  const { needs: { dockerClientApi }, mesosSlave } = cluster.imageSet;
  if (dockerClientApi && compareVersions(dockerClientApi, engine.minApiVersion) < 0) {
    found(
      "docker-client-too-old",
      `the docker client in ${mesosSlave.image} speaks API ${dockerClientApi}, and Docker Engine ${engine.version} answers from ${engine.minApiVersion} on: ` +
        `no task would start. Use Docker Engine ${compareVersions(dockerClientApi, "1.24") < 0 ? "24 or older, or 25 with DOCKER_MIN_API_VERSION=1.12" : `28 or older, or 29 with DOCKER_MIN_API_VERSION=${dockerClientApi}`} in its environment`,
    );
  }
});

const imageStore = judgment({ "containerd-image-store": "error" }, ({ configuration: { cluster }, engine }, found) => {
  const newest = cluster.imageSet.needs.newestContainerdStoreEngine;
  if (newest !== undefined && engine.containerdStore && Number.parseInt(engine.version, 10) > newest) {
    found(
      "containerd-image-store",
      `Docker Engine ${engine.version} keeps images in containerd's store and tells Mesos less of them than it needs: no Docker task would start. ` +
        'Put "features": {"containerd-snapshotter": false} into its daemon.json',
    );
  }
});

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  return left[0] - right[0] || left[1] - right[1];
}

export const platform = [cgroups, dockerClient, imageStore];
