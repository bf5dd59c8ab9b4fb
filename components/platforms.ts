import { type ImageSet, takesDockerClient } from "./images";
import { compareVersions } from "./versions";

/**
 * What a Docker host is, as far as it decides which image sets run on it. Preflight, the choice of a set or a stack where
 * nobody made one, and docs/platforms.md all go by `obstacles`.
 */
export interface Platform {
  /** Version of the Docker Engine, such as 20.10.24. */
  readonly version: string;
  /** Oldest version of the API that it answers, such as 1.12. */
  readonly minApiVersion: string;
  readonly cgroupVersion: string;
  /** As images call it: amd64, arm64. */
  readonly architecture: string;
  /** Whether it keeps images in containerd's store. */
  readonly containerdStore?: boolean;
  /** Whether the kernel runs programs for amd64 although it is of another architecture; absent where that is not seen. */
  readonly emulatesAmd64?: boolean;
}

/** Docker Engines that no image set can tell apart. */
export interface EngineRelease {
  readonly name: string;
  /** The first version of it; the next release's first one is its end. */
  readonly from: string;
  /** Oldest version of the API that it answers by itself. */
  readonly minApiVersion: string;
  /** How far back DOCKER_MIN_API_VERSION in its environment takes it. */
  readonly lowestApiVersion: string;
  /** Whether it can be told to pull images of manifest schema 1, where it does not by itself. */
  readonly schema1: "pulled" | "pulled if told" | "refused";
  /** Whether it can keep images in containerd's store, but for an experiment. */
  readonly containerdStore: boolean;
}

/**
 * Every Docker Engine from 20.10 on, oldest first. (moby/moby at the tags of the releases: `daemon/config/config.go`,
 * `api/common.go`, `distribution/manifest.go`, `daemon/containerd`; docker/cli, `docs/deprecated.md`.)
 */
export const engineReleases: readonly EngineRelease[] = [
  { name: "20.10 to 24", from: "20.10", minApiVersion: "1.12", lowestApiVersion: "1.12", schema1: "pulled", containerdStore: false },
  { name: "25", from: "25.0", minApiVersion: "1.24", lowestApiVersion: "1.12", schema1: "pulled", containerdStore: true },
  { name: "26 and 27", from: "26.0", minApiVersion: "1.24", lowestApiVersion: "1.24", schema1: "pulled if told", containerdStore: true },
  { name: "28.0 and 28.1", from: "28.0", minApiVersion: "1.24", lowestApiVersion: "1.24", schema1: "pulled if told", containerdStore: true },
  { name: "28.2 to 28.5", from: "28.2", minApiVersion: "1.24", lowestApiVersion: "1.24", schema1: "refused", containerdStore: true },
  { name: "29.0 to 29.2", from: "29.0", minApiVersion: "1.44", lowestApiVersion: "1.24", schema1: "refused", containerdStore: true },
  { name: "29.3 and later", from: "29.3", minApiVersion: "1.40", lowestApiVersion: "1.24", schema1: "refused", containerdStore: true },
];

/** The release that a Docker Engine belongs to; for those before 20.10, that one. */
export function releaseOf(version: string): EngineRelease {
  return lastWhere(({ from }) => compareVersions(from, version) <= 0) ?? engineReleases[0];
}

const lastWhere = (holds: (release: EngineRelease) => boolean) => engineReleases.filter(holds).at(-1);

/** Where an image set was seen to run, and when. All else that is said of platforms is from sources. */
export const trials: readonly (Platform & { readonly imageSet: string; readonly date: string })[] = [
  { imageSet: "rehearsal", version: "20.10.24", minApiVersion: "1.12", cgroupVersion: "1", architecture: "amd64", date: "2026-11-27" },
  { imageSet: "rehearsal", version: "26.1.5", minApiVersion: "1.24", cgroupVersion: "1", architecture: "amd64", date: "2026-11-27" },
];

/** Something that stands between an image set and a platform. */
export interface Obstacle {
  /** What preflight calls it. */
  readonly name: "cgroup-version" | "other-architecture" | "emulated-architecture" | "manifest-schema-1" | "docker-client-too-old" | "docker-client-too-new" | "containerd-image-store";
  /** What does not go together, and what comes of it. */
  readonly problem: string;
  /** What to do, as sentences. */
  readonly cure: string;
  /** As a table says it: with what the set runs all the same, or, where there is no such thing on this host, why it does not. */
  readonly short: string;
  readonly curable: boolean;
}

/** A docker client of the host's that the slave is given in place of its image's. */
export interface MountedClient {
  /** Its path on the host. */
  readonly path: string;
  /** Newest version of the API that it speaks; absent where that is not seen. */
  readonly api?: string;
}

/**
 * The docker client that goes with every Engine from 20.10 on: from the next one on, an Engine from 26 on leaves out of what it
 * tells of an image what Mesos reads before each Docker task. (docker/cli at v25.0.0; moby/moby, `image_routes.go`.)
 */
export const goodClient = { version: "25.0", api: "1.44" };

/** The newest version of the API that a docker client speaks, at most. (docker/cli at the tags.) */
export function clientApi(version: string): string {
  const apis: Readonly<Record<string, string>> = { "19": "1.40", "20": "1.41", "23": "1.42", "24": "1.43", "25": "1.44" };
  const major = Number.parseInt(version, 10);
  return major > 25 ? "1.45" : (apis[major] ?? "1.39");
}

/**
 * What stands between an image set and a platform; nothing where it runs there.
 * @param absent its images that have yet to be pulled
 * @param mounted absent: the slave takes the docker client in its image
 */
export function obstacles(imageSet: ImageSet, platform: Platform, absent: readonly string[], mounted?: MountedClient): Obstacle[] {
  const { cgroupVersion, architectures, newestPullingEngine, newestContainerdStoreEngine } = imageSet.needs;
  const dockerClientApi = mounted ? (mounted.api ?? goodClient.api) : imageSet.needs.dockerClientApi;
  const { mesosSlave } = imageSet;
  const release = releaseOf(platform.version);
  const isNewerThan = (major: number | undefined) => major !== undefined && Number.parseInt(platform.version, 10) > major;
  const found: Obstacle[] = [];

  if (isNewerThan(newestPullingEngine) && absent.length > 0) {
    const told = release.schema1 === "pulled if told" ? ", or start this one with DOCKER_ENABLE_DEPRECATED_PULL_SCHEMA_1_IMAGE=1 in its environment" : "";
    found.push({
      name: "manifest-schema-1",
      problem: `Docker Engine ${platform.version} does not pull images as old as ${absent.join(", ")} (manifest schema 1)`,
      cure: `Pull them with an Engine up to ${newestPullingEngine} and carry them over with npm run images -- save FILE, and load FILE${told}`,
      short: "images carried over",
      curable: true,
    });
  }
  if (architectures && !architectures.includes(platform.architecture)) {
    const emulated = architectures.includes("amd64") && platform.emulatesAmd64 !== false;
    found.push({
      name: emulated ? "emulated-architecture" : "other-architecture",
      problem: `the images of ${imageSet.name} are for ${architectures.join(" and ")}, and this host is ${platform.architecture}`,
      cure: emulated
        ? "They run under emulation, if at all; nobody has been seen to run them so. Use a host of their architecture"
        : "None of them would start. Use a host of their architecture",
      short: emulated ? `emulation of ${architectures.join(" and ")}` : `for ${architectures.join(" and ")} only`,
      curable: emulated,
    });
  }
  if (cgroupVersion && platform.cgroupVersion !== cgroupVersion) {
    found.push({
      name: "cgroup-version",
      problem: `Mesos ${mesosSlave.version} needs cgroup v${cgroupVersion}, and this host has v${platform.cgroupVersion}: the slave would end at every start`,
      cure:
        `Use a host with cgroup v${cgroupVersion}, or another image set` +
        (cgroupVersion === "1" ? ", or boot with systemd.unified_cgroup_hierarchy=0 where systemd still knows it" : ""),
      short: `cgroup v${cgroupVersion} only`,
      curable: false,
    });
  }
  const client = mounted ? `the docker client ${mounted.path} (mesos-marathon:mesosSlaveDockerClient)` : `the docker client in ${mesosSlave.image}`;
  const take = mounted ? `take a static docker client of version ${goodClient.version}` : `mount a static docker client of version ${goodClient.version}: pulumi config set mesosSlaveDockerClient PATH`;
  if (dockerClientApi && compareVersions(dockerClientApi, platform.minApiVersion) < 0) {
    const told = `DOCKER_MIN_API_VERSION=${dockerClientApi}`;
    const mountable = mounted !== undefined || takesDockerClient(mesosSlave);
    const tellable = compareVersions(release.lowestApiVersion, dockerClientApi) <= 0;
    const answering = lastWhere(({ minApiVersion }) => compareVersions(minApiVersion, dockerClientApi) <= 0);
    const ways = [
      ...(mountable ? [take] : []),
      ...(tellable ? [`start the Docker Engine with ${told} in its environment`] : []),
      ...(answering && !mountable ? [`use Docker Engine ${answering.name}`] : []),
    ];
    found.push({
      name: "docker-client-too-old",
      problem: `${client} speaks API ${dockerClientApi}, and Docker Engine ${platform.version} answers from ${platform.minApiVersion} on: no task would start`,
      cure: sentence(ways.join(", or ")),
      short: mountable ? "a static docker client" : tellable ? told : "its docker client is too old",
      curable: mountable || tellable,
    });
  }
  if (mounted && newestContainerdStoreEngine !== undefined && isNewerThan(25) && compareVersions(mounted.api ?? goodClient.api, goodClient.api) > 0) {
    found.push({
      name: "docker-client-too-new",
      problem: `${client} is newer than ${goodClient.version}, and Docker Engine ${platform.version} then tells Mesos less of an image than it needs: no Docker task would start`,
      cure: sentence(`${take}, or hold it back: pulumi config set --path mesosSlaveEnvironment.DOCKER_API_VERSION ${goodClient.api}`),
      short: `a docker client of version ${goodClient.version}`,
      curable: true,
    });
  }
  if (isNewerThan(newestContainerdStoreEngine) && platform.containerdStore) {
    found.push({
      name: "containerd-image-store",
      problem: `Docker Engine ${platform.version} keeps images in containerd's store and tells Mesos less of them than it needs: no Docker task would start`,
      cure: 'Put "features": {"containerd-snapshotter": false} into its daemon.json',
      short: "containerd's store switched off",
      curable: true,
    });
  }
  return found;
}

const sentence = (text: string) => `${text[0].toUpperCase()}${text.slice(1)}`;

/**
 * A platform from what a Docker Engine says of itself. (Docker Engine API, `/version` and `/info`.)
 * @param version Engines before 17.04 do not say which versions of the API they answer
 */
export function platformOf(
  version: { readonly Version: string; readonly MinAPIVersion?: string; readonly Arch: string },
  info: { readonly CgroupVersion?: string; readonly DriverStatus?: unknown },
): Platform & { readonly containerdStore: boolean } {
  return {
    version: version.Version,
    minApiVersion: version.MinAPIVersion ?? "1.12",
    cgroupVersion: info.CgroupVersion ?? "1",
    architecture: version.Arch,
    containerdStore: JSON.stringify(info.DriverStatus ?? []).includes("io.containerd.snapshotter"),
  };
}
