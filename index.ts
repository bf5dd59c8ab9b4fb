import { Cluster, host } from "./components";
import { loadConfiguration } from "./config";
import { currentDockerHost } from "./docker-context";
import { preflight } from "./preflight";

export = async () => {
  const configuration = loadConfiguration(currentDockerHost);
  const { stopped } = await preflight(configuration);

  const cluster = new Cluster("cluster", {
    host: host("host", configuration.host),
    ...configuration.cluster,
    stopped,
  });

  return {
    mesosUrl: cluster.whenReady(cluster.mesosMaster.url),
    marathonUrl: cluster.whenReady(cluster.marathon.url),
    zookeeperConnectionString: cluster.whenReady(cluster.zookeeper.connectionString),
    cluster: cluster.description,
  };
};
