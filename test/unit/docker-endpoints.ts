/**
 * What Docker Engines say of themselves, to drive preflight by: `source` says of each whether a real one was recorded, or
 * whether it was written from the definition of the Docker Engine API and from what the Engine's code does at that version.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { Platform } from "../../components/platforms";
import { FakeEngine } from "./fake-engine";

export interface DockerEndpoint {
  readonly source: string;
  /** Answer to `/version`. */
  readonly version: Record<string, unknown>;
  /** Answer to `/info`. */
  readonly info: Record<string, unknown>;
}

const recorded = (version: string): DockerEndpoint => JSON.parse(readFileSync(join(__dirname, "docker-endpoints", `${version}.json`), "utf8"));

/** Newest version of the API of each Engine. (docker/cli and moby/moby at the releases' tags.) */
const newestApi: Readonly<Record<string, string>> = { "20": "1.41", "23": "1.42", "24": "1.43", "25": "1.44", "26": "1.45", "27": "1.47", "28": "1.51", "29": "1.52" };

/** An Engine that was not recorded. */
export function written({ version, minApiVersion, cgroupVersion, architecture, containerdStore }: Platform, info: Record<string, unknown> = {}): DockerEndpoint {
  return {
    source: "Written from the definition of the Docker Engine API; no such Engine was recorded.",
    version: {
      Platform: { Name: "Docker Engine - Community" },
      Version: version,
      ApiVersion: newestApi[Number.parseInt(version, 10)],
      MinAPIVersion: minApiVersion,
      Os: "linux",
      Arch: architecture,
      KernelVersion: "6.8.0",
    },
    info: {
      ServerVersion: version,
      OperatingSystem: "Ubuntu 24.04 LTS",
      OSType: "linux",
      Architecture: architecture === "amd64" ? "x86_64" : "aarch64",
      KernelVersion: "6.8.0",
      CgroupVersion: cgroupVersion,
      CgroupDriver: cgroupVersion === "2" ? "systemd" : "cgroupfs",
      Driver: containerdStore ? "overlayfs" : "overlay2",
      DriverStatus: containerdStore ? [["driver-type", "io.containerd.snapshotter.v1"]] : [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]],
      DockerRootDir: "/var/lib/docker",
      DefaultRuntime: "runc",
      Runtimes: { runc: { path: "runc" } },
      MemoryLimit: true,
      SwapLimit: true,
      NCPU: 4,
      MemTotal: 8 * 1024 ** 3,
      Name: "host",
      SecurityOptions: ["name=apparmor", "name=seccomp,profile=builtin", ...(cgroupVersion === "2" ? ["name=cgroupns"] : [])],
      Warnings: null,
      ...info,
    },
  };
}

const v1 = { cgroupVersion: "1", architecture: "amd64" };
const v2 = { cgroupVersion: "2", architecture: "amd64" };
const rootless = ["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"];

export const dockerEndpoints = {
  "20.10, recorded": recorded("20.10.24"),
  "26.1, recorded": recorded("26.1.5"),
  "23.0": written({ version: "23.0.6", minApiVersion: "1.12", ...v1 }),
  "24.0": written({ version: "24.0.9", minApiVersion: "1.12", ...v1 }),
  "24.0, cgroup v2": written({ version: "24.0.9", minApiVersion: "1.12", ...v2 }),
  "25.0": written({ version: "25.0.5", minApiVersion: "1.24", ...v1 }),
  "25.0, told to answer old clients": written({ version: "25.0.5", minApiVersion: "1.12", ...v1 }),
  "27.5": written({ version: "27.5.1", minApiVersion: "1.24", ...v1 }),
  "27.5, containerd's store": written({ version: "27.5.1", minApiVersion: "1.24", ...v1, containerdStore: true }),
  "27.5, cgroup v2": written({ version: "27.5.1", minApiVersion: "1.24", ...v2 }),
  "28.0, containerd's store": written({ version: "28.0.4", minApiVersion: "1.24", ...v1, containerdStore: true }),
  "28.5": written({ version: "28.5.2", minApiVersion: "1.24", ...v1 }),
  "29.0": written({ version: "29.0.1", minApiVersion: "1.44", ...v1 }),
  "29.0, told to answer old clients": written({ version: "29.0.1", minApiVersion: "1.24", ...v1 }),
  "29.0 on a fresh data folder": written({ version: "29.0.1", minApiVersion: "1.44", ...v1, containerdStore: true }),
  "29.3, cgroup v2, on a fresh data folder": written({ version: "29.3.0", minApiVersion: "1.40", ...v2, containerdStore: true }),
  "Docker Desktop on Apple silicon": written(
    { version: "28.5.1", minApiVersion: "1.24", cgroupVersion: "2", architecture: "arm64", containerdStore: true },
    { OperatingSystem: "Docker Desktop", KernelVersion: "6.10.14-linuxkit", Name: "docker-desktop", CgroupDriver: "cgroupfs", Labels: ["com.docker.desktop.address=unix:///run/docker-cli.sock"] },
  ),
  "rootless": written({ version: "26.1.5", minApiVersion: "1.24", ...v2 }, { SecurityOptions: rootless, DockerRootDir: "/home/me/.local/share/docker" }),
  "user namespaces": written({ version: "24.0.9", minApiVersion: "1.12", ...v1 }, { SecurityOptions: ["name=seccomp,profile=builtin", "name=userns"], DockerRootDir: "/var/lib/docker/165536.165536" }),
} as const satisfies Record<string, DockerEndpoint>;

/** What an Engine says where it would not pull an image of manifest schema 1. (moby/moby, `distribution/errors.go`.) */
export const schema1Refused = (image: string, version: string) => ({
  status: 400,
  message:
    (Number.parseInt(version, 10) < 28
      ? "[DEPRECATION NOTICE] Docker Image Format v1 and Docker Image manifest version 2, schema 1 support is disabled by default and will be removed in an upcoming release."
      : "Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been removed.") +
    ` Suggest the author of docker.io/${image} to upgrade the image to the OCI Format or Docker Image manifest v2, schema 2. More information at https://docs.docker.com/go/deprecated-image-specs/`,
});

/** A server that answers as that Engine does. */
export async function serve({ version, info }: DockerEndpoint): Promise<FakeEngine> {
  const engine = await FakeEngine.start();
  engine.version = version;
  // A folder that is nowhere: what this machine is does not matter.
  engine.info = { ...info, DockerRootDir: "/nowhere/docker" };
  return engine;
}
