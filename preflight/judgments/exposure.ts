/** What will be open to whom, and what a destroy will take. */

import { componentOf } from "../../components/pairings";
import { judgment, type ProgramEvidence } from "../findings";

const exposed = judgment(
  {
    exposed: "warning",
    "zookeeper-listens-everywhere": "warning",
    "mesos-master-listens-everywhere": "warning",
    "mesos-slave-listens-everywhere": "warning",
    "marathon-listens-everywhere": "warning",
  },
  ({ configuration, programs }, found) => {
    const { address } = configuration.host;
    // On a bridge network ports are published on the address alone, whatever a program listens on inside.
    const listensElsewhere = ({ image }: ProgramEvidence) => configuration.cluster.networkMode === "host" && !image.listensOnAddressOnly;
    if (!address.startsWith("127.")) {
      const open = programs.filter((evidence) => !asksForPassword(evidence));
      found(
        "exposed",
        `without a password and open to whoever reaches ${address}: ${open.map(named).join(", ")}. ` +
          `Who reaches ${open.some(({ key }) => key === "marathon") ? "the Mesos master or Marathon" : "the Mesos master"} can start privileged containers on this host`,
      );
      return;
    }
    for (const evidence of programs.filter((evidence) => listensElsewhere(evidence) && !asksForPassword(evidence))) {
      found(
        `${componentOf[evidence.key]}-listens-everywhere`,
        `without a password and open to every network of this host: ${named(evidence)}, because the image cannot be told to listen on ${address} only. ` +
          "Who reaches it can change what Mesos and Marathon do: close the port in the firewall",
      );
    }
  },
);

const named = ({ program, args }: ProgramEvidence) => `${program.replace("the ", "")} (${args.port})`;

/** Of the four, Marathon alone can be told one for all that it serves. */
const asksForPassword = ({ key, args }: ProgramEvidence) =>
  key === "marathon" && Object.keys(args.environment).some((variable) => /^(MARATHON|MESOSPHERE)_HTTP_CREDENTIALS$/.test(variable));

const endpoint = judgment({ "docker-without-tls": "warning" }, ({ configuration: { host }, engine }, found) => {
  if (engine.withoutTls && !/^tcp:\/\/(127\.|localhost|\[::1\])/.test(host.dockerHost)) {
    found(
      "docker-without-tls",
      `the Docker Engine at ${host.dockerHost} obeys whoever reaches that port, which is root on its host, and what is said to it can be read on the way: ` +
        "have it ask for certificates (dockerd --tlsverify), or reach it over ssh://",
    );
  }
});

const erases = judgment({ "destroy-erases": "warning" }, ({ configuration: { cluster } }, found) => {
  if (cluster.onDestroy === "erase") {
    found(
      "destroy-erases",
      "mesos-marathon:onDestroy is erase: the next destroy deletes every app and the volumes with all data of the cluster; " +
        "until then an up that replaces or drops a volume deletes that one, too",
    );
  }
});

export const exposure = [exposed, endpoint, erases];
