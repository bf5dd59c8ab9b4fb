import { currentDocker } from "./checks/docker-context.cjs";
import { Cluster, host } from "./components";
import { loadConfiguration } from "./configuration";
import { preflight } from "./preflight";
import { automaticImageSet } from "./preflight/automatic";

// Pulumi's SDK keeps a stack trace for each of its promises, and each frame of one is looked up in source maps: with the
// usual ten frames that took a tenth of every preview. The place where an error is thrown is still told.
Error.stackTraceLimit = 1;

export = async () => {
  const configuration = await loadConfiguration(() => currentDocker().dockerHost, automaticImageSet);
  const present = await preflight(configuration);

  const cluster = new Cluster("cluster", {
    host: host("host", configuration.host),
    ...configuration.cluster,
    ...present,
  });

  return {
    mesosUrl: cluster.whenReady(cluster.mesosMaster.url),
    marathonUrl: cluster.whenReady(cluster.marathon.url),
    zookeeperConnectionString: cluster.whenReady(cluster.zookeeper.connectionString),
    cluster: cluster.description,
  };
};
