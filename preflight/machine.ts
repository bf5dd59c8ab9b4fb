import { lookup } from "node:dns/promises";
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

import type { Configuration } from "../configuration";
import type { Program } from "../configuration/keys";
import { offeredPorts, type PortRange } from "../configuration/ports";
import { lookAtClient } from "./docker-client";
import type { Here, Listener, Seen } from "./seen";

/** Milliseconds that the machine's name may take to be found, which its own list of hosts has; and that another name may, which DNS has. */
const patience = 200;
const patienceWithDns = 2_000;

/** Looks at this machine, where the Docker Engine is on it. */
export async function lookAtMachine({ cluster }: Configuration): Promise<Omit<Here, "freeBytes">> {
  const programs = [cluster.zookeeper, cluster.mesosMaster, cluster.mesosSlave, cluster.marathon];
  const { dockerClient: path } = cluster.mesosSlave;
  const [listeners, routes, lacksCapabilities, mountsCpuCgroup, availableBytes, name, dockerClient, missingPaths] = await Promise.all([
    lookAtListeners([...programs.map(({ port }): PortRange => [port, port]), ...offeredPorts(cluster.mesosSlave.resources)]),
    lookAtRoutes(),
    lookAtCapabilities(),
    lookAtCgroups(),
    lookAtMemory(),
    untold(cluster).length > 0 ? lookAtName() : undefined,
    path ? lookAtClient(path) : undefined,
    lookAtPaths(programs.flatMap(({ mounts }) => mounts.map(hostPath))),
  ]);
  const addresses = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family }) => family === "IPv4")
    .map(({ address }) => address);
  return { addresses, listeners, routes, lacksCapabilities, mountsCpuCgroup, availableBytes, name, dockerClient, ...(missingPaths.length > 0 && { missingPaths }) };
}

/** The part of a mount that is a path of the Docker host. */
export const hostPath = (mount: string): string => mount.split(":")[0];

/** Which of these paths are not there. What may not be looked at is no finding. */
async function lookAtPaths(paths: readonly string[]): Promise<string[]> {
  const codes = await Promise.all(paths.map((path) => stat(path).then(() => undefined, ({ code }: NodeJS.ErrnoException) => code)));
  return [...new Set(paths.filter((_, index) => codes[index] === "ENOENT"))];
}

/** Who listens on these ports, from /proc (proc(5): /proc/net/tcp, state 0A is LISTEN). */
async function lookAtListeners(ranges: readonly PortRange[]): Promise<Listener[]> {
  const tables = await Promise.all(["tcp", "tcp6"].map((table) => readFile(`/proc/net/${table}`, "utf8").catch(() => "")));
  const sockets = tables.flatMap((table) =>
    table
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === "0A")
      .map((fields) => ({ ...endpoint(fields[1]), inode: fields[9] }))
      .filter(({ port }) => ranges.some(([from, to]) => from <= port && port <= to)),
  );
  if (sockets.length === 0) {
    return [];
  }
  const holders = await holdersOf(new Set(sockets.map(({ inode }) => inode)));
  return sockets.map(({ address, port, inode }) => ({ address, port, holder: holders.get(inode) }));
}

/** The host's routes, from /proc/net/route, but for the default one, which VPNs cut in two halves. */
async function lookAtRoutes(): Promise<Here["routes"]> {
  const table = await readFile("/proc/net/route", "utf8").catch(() => "");
  const address = (hex: string) => [...Buffer.from(hex, "hex")].reverse().join(".");
  return table
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"))
    .filter((fields) => fields.length > 7 && !["00000000", "00000080"].includes(fields[7]))
    .map(([device, destination, , , , , , mask]) => ({ subnet: `${address(destination)}/${Number.parseInt(mask, 16).toString(2).replaceAll("0", "").length}`, device }));
}

/** `0100007F:1538` → 127.0.0.1 and 5432; an IPv6 address that maps an IPv4 one is given as that. */
function endpoint(field: string): { address: string; port: number } {
  const [hex, port] = field.split(":");
  const bytes = Buffer.from(hex, "hex");
  const mapped = hex.length === 32 && hex.startsWith("0000000000000000FFFF0000");
  const address = hex.length === 8 || mapped ? [...bytes.subarray(-4)].reverse().join(".") : /^0+$/.test(hex) ? "::" : hex;
  return { address, port: Number.parseInt(port, 16) };
}

async function holdersOf(inodes: ReadonlySet<string>): Promise<Map<string, NonNullable<Listener["holder"]>>> {
  const holders = new Map<string, NonNullable<Listener["holder"]>>();
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  await Promise.all(
    pids.map(async (pid) => {
      // Processes end while we look, and others may not be looked at: both are no finding.
      const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
      const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")));
      for (const link of links) {
        const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
        if (inode && inodes.has(inode)) {
          const [command, cgroup] = await Promise.all(["comm", "cgroup"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")));
          holders.set(inode, { pid: Number(pid), command: command.trim(), containerId: /[0-9a-f]{64}/.exec(cgroup)?.[0] });
        }
      }
    }),
  );
  return holders;
}

/** Whether a capability known to the kernel is missing from the bounding set, and so from every container. */
async function lookAtCapabilities(): Promise<boolean> {
  const [status, last] = await Promise.all(["/proc/self/status", "/proc/sys/kernel/cap_last_cap"].map((file) => readFile(file, "utf8").catch(() => "")));
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  const all = (1n << (BigInt(last.trim() || "0") + 1n)) - 1n;
  // An unprivileged user's own bounding set says as little about Docker's as no answer does.
  return bounding !== undefined && last !== "" && (BigInt(`0x${bounding}`) & all) !== all;
}

/** Whether a cgroup v1 hierarchy with the controller `cpu` is mounted; undefined where that cannot be read. */
async function lookAtCgroups(): Promise<boolean | undefined> {
  const mounts = await readFile("/proc/mounts", "utf8").catch(() => "");
  return mounts === "" ? undefined : /^\S+ \S+ cgroup (\S+,)?cpu(,\S+)? /m.test(mounts);
}

/** Bytes of memory that programs can still have without swapping. (proc(5): MemAvailable.) */
async function lookAtMemory(): Promise<number | undefined> {
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(await readFile("/proc/meminfo", "utf8").catch(() => ""))?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

/** The programs of Mesos's that find their address by the machine's name, because the image set has no way to tell them. */
export function untold({ imageSet, networkMode, ...args }: Configuration["cluster"]): Program[] {
  // A container on a bridge network has a name of its own, which leads to its address.
  if (networkMode === "bridge") {
    return [];
  }
  const variables = { mesosMaster: "MESOS_IP", mesosSlave: "MESOS_IP", marathon: "LIBPROCESS_IP" } as const;
  const programs = Object.keys(variables) as (keyof typeof variables)[];
  return programs.filter((program) => !(variables[program] in { ...imageSet[program].environment, ...args[program].environment }));
}

/** The machine's name and its IPv4 address, found as Mesos finds it; without one where there is none within a moment. */
async function lookAtName(): Promise<Here["name"]> {
  const name = hostname();
  const found = await Promise.race([lookup(name, { family: 4 }).catch(() => undefined), sleep(patience, undefined)]);
  return { name, address: found?.address };
}

/** Whether the kernel was told what runs programs for amd64; undefined where that cannot be read. (Linux, `binfmt_misc`.) */
export async function lookAtEmulation(): Promise<boolean | undefined> {
  const formats = await readdir("/proc/sys/fs/binfmt_misc").catch(() => undefined);
  return formats?.some((name) => /x86_64|rosetta/i.test(name));
}

/** What a name leads to, asked as Mesos and Java do: IPv4 addresses, of the machine's own list of hosts or of DNS. */
export async function lookUp(name: string): Promise<Seen["resolved"]> {
  if (isIP(name)) {
    return undefined;
  }
  const found = lookup(name, { family: 4, all: true }).then(
    (addresses) => ({ addresses: addresses.map(({ address }) => address) }),
    ({ code }: NodeJS.ErrnoException) => ({ problem: code ?? "no answer" }),
  );
  return Promise.race([found, sleep(patienceWithDns, { problem: `no answer within ${patienceWithDns / 1000} s` }, { ref: false })]);
}
