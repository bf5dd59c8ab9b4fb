/** The way to a Docker daemon: made at the first call that needs it, because previews never do. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type Docker from "dockerode";
import { refusal } from "../provider";

export interface ProviderConfig {
  host?: string;
  context?: string;
  sshOpts?: string[];
  certPath?: string;
  caMaterial?: string;
  certMaterial?: string;
  keyMaterial?: string;
  registryAuth?: { address: string; username?: string; password?: string; authDisabled?: boolean }[];
}

export interface Connection {
  /** Where the daemon is, as the user knows it. */
  endpoint: string;
  docker(): Promise<Docker>;
  /** Credentials for the registry of an image, if the program gave any. */
  credentials(registry: string): { username?: string; password?: string; serveraddress: string } | undefined;
}

const DEFAULT_HOST = "unix:///var/run/docker.sock";

export function connectionOf(config: ProviderConfig): Connection {
  const endpoint = (config.context && hostOfContext(config.context)) || config.host || process.env.DOCKER_HOST || DEFAULT_HOST;
  const certPath = config.certPath ?? process.env.DOCKER_CERT_PATH;
  // The client library would mix the environment into what it is told.
  for (const name of ["DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_PATH_PREFIX", "DOCKER_CLIENT_TIMEOUT"]) delete process.env[name];
  let client: Promise<Docker> | undefined;
  return {
    endpoint,
    docker: () => (client ??= connect(endpoint, { ...config, certPath })),
    credentials(registry) {
      const found = config.registryAuth?.find(({ address, authDisabled }) => !authDisabled && hostOf(address) === registry);
      return found && { username: found.username, password: found.password, serveraddress: found.address };
    },
  };
}

const hostOf = (address: string) => address.replace(/^https?:\/\//, "").split("/")[0];

async function connect(endpoint: string, config: ProviderConfig): Promise<Docker> {
  const { default: Client } = await import("dockerode");
  if (endpoint.startsWith("unix://")) return new Client({ host: undefined, port: undefined, protocol: "http", socketPath: endpoint.slice("unix://".length) });
  let url: URL;
  try {
    url = new URL(endpoint);
  } catch {
    throw refusal(`the Docker endpoint ${endpoint} is not an address: it should look like ${DEFAULT_HOST}, tcp://host:2375 or ssh://user@host`);
  }
  if (url.protocol === "ssh:") {
    // The library's own ssh knows nothing of the user's configuration; its agent can be any agent, though its types do not say so.
    const { sshAgent } = await import("../../../checks/ssh.mjs");
    return new Client({ host: "docker", port: 80, protocol: "http", agent: sshAgent(endpoint, config.sshOpts ?? []) } as Docker.DockerOptions);
  }
  const file = (name: string) => (config.certPath ? readFileSync(join(config.certPath, name)) : undefined);
  const ca = config.caMaterial ?? file("ca.pem");
  const cert = config.certMaterial ?? file("cert.pem");
  const key = config.keyMaterial ?? file("key.pem");
  const secure = url.protocol === "https:" || Boolean(ca || cert);
  const port = url.port || (secure ? 2376 : 2375);
  return new Client({ host: url.hostname, port, protocol: secure ? "https" : "http", ca: ca as string, cert: cert as string, key: key as string });
}

/** The endpoint of a context of the docker command line. */
function hostOfContext(name: string): string {
  if (name === "default") return process.env.DOCKER_HOST ?? DEFAULT_HOST;
  const folder = process.env.DOCKER_CONFIG ?? join(homedir(), ".docker");
  const file = join(folder, "contexts", "meta", createHash("sha256").update(name).digest("hex"), "meta.json");
  try {
    const { Endpoints } = JSON.parse(readFileSync(file, "utf8")) as { Endpoints?: { docker?: { Host?: string } } };
    if (Endpoints?.docker?.Host) return Endpoints.docker.Host;
  } catch (error) {
    throw refusal(`the Docker context "${name}" cannot be read: ${(error as Error).message}`);
  }
  throw refusal(`the Docker context "${name}" has no endpoint for docker`);
}
