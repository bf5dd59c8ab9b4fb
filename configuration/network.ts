import { canonical, contains } from "../components/subnet";
import { rules } from "./keys";
import { faults, project, type Source } from "./source";

/** The host's address and name, and the network that the containers are on; what is wrong with them is told. */
export function readNetwork(source: Source) {
  const address = source.text("address");
  const hostname = source.text("hostname") || address;
  const networkMode: "host" | "bridge" = source.text("networkMode") === "bridge" ? "bridge" : "host";
  const bridgeSubnet = source.text("bridgeSubnet");
  const isSubnet = faults(rules.bridgeSubnet, bridgeSubnet).length === 0;
  if (isSubnet && canonical(bridgeSubnet) !== bridgeSubnet) {
    source.problem("bridgeSubnet", bridgeSubnet, `Docker takes a subnet by its first address; write ${canonical(bridgeSubnet)}`);
  }
  if (networkMode === "bridge" && hostname === "localhost") {
    source.problem("hostname", hostname, "on a bridge network that is each container itself; write another name, or an address of the host");
  }
  if (networkMode === "bridge" && isSubnet && faults(rules.address, address).length === 0 && contains(bridgeSubnet, address)) {
    source.problem("bridgeSubnet", bridgeSubnet, `the host's address ${address} (${project}:address) lies in it; write another`);
  }
  return { address, hostname, networkMode, bridgeSubnet };
}
