import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

/** A machine that runs containers. Nothing assumes that Pulumi runs on the same one. */
export interface Host {
  /** IPv4 address at which what runs on the host listens and is reached. */
  readonly address: pulumi.Input<string>;
  /** Name or IPv4 address by which browsers, and the cluster's programs, call it. */
  readonly hostname: pulumi.Input<string>;
  /** Its Docker Engine, as in DOCKER_HOST: `unix:///var/run/docker.sock`, `tcp://…`, `ssh://…`. */
  readonly dockerHost: pulumi.Input<string>;
  /** Its Docker Engine's socket, as a path on the host itself: the slave starts tasks through it. */
  readonly dockerSocket: string;
  /** The provider that speaks to that Docker Engine. */
  readonly provider: docker.Provider;
}

export interface HostArgs {
  /** Default: 127.0.0.1, which opens nothing to the network. */
  readonly address?: pulumi.Input<string>;
  /** Default: its address. */
  readonly hostname?: pulumi.Input<string>;
  /** Default: `unix:///var/run/docker.sock`. */
  readonly dockerHost?: pulumi.Input<string>;
  /** Default: `/var/run/docker.sock`. */
  readonly dockerSocket?: string;
  /** Credentials for the registry that images are pulled from. Default: none are shown. */
  readonly registryAuth?: RegistryAuth;
}

export interface RegistryAuth {
  /** Host and port of the registry, as in an image's name. */
  readonly address: string;
  readonly username: string;
  /** Kept as a secret. */
  readonly password: pulumi.Input<string>;
}

/** Describes a host; `name` becomes the name of its Docker provider. */
export function host(name: string, args: HostArgs = {}, opts?: pulumi.CustomResourceOptions): Host {
  const dockerHost = args.dockerHost ?? "unix:///var/run/docker.sock";
  const address = args.address ?? "127.0.0.1";
  return {
    address,
    hostname: args.hostname ?? address,
    dockerHost,
    dockerSocket: args.dockerSocket ?? "/var/run/docker.sock",
    provider: new docker.Provider(
      name,
      {
        host: dockerHost,
        registryAuth: args.registryAuth && [{ ...args.registryAuth, password: pulumi.secret(args.registryAuth.password) }],
      },
      opts,
    ),
  };
}

/** Whether an address, or a name, stands for whatever machine it is used on. */
export function isLoopback(hostname: string): boolean {
  return hostname.startsWith("127.") || hostname === "localhost";
}
