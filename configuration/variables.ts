import type { ServiceImage } from "../components";
import { type Program, rules } from "./keys";
import { nearest } from "./nearest";

/** Bytes of `NAME=value` with its closing zero that Linux hands to a program (execve(2), MAX_ARG_STRLEN). */
const longest = 128 * 1024;

/** Names whose value lets somebody in. What comes after the word, such as `_FILE`, makes it something else. */
const credential = /(^|_)(SECRET|PASSWORD|PASSWD|PASS|CREDENTIALS?|TOKEN|API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY)$/i;

/** Credentials that Marathon takes from the environment by itself under another name. */
const unseen: Readonly<Record<string, string>> = {
  MARATHON_HTTP_CREDENTIALS: "MESOSPHERE_HTTP_CREDENTIALS",
  MARATHON_SSL_KEYSTORE_PASSWORD: "MESOSPHERE_KEYSTORE_PASS",
};

/** The variables of an environment as the CLI hands it over, or undefined where it is none. */
export function readVariables(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What is wrong with a further variable of a program's container: predicates with what to do instead. No value is ever
 * told, as it may be a secret. `image` is absent where it is not known which one will run.
 */
export function variableFaults(
  name: string,
  value: unknown,
  program: Program,
  image: ServiceImage | undefined,
  secret: boolean,
): string[] {
  const { variables, write } = rules[`${program}Environment`];
  if (!variables.test(name)) {
    return [`is no name of a variable: ${write}`];
  }
  if (typeof value !== "string" && typeof value !== "boolean" && !Number.isSafeInteger(value)) {
    return ["is no text: write one, in quotes where YAML takes it for something else"];
  }
  const text = String(value);
  const remove = `remove it: pulumi config rm --path ${program}Environment.${name}`;
  const found: string[] = [];
  if (/[\x00-\x1f\x7f]/.test(text)) {
    found.push("has a line break or another control character: write it on one line");
  }
  if (Buffer.byteLength(`${name}=${text}`) >= longest) {
    found.push(`is longer than the ${longest / 1024} KiB that Linux hands to a program: write less`);
  }
  const { flags = [], flagsAsArguments, environment = {}, version } = image ?? {};
  const firstWord = (variable: string) => variable.split("_")[0];
  const isFlag = flags.some((flag) => firstWord(flag) === firstWord(name.toUpperCase()));
  // Mesos and Marathon read the names of their flags in any case.
  const meant = isFlag ? name.toUpperCase() : name;
  if (Object.hasOwn(environment, meant)) {
    const key = keyBehind(environment[meant], program);
    found.push(`is what the stack sets itself: ${key ? `set mesos-marathon:${key} instead, and ` : ""}${remove}`);
  } else if (isFlag && !flags.includes(meant)) {
    found.push(`is no setting that version ${version} knows${nearest(name, flags)}; ${remove}`);
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
  // Mesos takes credentials as the path of a file, which is no secret.
  const isPath = /^MESOS_/i.test(name) && /^(file:\/\/)?\//.test(text);
  if (credential.test(name) && !secret && !isPath) {
    found.push(`is a credential in the clear: pulumi config set --secret --path ${program}Environment.${name}`);
  }
  return found;
}

/** The key that a variable's template takes its value from; undefined where there is none. */
function keyBehind(template: string, program: Program): string | undefined {
  const keys: Readonly<Record<string, string>> = {
    address: "address",
    serverAddresses: "address",
    port: `${program}Port`,
    image: "imageSet",
    dockerSocket: "dockerSocket",
    resources: "mesosSlaveResources",
    attributes: "mesosSlaveAttributes",
  };
  return keys[/{(\w+)}/.exec(template)?.[1] ?? ""];
}
