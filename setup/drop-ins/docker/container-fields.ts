/**
 * Every input and output of a container: what Check accepts, what a change of it does, how it is told to Docker (`put`)
 * and how it is found again (`get`). A field without `get` is never read back: the state keeps what the program gave.
 */
import type { ContainerCreateOptions, ContainerInspectInfo, HostConfig } from "dockerode";
import { block, blocks, boolean, isZero, labels, list, map, number, set, string, type Field } from "../fields";
import { isUnknown, unwrap, type Json, type Properties } from "../wire";
import { formatDuration, parseDuration } from "./duration";
import { labelMap } from "./resource";

/** What is sent to create a container; wider than the client library's type, which lags behind Docker. */
export interface Spec extends ContainerCreateOptions {
  HostConfig: HostConfig & { [name: string]: unknown };
  [name: string]: unknown;
}

/** What Docker says of a container; wider than the client library's type. */
export type Found = Omit<ContainerInspectInfo, "Config" | "HostConfig"> & {
  Config: ContainerInspectInfo["Config"] & { StopTimeout?: number; StopSignal?: string; Healthcheck?: Health };
  HostConfig: HostConfig & { [name: string]: unknown };
};

interface Health {
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

export type ContainerField = Field & {
  put?: (spec: Spec, value: never) => void;
  get?: (found: Found, before: Json | undefined) => Json | undefined;
};

const MIB = 1024 * 1024;
const inMib = (value: unknown): number => Math.floor(Number(value ?? 0) / MIB);
const texts = (value: unknown): string[] => [...((value ?? []) as string[])];
const sorted = (value: unknown): string[] => texts(value).sort();

/** A field of the container's own configuration. */
function config(field: Field, name: string, zero: Json = null): ContainerField {
  return {
    ...field,
    put: (spec, value) => void (spec[name] = value),
    get: (found) => ((found.Config as unknown as Properties)[name] ?? zero) as Json,
  };
}

/** A field of the container's host configuration. */
function host(field: Field, name: string, zero: Json = null): ContainerField {
  return {
    ...field,
    put: (spec, value) => void (spec.HostConfig[name] = value),
    get: (found) => (found.HostConfig[name] ?? zero) as Json,
  };
}

/** Megabytes in the program, bytes in Docker; -1 stays -1. */
function megabytes(field: Field, name: string): ContainerField {
  return {
    ...field,
    put: (spec, value) => void (spec.HostConfig[name] = Number(value) < 0 ? value : Number(value) * MIB),
    get: (found) => (Number(found.HostConfig[name] ?? 0) < 0 ? -1 : inMib(found.HostConfig[name])),
  };
}

/** Read back only if the program set it: Docker fills it with something of its own otherwise. */
function onlyIfSet(field: ContainerField): ContainerField {
  return { ...field, get: (found, before) => (isZero(before) ? undefined : field.get?.(found, before)) };
}

const duration = (): Field =>
  string({ default: "0s", meaning: nanoseconds, refuse: (text) => (parseDuration(String(text)) === undefined ? 'must be a duration such as "10s" or "1m30s"' : undefined) });
const nanoseconds = (text: unknown) => parseDuration(String(text ?? "0s")) ?? 0;
/** The text as it was given, if it means what was found: `60s` is `1m0s`. */
const durationText = (found: number | undefined, before: unknown) =>
  nanoseconds(before) === (found ?? 0) && before ? String(before) : formatDuration(found ?? 0);

interface Port {
  internal: number;
  external?: number;
  ip?: string;
  protocol?: string;
}

interface Bind {
  containerPath?: string;
  hostPath?: string;
  volumeName?: string;
  fromContainer?: string;
  readOnly?: boolean;
  selinuxRelabel?: string;
}

function putVolumes(spec: Spec, volumes: Bind[]): void {
  for (const { containerPath, hostPath, volumeName, fromContainer, readOnly, selinuxRelabel } of volumes) {
    const source = volumeName || hostPath;
    const mode = [readOnly ? "ro" : "rw", ...(selinuxRelabel ? [selinuxRelabel] : [])].join(",");
    if (fromContainer) spec.HostConfig.VolumesFrom = [...(spec.HostConfig.VolumesFrom ?? []), `${fromContainer}:${readOnly ? "ro" : "rw"}`];
    else if (source) spec.HostConfig.Binds = [...(spec.HostConfig.Binds ?? []), `${source}:${containerPath}:${mode}`];
    else if (containerPath) spec.Volumes = { ...spec.Volumes, [containerPath]: {} };
  }
}

/** The binds of a container that nobody's state describes yet. */
export function volumesOf(found: Found): Json {
  return ((found.HostConfig.Binds ?? []) as string[])
    .map((bind) => {
      const [source = "", containerPath = "", mode = ""] = bind.split(":");
      const flags = mode.split(",");
      return {
        containerPath,
        fromContainer: "",
        hostPath: source.startsWith("/") ? source : "",
        readOnly: flags.includes("ro"),
        selinuxRelabel: flags.find((flag) => flag === "z" || flag === "Z") ?? "",
        volumeName: source.startsWith("/") ? "" : source,
      };
    })
    .sort((a, b) => (a.containerPath < b.containerPath ? -1 : 1));
}

function putPorts(spec: Spec, ports: Port[]): void {
  for (const { internal, external, ip, protocol } of ports) {
    const name = `${internal}/${protocol ?? "tcp"}`;
    spec.ExposedPorts = { ...spec.ExposedPorts, [name]: {} };
    const bindings = (spec.HostConfig.PortBindings ?? {}) as { [port: string]: unknown[] };
    bindings[name] = [...(bindings[name] ?? []), { HostIp: ip ?? "0.0.0.0", HostPort: external ? String(external) : "" }];
    spec.HostConfig.PortBindings = bindings;
  }
}

function getPorts(found: Found, before: Json | undefined): Json | undefined {
  // A stopped container has no ports, which does not mean that it shall have none.
  if (isZero(before) || !found.State.Running) return undefined;
  const open = Object.entries((found.NetworkSettings.Ports ?? {}) as { [port: string]: { HostIp: string; HostPort: string }[] | null });
  const ports = open.flatMap(([name, bindings]) => {
    const [internal, protocol = "tcp"] = name.split("/");
    return (bindings ?? []).map(({ HostIp, HostPort }) => ({ external: Number(HostPort), internal: Number(internal), ip: HostIp, protocol }));
  });
  const wanted = before as { internal: number; ip?: string; protocol?: string }[];
  const place = (port: { internal: number; protocol: string }) => wanted.findIndex((one) => one.internal === port.internal && (one.protocol || "tcp") === port.protocol);
  // A port published on every address is reported once for IPv4 and once for IPv6.
  return ports.filter((port) => !(port.ip === "::" && wanted.some((one) => one.internal === port.internal && one.ip !== "::"))).sort((a, b) => place(a) - place(b));
}

const withoutPrefix = (name: string) => name.toUpperCase().replace(/^CAP_/, "");

function getCapabilities(found: Found, before: Json | undefined): Json {
  const was = (before ?? {}) as { adds?: string[]; drops?: string[] };
  const spelled = (names: unknown, given: string[] = []) => sorted(names).map((name) => given.find((one) => withoutPrefix(one) === withoutPrefix(name)) ?? name);
  const capabilities = { adds: spelled(found.HostConfig.CapAdd, was.adds), drops: spelled(found.HostConfig.CapDrop, was.drops) };
  return isZero(capabilities) ? null : capabilities;
}

const mountFields = {
  target: string({ required: true }),
  type: string({ required: true, refuse: (type) => (["bind", "volume", "tmpfs"].includes(String(type)) ? undefined : "must be bind, volume or tmpfs") }),
  source: string(),
  readOnly: boolean(),
  bindOptions: block({ propagation: string() }),
  tmpfsOptions: block({ mode: number(), sizeBytes: number() }),
  // The official plugin fails with it on every engine before API 1.45.
  volumeOptions: block({}, { unsupported: true }),
};

interface Mount {
  target: string;
  type: "bind" | "volume" | "tmpfs";
  source?: string;
  readOnly?: boolean;
  bindOptions?: { propagation?: string } | null;
  tmpfsOptions?: { mode?: number; sizeBytes?: number } | null;
}

function putMounts(spec: Spec, mounts: Mount[]): void {
  spec.HostConfig.Mounts = mounts.map(({ target, type, source, readOnly, bindOptions, tmpfsOptions }) => ({
    Target: target,
    Type: type,
    Source: source ?? "",
    ReadOnly: readOnly ?? false,
    ...(bindOptions?.propagation ? { BindOptions: { Propagation: bindOptions.propagation as "private" } } : {}),
    ...(tmpfsOptions ? { TmpfsOptions: { SizeBytes: tmpfsOptions.sizeBytes ?? 0, Mode: tmpfsOptions.mode ?? 0 } } : {}),
  }));
}

function getMounts(found: Found): Json {
  return (found.HostConfig.Mounts ?? []).map((mount) => ({
    bindOptions: mount.BindOptions?.Propagation ? { propagation: mount.BindOptions.Propagation } : null,
    readOnly: mount.ReadOnly ?? false,
    source: mount.Source ?? "",
    target: mount.Target,
    tmpfsOptions: mount.TmpfsOptions ? { mode: mount.TmpfsOptions.Mode ?? 0, sizeBytes: mount.TmpfsOptions.SizeBytes ?? 0 } : null,
    type: mount.Type,
    volumeOptions: null,
  }));
}

function getHealth(found: Found, before: Json | undefined): Json {
  const health = found.Config.Healthcheck;
  if (!health?.Test) return null;
  const was = (before ?? {}) as Properties;
  return {
    interval: durationText(health.Interval, was.interval),
    retries: health.Retries ?? 0,
    startInterval: durationText(health.StartInterval, was.startInterval),
    startPeriod: durationText(health.StartPeriod, was.startPeriod),
    tests: health.Test,
    timeout: durationText(health.Timeout, was.timeout),
  };
}

function putHealth(spec: Spec, value: Properties): void {
  const startInterval = nanoseconds(value.startInterval);
  const health: Health = {
    Test: texts(value.tests),
    Interval: nanoseconds(value.interval),
    Timeout: nanoseconds(value.timeout),
    StartPeriod: nanoseconds(value.startPeriod),
    Retries: Number(value.retries ?? 0),
    ...(startInterval ? { StartInterval: startInterval } : {}),
  };
  spec.Healthcheck = health as Spec["Healthcheck"];
}

function getNetworkData(found: Found): Json {
  return Object.entries(found.NetworkSettings.Networks ?? {})
    .map(([networkName, network]) => ({
      gateway: network.Gateway ?? "",
      globalIpv6Address: network.GlobalIPv6Address ?? "",
      globalIpv6PrefixLength: network.GlobalIPv6PrefixLen ?? 0,
      ipAddress: network.IPAddress ?? "",
      ipPrefixLength: network.IPPrefixLen ?? 0,
      ipv6Gateway: network.IPv6Gateway ?? "",
      macAddress: network.MacAddress ?? "",
      networkName,
    }))
    .sort((a, b) => (a.networkName < b.networkName ? -1 : 1));
}

const keyValue = (value: Json) => ((value as Json[]).every((item) => isUnknown(item) || String(unwrap(item)).includes("=")) ? undefined : "must be a list of NAME=value");
const replace = true;
const computed = true;
const unsupported = true;
const removalReplaces = true;

export const FIELDS: { [name: string]: ContainerField } = {
  // What it is.
  name: { ...string({ replace, required: true }), get: (found) => found.Name.replace(/^\//, "") },
  image: {
    ...string({ replace, required: true }),
    put: (spec, value) => void (spec.Image = value),
    get: (found, before) => (before === undefined || String(before).startsWith("sha256:") ? found.Image : found.Config.Image),
  },
  command: config(list({ replace, computed, missingIsChange: true }), "Cmd", []),
  entrypoints: config(list({ replace, computed, missingIsChange: true }), "Entrypoint", []),
  envs: { ...set({ replace, computed, removable: true, refuse: keyValue }), put: (spec, value) => void (spec.Env = value) },
  labels: { ...labels({ computed, removable: true }), put: (spec, value) => void (spec.Labels = labelMap(value)) },
  user: config(string({ replace }), "User", ""),
  workingDir: config(string({ replace }), "WorkingDir", ""),
  hostname: config(string({ replace, computed }), "Hostname", ""),
  domainname: config(string({ replace }), "Domainname", ""),
  tty: config(boolean({ replace, default: false }), "Tty", false),
  stdinOpen: config(boolean({ replace, default: false }), "OpenStdin", false),
  stopSignal: config(string({ replace, computed }), "StopSignal", ""),
  stopTimeout: config(number({ replace, computed }), "StopTimeout", 0),
  healthcheck: {
    ...block(
      { interval: duration(), retries: number({ default: 0 }), startInterval: duration(), startPeriod: duration(), tests: list({ required: true }), timeout: duration() },
      { computed, replaceHere: true },
    ),
    put: putHealth,
    get: getHealth,
  },
  platform: { ...string({ replace, computed, unsupported }), get: (found) => (found as unknown as { Platform?: string }).Platform ?? "" },

  // What it shares with the host.
  privileged: host(boolean({ replace }), "Privileged", false),
  capabilities: {
    ...block({ adds: set(), drops: set() }, { replace }),
    put: (spec, value: { adds?: string[]; drops?: string[] }) => Object.assign(spec.HostConfig, { CapAdd: value.adds, CapDrop: value.drops }),
    get: getCapabilities,
  },
  securityOpts: { ...host(set({ replace, computed }), "SecurityOpt"), get: (found) => sorted(found.HostConfig.SecurityOpt) },
  networkMode: host(string({ replace, default: "bridge" }), "NetworkMode", ""),
  ipcMode: host(string({ replace, computed }), "IpcMode", ""),
  pidMode: onlyIfSet(host(string({ replace }), "PidMode", "")),
  usernsMode: host(string({ replace }), "UsernsMode", ""),
  cgroupnsMode: { ...host(string({ replace, refuse: (mode) => (["private", "host"].includes(String(mode)) ? undefined : "must be private or host") }), "CgroupnsMode"), get: undefined },
  cgroupParent: { ...host(string({ replace }), "CgroupParent"), get: undefined },
  devices: {
    ...blocks({ containerPath: string(), hostPath: string({ required: true }), permissions: string({ default: "rwm" }) }, { replace }),
    put: (spec, devices: { hostPath: string; containerPath?: string; permissions?: string }[]) => {
      spec.HostConfig.Devices = devices.map(({ hostPath, containerPath, permissions }) => ({
        PathOnHost: hostPath,
        PathInContainer: containerPath || hostPath,
        CgroupPermissions: permissions ?? "rwm",
      }));
    },
    get: (found, before) => {
      if (isZero(before)) return undefined;
      const given = before as { hostPath: string; containerPath?: string }[];
      return ((found.HostConfig.Devices ?? []) as { PathOnHost: string; PathInContainer: string; CgroupPermissions: string }[]).map((device) => {
        const implied = given.some((one) => one.hostPath === device.PathOnHost && !one.containerPath) && device.PathInContainer === device.PathOnHost;
        return { containerPath: implied ? "" : device.PathInContainer, hostPath: device.PathOnHost, permissions: device.CgroupPermissions };
      });
    },
  },
  groupAdds: { ...host(set({ replace }), "GroupAdd"), get: (found) => sorted(found.HostConfig.GroupAdd) },
  sysctls: host(map({ replace }), "Sysctls", {}),
  ulimits: {
    ...blocks({ hard: number({ required: true }), name: string({ required: true }), soft: number({ required: true }) }, { replace }),
    put: (spec, value: { name: string; soft: number; hard: number }[]) => {
      spec.HostConfig.Ulimits = value.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard }));
    },
    get: (found, before) =>
      isZero(before) ? undefined : (found.HostConfig.Ulimits ?? []).map((limit) => ({ hard: limit.Hard ?? 0, name: limit.Name ?? "", soft: limit.Soft ?? 0 })),
  },
  runtime: host(string({ replace, computed }), "Runtime", ""),
  init: host(boolean({ computed, replaceHere: true }), "Init", false),
  readOnly: host(boolean({ replace, default: false }), "ReadonlyRootfs", false),
  storageOpts: map({ replace, unsupported }),
  logDriver: {
    ...string({ replace, computed }),
    put: (spec, value) => void (spec.HostConfig.LogConfig = { Type: value, Config: spec.HostConfig.LogConfig?.Config ?? {} }),
    get: (found) => found.HostConfig.LogConfig?.Type ?? "",
  },
  logOpts: {
    ...map({ replace }),
    put: (spec, value) => void (spec.HostConfig.LogConfig = { Type: spec.HostConfig.LogConfig?.Type ?? "", Config: value }),
    get: (found, before) => (isZero(before) ? {} : (found.HostConfig.LogConfig?.Config ?? {})),
  },

  // Files.
  volumes: {
    ...blocks({ containerPath: string(), fromContainer: string(), hostPath: string(), readOnly: boolean(), selinuxRelabel: string(), volumeName: string() }, { replace }),
    put: putVolumes,
  },
  mounts: { ...blocks(mountFields, { replace }), put: putMounts, get: getMounts },
  tmpfs: host(map({ replaceHere: true }), "Tmpfs", {}),
  uploads: blocks({}, { replace, unsupported }),

  // Network.
  ports: {
    ...blocks({ external: number({ computed }), internal: number({ required: true }), ip: string({ default: "0.0.0.0" }), protocol: string({ default: "tcp" }) }, { replace }),
    put: putPorts,
    get: getPorts,
  },
  publishAllPorts: host(boolean({ replace }), "PublishAllPorts", false),
  hosts: {
    ...blocks({ host: string({ required: true }), ip: string({ required: true }) }, { replace }),
    put: (spec, value: { host: string; ip: string }[]) => void (spec.HostConfig.ExtraHosts = value.map(({ host: name, ip }) => `${name}:${ip}`)),
    get: (found) => texts(found.HostConfig.ExtraHosts).map((entry) => ({ host: entry.slice(0, entry.indexOf(":")), ip: entry.slice(entry.indexOf(":") + 1) })),
  },
  dns: { ...host(set({ replace }), "Dns"), get: (found) => sorted(found.HostConfig.Dns) },
  dnsOpts: { ...host(set({ replace }), "DnsOptions"), get: (found) => sorted(found.HostConfig.DnsOptions) },
  dnsSearches: { ...host(set({ replace }), "DnsSearch"), get: (found) => sorted(found.HostConfig.DnsSearch) },
  networksAdvanced: blocks(
    {
      aliases: set(),
      driverOpts: set({ refuse: keyValue }),
      gwPriority: number({ unsupported }),
      ipv4Address: string(),
      ipv6Address: string(),
      linkLocalIps: set(),
      macAddress: string({ unsupported }),
      name: string({ required: true }),
    },
    { replace },
  ),

  // Limits: `docker update` changes these on a running container.
  restart: {
    ...string({ default: "no", refuse: (policy) => (["no", "always", "on-failure", "unless-stopped"].includes(String(policy)) ? undefined : "must be no, always, on-failure or unless-stopped") }),
    put: (spec, value) => void (spec.HostConfig.RestartPolicy = { ...spec.HostConfig.RestartPolicy, Name: value }),
    get: (found) => found.HostConfig.RestartPolicy?.Name || "no",
  },
  maxRetryCount: {
    ...number(),
    put: (spec, value) => void (spec.HostConfig.RestartPolicy = { Name: spec.HostConfig.RestartPolicy?.Name ?? "no", MaximumRetryCount: value }),
    get: (found) => found.HostConfig.RestartPolicy?.MaximumRetryCount ?? 0,
  },
  memory: megabytes(number({ removalReplaces }), "Memory"),
  memorySwap: megabytes(number(), "MemorySwap"),
  memoryReservation: megabytes(number({ default: 0, removalReplaces }), "MemoryReservation"),
  cpuShares: host(number({ removalReplaces }), "CpuShares", 0),
  cpuSet: host(string({ removalReplaces }), "CpusetCpus", ""),
  cpuPeriod: { ...host(number({ removalReplaces }), "CpuPeriod"), get: undefined },
  cpuQuota: { ...host(number({ removalReplaces }), "CpuQuota"), get: undefined },
  cpus: {
    ...string({ replace, refuse: (cpus) => (Number(cpus) > 0 ? undefined : 'must be a number of processors as a text, such as "1.5"') }),
    put: (spec, value) => void (spec.HostConfig.NanoCpus = Math.round(Number(value) * 1e9)),
    get: (found, before) => {
      const nano = found.HostConfig.NanoCpus ?? 0;
      if (nano === 0) return null;
      return before && Math.round(Number(before) * 1e9) === nano ? before : String(nano / 1e9);
    },
  },
  shmSize: megabytes(number({ replace, computed }), "ShmSize"),
  deviceReadBps: blocks({}, { unsupported }),
  deviceReadIops: blocks({}, { unsupported }),
  deviceWriteBps: blocks({}, { unsupported }),
  deviceWriteIops: blocks({}, { unsupported }),
  deviceRequests: blocks({}, { replace, unsupported }),
  gpus: string({ replace, unsupported }),

  // How it is started, waited for and ended: in the state only, until the next creation or deletion.
  start: boolean({ default: true }),
  mustRun: boolean({ default: true }),
  attach: boolean({ default: false }),
  logs: boolean({ default: false }),
  wait: boolean({ default: false }),
  waitTimeout: number({ default: 60 }),
  destroyGraceSeconds: number(),
  removeVolumes: boolean({ default: true }),
  rm: host(boolean({ default: false, replaceHere: true }), "AutoRemove", false),
  containerReadRefreshTimeoutMilliseconds: number({ default: 15000 }),

  // What Docker says.
  bridge: { ...string({ output: true }), get: (found) => (found.NetworkSettings as { Bridge?: string }).Bridge ?? "" },
  containerLogs: string({ output: true }),
  exitCode: { ...number({ output: true }), get: (found) => (found.State.Running ? undefined : found.State.ExitCode) },
  networkDatas: { ...blocks({ networkName: string() }, { output: true, empty: null, missingIsChange: true }), get: getNetworkData },
};
