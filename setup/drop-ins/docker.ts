/** The docker drop-in: provider configuration and the four resource types. */
import { connectionOf, type Connection, type ProviderConfig } from "./docker/connection";
import { container } from "./docker/container";
import { dockerResource } from "./docker/resource";
import { network } from "./docker/network";
import { remoteImage } from "./docker/remote-image";
import { volume } from "./docker/volume";
import { boolean, check, list, string, blocks, type Failure, type Fields } from "./fields";
import { refusal, serve, type Plugin } from "./provider";
import { isObject, isSecret, isUnknown, mapValues, reveal, secret, unwrap, type Json, type Properties } from "./wire";

const CONFIG: Fields = {
  host: string({ refuse: (host) => (/^(unix|tcp|http|https|ssh):\/\//.test(String(host)) ? undefined : "must begin with unix://, tcp://, http://, https:// or ssh://") }),
  context: string(),
  sshOpts: list(),
  certPath: string(),
  caMaterial: string(),
  certMaterial: string(),
  keyMaterial: string(),
  disableDockerDaemonCheck: boolean(),
  registryAuth: blocks({
    address: string({ required: true }),
    username: string(),
    password: string(),
    authDisabled: boolean(),
    configFile: string({ unsupported: true }),
    configFileContent: string({ unsupported: true }),
  }),
};
/** Keys that the engine puts beside the configuration. */
const ENGINE_KEYS = ["version", "pluginDownloadURL", "__internal"];

/** Provider configuration travels as texts: what is no text in it is JSON. */
function parsed(args: Properties): Properties {
  return mapValues(args, (value, key) => {
    const text = unwrap(value);
    if (typeof text !== "string" || isUnknown(text) || CONFIG[key]?.kind === "string") return value;
    try {
      const inner = JSON.parse(text) as Json;
      return isSecret(value) ? secret(inner) : inner;
    } catch {
      return value;
    }
  });
}

/** Registries with half of their credentials, or none: the official plugin looks for the rest in files and variables. */
function halfCredentials(registries: Json | undefined): Failure[] {
  const list = reveal(registries ?? []);
  return (Array.isArray(list) ? list : []).flatMap((item, index) =>
    isObject(item) && !item.authDisabled && !(item.username && item.password)
      ? [{ property: `registryAuth[${index}]`, reason: `the input "registryAuth[${index}]" of the docker provider needs username and password here: this drop-in reads no others` }]
      : [],
  );
}

let connection: Connection | undefined;
const connected = (): Connection => {
  if (!connection) throw refusal("the docker drop-in was asked for a resource before it was configured");
  return connection;
};

const plugin: Plugin = {
  name: "docker",
  version: "5.2.0",
  autonaming: true,
  resources: Object.fromEntries([container, remoteImage, volume, network].map((kind) => [kind.token, dockerResource(kind, connected)])),

  checkConfig(news) {
    // The endpoint of a provider without a host is settled here and kept in the state, so that a later refresh asks the same daemon.
    const host = process.env.DOCKER_HOST;
    const inputs: Properties = news.host || news.context || !host ? news : { ...news, host };
    const own = Object.fromEntries(Object.entries(parsed(inputs)).filter(([key]) => !ENGINE_KEYS.includes(key)));
    return { inputs, failures: [...check(CONFIG, own, "the docker provider").failures, ...halfCredentials(own.registryAuth)] };
  },

  /** As with the official plugin, no change of the configuration replaces anything. */
  diffConfig() {},

  configure(args) {
    connection = connectionOf(reveal(parsed(args)) as ProviderConfig);
  },
};

void serve(plugin);
