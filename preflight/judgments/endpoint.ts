import type { Finding, Level } from "../findings";
import type { Seen } from "../seen";

/** A Docker Engine that does not answer. Without one nothing else can be judged. */
export const unreachable = {
  levels: { "engine-unreachable": "error" } satisfies Record<string, Level>,
  finding: (dockerHost: string, problem: Seen["engineProblem"]): Finding => ({
    level: "error",
    name: "engine-unreachable",
    text: sentence(dockerHost, problem),
  }),
};

function sentence(dockerHost: string, problem: Seen["engineProblem"]): string {
  const cure: Record<string, string> = {
    ENOENT: "there is no such socket: start Docker (systemctl start docker), or let `npm run up` install it",
    EACCES: "no permission: run as a member of the group docker, or as root",
    ECONNREFUSED: "nothing listens there: start Docker (systemctl start docker)",
    ECONNRESET: "it hung up, or was silent for five seconds: look at its log (journalctl -u docker)",
    ENOTFOUND: "there is no host of that name",
  };
  return (
    `the Docker Engine at ${dockerHost} does not answer; ${cure[problem?.code ?? ""] ?? problem?.message ?? "no answer in time"}. ` +
    "Another Engine: pulumi config set dockerHost unix:///path, or DOCKER_HOST"
  );
}
