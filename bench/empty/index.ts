import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

// Used, because TypeScript drops the import of what is not. The classes themselves are loaded when first asked for,
// as they are in the cluster's program.
export const loaded = [pulumi.Resource, docker.Container, command.local.Command].length;
