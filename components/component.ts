import * as pulumi from "@pulumi/pulumi";

/**
 * What each component of the project is to Pulumi: `mesos:index:<type>`, short enough for the status to be seen beside it in a terminal of 80
 * columns. Up to 0.1.0 it was `mesos-marathon:index:<type>`; the state of such a stack goes on.
 */
export abstract class Component extends pulumi.ComponentResource {
  constructor(type: string, name: string, opts?: pulumi.ComponentResourceOptions) {
    super(`mesos:index:${type}`, name, {}, pulumi.mergeOptions(opts, { aliases: [{ type: `mesos-marathon:index:${type}` }] }));
  }
}
