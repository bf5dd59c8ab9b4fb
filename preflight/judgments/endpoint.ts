import type { Finding, Level } from "../findings";
import type { Seen } from "../seen";

/** A Docker Engine that does not answer. Without one nothing else can be judged. */
export const unreachable = {
  levels: { "engine-unreachable": "error" } satisfies Record<string, Level>,
  finding: (dockerHost: string, problem: Seen["engineProblem"]): Finding => ({
    level: "error",
    name: "engine-unreachable",
    text: `the Docker Engine at ${dockerHost} does not answer; ${cause(dockerHost, problem)}. Another Engine: pulumi config set dockerHost unix:///path, or DOCKER_HOST`,
  }),
};

const certificates = "ca.pem, cert.pem and key.pem";

function cause(dockerHost: string, { code = "", message, path }: NonNullable<Seen["engineProblem"]> = { message: "no answer in time" }): string {
  if (path === "ssh") {
    return "there is no ssh on this machine: install one (apt install openssh-client)";
  }
  if (path) {
    const what = code === "ENOENT" ? `there is no ${path}` : `${path} cannot be read (${code})`;
    return `${what}: DOCKER_CERT_PATH must be a folder with ${certificates} for that Engine`;
  }
  return causes.find(([pattern]) => pattern.test(code) || pattern.test(message))?.[1](dockerHost, message) ?? message;
}

/** By hand, what is asked over ssh. */
function byHand(dockerHost: string): string {
  const { username, hostname, port } = new URL(dockerHost);
  return ["ssh", ...(port ? ["-p", port] : []), `${username && `${username}@`}${hostname.replace(/^\[|\]$/g, "")}`, "docker version"].join(" ");
}

/** What Node, its TLS and ssh say, in words or by code → what is so, and what to do. */
const causes: readonly (readonly [pattern: RegExp, words: (dockerHost: string, message: string) => string])[] = [
  [/^ENOENT$/, () => "there is no such socket: start Docker (systemctl start docker), or let `npm run up` install it"],
  [/^EACCES$/, () => "no permission: run as a member of the group docker, or as root"],
  [/^ECONNREFUSED$/, () => "nothing listens there: start Docker (systemctl start docker)"],
  [/^(ENOTFOUND|EAI_AGAIN)$/, () => "there is no host of that name"],
  [/HTTP request to an HTTPS server/, () => `it asks for TLS: set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to a folder with ${certificates}`],
  [/WRONG_VERSION_NUMBER|wrong version number|PACKET_LENGTH/i, () => "it does not speak TLS on that port: name the port that does (2376, as a rule), or unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH"],
  [/SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/, () => "its certificate was signed by nobody whom ca.pem in DOCKER_CERT_PATH names: take the ca.pem of that Engine"],
  [/ALTNAME/, (_, message) => `its certificate is for another name (${message.replace(/^.*?altnames: |[: ]+$/g, "")}): name the Engine as its certificate does`],
  [/CERT_(HAS_EXPIRED|NOT_YET_VALID)/, () => "its certificate has expired or does not hold yet, or the clock of this machine is wrong: make a new one, or set the clock"],
  [/KEY_VALUES_MISMATCH/, () => "cert.pem and key.pem in DOCKER_CERT_PATH do not belong together: take both from the same place"],
  [/ALERT|alert/, () => "it refuses the certificate that it is shown, or asks for one: DOCKER_CERT_PATH must be a folder with cert.pem and key.pem signed by its CA"],
  [/Host key verification failed/, (dockerHost) => `its ssh key is not in known_hosts, or another one is: compare it, with ${byHand(dockerHost)}`],
  [/Permission denied/, (dockerHost) => `ssh does not let you in without a question: ssh-copy-id, or ssh-add, until it answers to ${byHand(dockerHost)}`],
  [/Could not resolve hostname/, () => "there is no host of that name"],
  [/ssh: connect to host .*: (.*)/, (_, message) => `no ssh server answers there (${/ssh: connect to host .*: (.*?)\s*$/m.exec(message)?.[1]})`],
  [/ssh ended with 127/, () => "there is no docker command for ssh to run: install Docker's client there"],
  [/ssh ended with/, (dockerHost, message) => `${message.replaceAll(/\s+/g, " ")}: try ${byHand(dockerHost)}`],
  [/^ECONNRESET$/, () => "it hung up, or was silent for five seconds: look at its log (journalctl -u docker)"],
];
