import type { ServiceImage } from "./components";
import { type Program, rules } from "./keys";
import { nearest } from "./nearest";

/** Bytes of `NAME=value` with its closing zero that Linux hands to a program (execve(2), MAX_ARG_STRLEN). */
const longest = 128 * 1024;

/** Names whose value lets somebody in. What comes after the word, such as `_FILE`, makes it something else. */
const credential = /(^|_)(SECRET|PASSWORD|PASSWD|CREDENTIALS?|TOKEN|API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY)$/i;

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
  const { prefix, names, splitsValues } = image?.flags ?? { prefix: undefined };
  const isSetting = prefix !== undefined && name.toUpperCase().startsWith(prefix);
  const own = Object.keys(image?.environment ?? {}).find((variable) => variable === (isSetting ? name.toUpperCase() : name));
  if (own) {
    const key = keyBehind(image!.environment[own], program);
    found.push(`is what the stack sets itself: ${key ? `set mesos-marathon:${key} instead, and ` : ""}${remove}`);
  } else if (isSetting && !names?.includes(name.slice(prefix.length).toLowerCase())) {
    const known = names?.map((flag) => `${prefix}${flag.toUpperCase()}`) ?? [];
    found.push(`is no setting that version ${image?.version} knows${nearest(name, known)}; ${remove}`);
  }
  if (isSetting && splitsValues && /[\s*?[]/.test(text)) {
    found.push(`has a space or one of * ? [, and the start script of version ${image?.version} takes values apart there: write it without`);
  }
  // A file's place is no secret.
  if (credential.test(name) && !secret && !/^(file:\/\/)?\//.test(text)) {
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
