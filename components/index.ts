export { Cluster, type ClusterArgs, type ClusterDescription, type ProgramArgs } from "./cluster";
export { type Host, host, type HostArgs } from "./host";
export { type ImageSet, imageSets, type MesosEndpoints, type ServiceImage } from "./images";
export { Marathon, type MarathonArgs } from "./marathon";
export { MesosMaster, type MesosMasterArgs } from "./mesos-master";
export { MesosSlave, type MesosSlaveArgs } from "./mesos-slave";
export { type Environment, type OnDestroy } from "./service";
export { ZooKeeper, type ZooKeeperArgs } from "./zookeeper";
