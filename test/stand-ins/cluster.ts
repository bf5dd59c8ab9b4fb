/** ZooKeeper, Mesos and Marathon in containers on the tests' engine: what `mesos-cluster.ts` starts, and Marathon on top. */
import type Docker from "dockerode";
import { Cluster, freePort, get, logs, until } from "./mesos-cluster";

export { base, exit, freePort, logs, until } from "./mesos-cluster";

export const marathonImage = (version = "1.11.0") => `mesos-marathon/stand-in-marathon:${version}`;

type Environment = Record<string, string | undefined>;

export class MarathonCluster extends Cluster {
  readonly marathonPort = freePort();
  readonly marathonUrl = `http://127.0.0.1:${this.marathonPort}`;
  readonly marathonZk = `zk://127.0.0.1:${this.zookeeperPort}/marathon`;

  /** Settings of a Marathon of this cluster. Offers are asked for more often than by default (5 s), so that tests are quick. */
  marathonEnvironment(changes: Environment = {}): string[] {
    const variables: Environment = {
      LIBPROCESS_IP: "127.0.0.1", MARATHON_HOSTNAME: "127.0.0.1", MARATHON_HTTP_ADDRESS: "127.0.0.1", MARATHON_HTTP_PORT: `${this.marathonPort}`,
      MARATHON_MASTER: this.zk, MARATHON_ZK: this.marathonZk, MARATHON_MIN_REVIVE_OFFERS_INTERVAL: "500", ...changes,
    };
    return Object.entries(variables).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${value}`);
  }

  /** A Marathon that Docker restarts whenever it exits, unless `restart` says otherwise. */
  marathon(changes: Environment = {}, { name = "marathon", version = "1.11.0", restart = "always" } = {}): Promise<Docker.Container> {
    return this.start(name, {
      Image: marathonImage(version),
      Env: this.marathonEnvironment(changes),
      HostConfig: { RestartPolicy: { Name: restart } },
    });
  }

  /** All four, usable: the slave active, Marathon's framework active at the master. */
  async all(changes: Environment = {}) {
    const [mesos, marathon] = [await this.up(), await this.marathon(changes)];
    await this.activeMarathon();
    return { ...mesos, marathon };
  }

  /** Marathon's framework id, once it is active at the master. */
  activeMarathon(url = this.marathonUrl): Promise<string> {
    return until("Marathon to be an active framework", async () => {
      const id = (await get(`${url}/v2/info`)).json?.frameworkId;
      return id && (await this.framework(id))?.active ? (id as string) : undefined;
    });
  }
}

/** The end of what a container wrote. */
export const tail = async (container: Docker.Container) => (await logs(container)).split("\n").slice(-30).join("\n");
