import * as pulumi from "@pulumi/pulumi";

import type { ServiceImage } from "../components";
import { isForBridge } from "../components/images";
import { isCredential } from "./credential.cjs";
import { type Program, rules } from "./keys";
import { nearest } from "./nearest";
import { faults, type Source, textFaults } from "./source";

/** Bytes of `NAME=value` with its closing zero that Linux hands to a program (execve(2), MAX_ARG_STRLEN). */
const longest = 128 * 1024;

/** Credentials that Marathon takes from the environment by itself under another name. */
const unseen: Readonly<Record<string, string>> = {
  MARATHON_HTTP_CREDENTIALS: "MESOSPHERE_HTTP_CREDENTIALS",
  MARATHON_SSL_KEYSTORE_PASSWORD: "MESOSPHERE_KEYSTORE_PASS",
};

/** Further variables of a program's container: name → value. `image` is absent where it is not known which one will run. */
export function readVariables(
  source: Source,
  program: Program,
  image: ServiceImage | undefined,
  networkMode: "host" | "bridge",
): Record<string, pulumi.Input<string>> {
  const key = `${program}Environment` as const;
  const variables = source.object(key, "variables");
  const secret = source.isSecret(key);
  for (const [name, value] of Object.entries(variables)) {
    for (const fault of variableFaults(name, value, program, image, secret, networkMode)) {
      source.fault(key, `.${/^\w+$/.test(name) ? name : JSON.stringify(name)}`, fault);
    }
  }
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, secret ? pulumi.secret(String(value)) : String(value)]));
}

/**
 * What is wrong with a further variable of a program's container: predicates with what to do instead. No value is ever
 * told, as it may be a secret. `image` is absent where it is not known which one will run.
 */
function variableFaults(
  name: string,
  value: unknown,
  program: Program,
  image: ServiceImage | undefined,
  secret: boolean,
  networkMode: "host" | "bridge",
): string[] {
  const [misnamed] = faults(rules[`${program}Environment`].names, name);
  if (misnamed) {
    return [`is no name of a variable: ${misnamed}`];
  }
  const found = textFaults(value);
  if (Object(value) === value || value === null || (typeof value === "number" && !Number.isSafeInteger(value))) {
    return found;
  }
  const text = String(value);
  const remove = `remove it: pulumi config rm --path ${program}Environment.${name}`;
  if (Buffer.byteLength(`${name}=${text}`) >= longest) {
    found.push(`is longer than the ${longest / 1024} KiB that Linux hands to a program: write less`);
  }
  const { flags = [], flagsAsArguments, environment = {}, version } = image ?? {};
  const firstWord = (variable: string) => variable.split("_")[0];
  const isFlag = flags.some((flag) => firstWord(flag) === firstWord(name.toUpperCase()));
  // Mesos and Marathon read the names of their flags in any case.
  const meant = isFlag && program !== "zookeeper" ? name.toUpperCase() : name;
  if (Object.hasOwn(environment, meant) && (networkMode === "bridge" || !isForBridge(environment[meant]))) {
    const key = keyBehind(environment[meant], program);
    found.push(`is what the stack sets itself: ${key ? `set mesos-marathon:${key} instead, and ` : ""}${remove}`);
  } else if (isFlag && !flags.includes(meant)) {
    found.push(`is no setting that version ${version} knows${nearest(name, flags)}; ${remove}`);
  }
  if ("ZOO_SERVERS" in environment) {
    found.push(...astray(name, text, remove));
  }
  const isArgument = flagsAsArguments && /^MARATHON_/i.test(name);
  if (isArgument && /[\s*?[]/.test(text)) {
    found.push(`has a space or one of * ? [, and the start script of version ${version} takes values apart there: write it without`);
  }
  if (isArgument && Object.hasOwn(unseen, meant)) {
    found.push(`would stand on the command line of version ${version} for all to see: set ${unseen[meant]} instead, and ${remove}`);
  }
  if (/^(MARATHON|MESOSPHERE)_HTTP_CREDENTIALS$/.test(meant) && !/^[^:]+:./.test(text)) {
    found.push("is no user:password, so Marathon would let everybody in: write both, with a colon between");
  }
  if (isCredential(name, text) && !secret) {
    found.push(`is a credential in the clear: pulumi config set --secret --path ${program}Environment.${name}`);
  }
  return found;
}

/** Of the official ZooKeeper image's variables, what would take its data, or its port, from where the stack has them. */
function astray(name: string, text: string, remove: string): string[] {
  if (/^ZOO_DATA(_LOG)?_DIR$/.test(name)) {
    return [`would put the data where no volume is, so that a replaced container begins without any: ${remove}`];
  }
  if (name === "ZOO_CONF_DIR") {
    return [`is where the image writes its settings and not where it reads them: ${remove}`];
  }
  const settings = name === "ZOO_CFG_EXTRA" ? [...text.matchAll(/(?<!\S)(dataDir|dataLogDir|clientPort|clientPortAddress|server\.\d+)=/g)] : [];
  return settings.length > 0 ? [`has ${settings.map(([, setting]) => setting).join(" and ")}, which the stack sets itself: write it without`] : [];
}

/** The key that a variable's template takes its value from; undefined where there is none. */
function keyBehind(template: string, program: Program): string | undefined {
  const keys: Readonly<Record<string, string>> = {
    address: "address",
    hostname: "hostname",
    executorAddress: "bridgeSubnet",
    serverAddresses: "address",
    port: `${program}Port`,
    image: "imageSet",
    dockerSocket: "dockerSocket",
    resources: "mesosSlaveResources",
    attributes: "mesosSlaveAttributes",
    dockerClient: "mesosSlaveDockerClient",
    role: "mesosRole",
    zk: program === "marathon" ? "marathonZookeeperPath" : "mesosZookeeperPath",
    mesosZk: "mesosZookeeperPath",
  };
  return keys[/{(\w+)}/.exec(template)?.[1] ?? ""];
}
