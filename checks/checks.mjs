import { ask as marathon } from "./marathon.mjs";
import { ask as mesosMaster } from "./mesos-master.mjs";
import { ask as mesosSlave } from "./mesos-slave.mjs";
import { ask as zookeeper } from "./zookeeper.mjs";

/**
 * How each component is asked whether it can be used.
 * @type {Record<string, import("./wait.mjs").Check>}
 */
export const checks = { zookeeper, "mesos-master": mesosMaster, "mesos-slave": mesosSlave, marathon };
