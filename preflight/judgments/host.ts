/** What only the Docker host itself can tell: its addresses, its disk, its capabilities. */

import { judgment } from "../findings";

const gigabyte = 1024 ** 3;

const address = judgment({ "address-not-here": "error" }, ({ configuration: { host }, here }, found) => {
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

const elsewhere = judgment({ "host-not-seen": "note" }, ({ here }, found) => {
  if (!here) {
    found("host-not-seen", "ports, addresses, disk and capabilities of the Docker host cannot be seen from here and were not checked");
  }
});

export const host = [address, disk, capabilities, elsewhere];
