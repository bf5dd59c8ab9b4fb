/** What will be open to whom, and what a destroy will take. */

import { type Evidence, judgment } from "../findings";

const exposed = judgment({ exposed: "warning", "listens-everywhere": "warning" }, ({ configuration, programs }, found) => {
  const { address } = configuration.host;
  const loopback = address.startsWith("127.");
  const open = programs.filter(({ image }) => !loopback || !image.listensOnAddressOnly);
  if (open.length === 0) {
    return;
  }
  const listening = listed(open);
  if (loopback) {
    found(
      "listens-everywhere",
      `without a password and open to every network of this host: ${listening}, because the image cannot be told to listen on ${address} only. ` +
        "Who reaches it can change what Mesos and Marathon do: close the port in the firewall",
    );
  } else {
    found("exposed", `without a password and open to whoever reaches ${address}: ${listening}. Who reaches Marathon can start privileged containers on this host`);
  }
});

function listed(open: Evidence["programs"]): string {
  return open.map(({ program, args }) => `${program.replace("the ", "")} (${args.port})`).join(", ");
}

const erases = judgment({ "destroy-erases": "warning" }, ({ configuration: { cluster } }, found) => {
  if (cluster.onDestroy === "erase") {
    found(
      "destroy-erases",
      "mesos-marathon:onDestroy is erase: the next destroy deletes every app and the volumes with all data of the cluster; " +
        "until then an up that replaces or drops a volume deletes that one, too",
    );
  }
});

export const exposure = [exposed, erases];
