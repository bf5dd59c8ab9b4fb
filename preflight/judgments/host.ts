/** The Docker host: its addresses and name, its disk and memory, its kernel, its clock. */

import { judgment } from "../findings";
import { hostPath, untold } from "../machine";

const gigabyte = 1024 ** 3;

const address = judgment({ "address-not-here": "error", "address-of-bridge": "warning" }, ({ configuration: { host }, engine, here }, found) => {
  const bridge = engine.bridges.find(({ gateways }) => gateways.includes(host.address));
  if (bridge) {
    found(
      "address-of-bridge",
      `${host.address} (mesos-marathon:address) belongs to Docker's network ${bridge.name}: it is there only while Docker runs, and no other machine reaches it: ` +
        "write an address of the host's own: pulumi config set address ADDRESS",
    );
  }
  if (here && !host.address.startsWith("127.") && !here.addresses.includes(host.address)) {
    found(
      "address-not-here",
      `${host.address} (mesos-marathon:address) is not an address of this host, which has ${here.addresses.join(", ")}: ` +
        "write one of these: pulumi config set address ADDRESS",
    );
  }
});

const disk = judgment({ "full-disk": "error", "low-disk": "warning" }, ({ engine, here }, found) => {
  const free = here?.freeBytes;
  if (free !== undefined && free < 2 * gigabyte) {
    const text = `${(free / gigabyte).toFixed(1)} GiB are free in ${engine.rootDirectory}, where Docker keeps its data: make room`;
    found(free < gigabyte / 2 ? "full-disk" : "low-disk", text);
  }
});

const capabilities = judgment({ "missing-capability": "error" }, ({ engine, here }, found) => {
  if (here?.lacksCapabilities && engine.defaultRuntime === "runc") {
    found(
      "missing-capability",
      "this machine lacks a capability that privileged containers ask for, so the Mesos slave cannot start: " +
        "give the machine all capabilities, or let `npm run up` start a Docker Engine that asks for fewer",
    );
  }
});

/** Marathon's heap of 512 MiB (its images' JAVA_OPTS), and as much for the other three. */
const enoughMemory = gigabyte;

const memory = judgment({ "low-memory": "warning", "memory-overcommitted": "warning" }, ({ configuration: { cluster }, engine, here, own }, found) => {
  const { memoryBytes } = engine;
  const offered = Number(/(?:^|;)mem:([\d.]+)/.exec(cluster.mesosSlave.resources)?.[1] ?? 0);
  if (memoryBytes && offered * 1024 ** 2 > memoryBytes) {
    found(
      "memory-overcommitted",
      `the Mesos slave offers ${offered} MiB of memory to tasks (mesos-marathon:mesosSlaveResources), and the Docker host has ${Math.floor(memoryBytes / 1024 ** 2)}: ` +
        "where tasks take what they were promised, the kernel kills some. Offer less: pulumi config set mesosSlaveResources RESOURCES",
    );
  }
  const runs = engine.containers.some((container) => own(container) && container.runs);
  if (here?.availableBytes !== undefined && here.availableBytes < enoughMemory && !runs) {
    found(
      "low-memory",
      `${(here.availableBytes / gigabyte).toFixed(1)} GiB of memory are available on this host, and Marathon's heap alone may grow to half of one: end something, or the kernel will`,
    );
  }
});

const cgroups = judgment({ "cgroup-cpu-not-mounted": "error" }, ({ configuration: { cluster }, engine, here }, found) => {
  if (cluster.imageSet.needs.cgroupVersion === "1" && engine.cgroupVersion === "1" && here?.mountsCpuCgroup === false) {
    found(
      "cgroup-cpu-not-mounted",
      `Mesos ${cluster.imageSet.mesosSlave.version} needs the cgroup v1 controller cpu, and this host has not mounted it: the slave would end at every start. ` +
        "Mount it: mkdir -p /sys/fs/cgroup/cpu && mount -t cgroup -o cpu cgroup /sys/fs/cgroup/cpu",
    );
  }
});

const hostName = judgment({ "host-name": "error" }, ({ configuration: { cluster, host }, here }, found) => {
  const programs = untold(cluster);
  if (!here?.name || programs.length === 0 || here.name.address === host.address) {
    return;
  }
  const { name, address } = here.name;
  found(
    "host-name",
    `the image set ${cluster.imageSet.name} tells no address to ${programs.join(", ")}, which go by the host's name; ${name} leads to ${address ?? "no IPv4 address"}, ` +
      `and mesos-marathon:address is ${host.address}: write "${host.address} ${name}" into /etc/hosts, or MESOS_IP (Marathon: LIBPROCESS_IP) into the set's environment`,
  );
});

const clock = judgment({ "clock-differs": "warning" }, ({ engine: { clockAhead } }, found) => {
  if (Math.abs(clockAhead) >= 60) {
    found(
      "clock-differs",
      `the clock of the Docker host is ${Math.round(Math.abs(clockAhead))} s ${clockAhead > 0 ? "ahead of" : "behind"} this machine's: times in logs and in Marathon ` +
        "do not agree, and certificates may seem to have expired. Have both set by NTP (timedatectl set-ntp true)",
    );
  }
});

const forwarding = judgment({ "no-ip-forwarding": "warning" }, ({ engine }, found) => {
  if (!engine.forwardsPackets && engine.bridges.length > 0) {
    found(
      "no-ip-forwarding",
      "the Docker host's kernel does not forward IPv4 packets, so tasks in Docker's networks are cut off from other machines: sysctl -w net.ipv4.ip_forward=1",
    );
  }
});

const desktop = judgment({ "docker-desktop": "warning" }, ({ configuration: { cluster }, engine }, found) => {
  if (cluster.networkMode === "host" && /Docker Desktop/i.test(engine.operatingSystem)) {
    found(
      "docker-desktop",
      "in Docker Desktop the host's network is that of its virtual machine, and nothing would answer here, unless host networking is switched on " +
        "(Settings, Resources, Network; Docker Desktop 4.34 and later). Else: pulumi config set networkMode bridge",
    );
  }
});

const mounts = judgment({ "mount-path-missing": "warning" }, ({ here, programs }, found) => {
  for (const { key, program, args } of programs) {
    const missing = args.mounts.map(hostPath).filter((path) => here?.missingPaths?.includes(path));
    if (missing.length > 0) {
      found(
        "mount-path-missing",
        `this host has no ${missing.join(", ")} (mesos-marathon:${key}Mounts): when Docker makes the container of ${program}, it makes an empty folder there, owned by root. ` +
          "Put there what is meant, or write another path",
      );
    }
  }
});

const elsewhere = judgment({ "host-not-seen": "note" }, ({ here, programs }, found) => {
  if (!here) {
    const mounts = programs.some(({ args }) => args.mounts.length > 0);
    found(
      "host-not-seen",
      `ports, addresses, disk, memory${mounts ? ", capabilities and paths of mounts" : " and capabilities"} of the Docker host cannot be seen from here and were not checked`,
    );
  }
});

export const host = [address, hostName, disk, memory, cgroups, capabilities, clock, forwarding, desktop, mounts, elsewhere];
