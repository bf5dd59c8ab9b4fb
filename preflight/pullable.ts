import type { Configuration } from "../configuration";

/** What the Docker Engine says of an image that it does not have: whether its registry would give it out. */
export interface PullAnswer {
  /** `silent`: neither it nor the registry answered in time, or it cannot ask. */
  readonly answer: "has it" | "no such image" | "credentials" | "out of reach" | "refused" | "silent";
  /** The Docker Engine's own words, or none. */
  readonly words: string;
  /** Of what the registry has under the name. */
  readonly digest?: string;
}

/** Milliseconds that a registry is given to answer. */
export const patience = 3_000;

/**
 * Asks the Docker Engine, side by side, whether it could pull these images: only it knows its mirrors, proxies and
 * certificates. Nothing is pulled. (Docker Engine API, "Get image information from the registry".)
 */
export async function askRegistries(
  { dockerHost, registryAuth }: Configuration["host"],
  images: readonly string[],
): Promise<Record<string, PullAnswer>> {
  const { dockerEngine } = await import("../checks/docker.mjs");
  const docker = dockerEngine(dockerHost, patience);
  const answers = await Promise.all(
    images.map(async (image) => {
      const ours = image.startsWith(`${registryAuth?.address}/`);
      const authconfig = ours && registryAuth ? { username: registryAuth.username, password: registryAuth.password, serveraddress: registryAuth.address } : undefined;
      const asked = docker.getImage(image).distribution(authconfig && { authconfig });
      return [image, await asked.then(({ Descriptor }) => ({ answer: "has it" as const, words: "", digest: Descriptor?.digest }), pullAnswer)];
    }),
  );
  return Object.fromEntries(answers);
}

/** What an error of the Docker Engine's says about a pull. */
export function pullAnswer(error: { statusCode?: number; json?: { message?: string }; message?: string }): PullAnswer {
  const { statusCode: status, json } = error;
  const words = json?.message ?? "";
  const is = (answer: PullAnswer["answer"]) => ({ answer, words });
  if (status === undefined || /page not found|deadline exceeded|Client\.Timeout|request canceled/.test(words)) {
    return is("silent");
  }
  if (status === 401 || status === 403 || /unauthorized|denied|no basic auth credentials/i.test(words)) {
    return is("credentials");
  }
  if (status === 404 || /manifest unknown|name unknown|not found/.test(words)) {
    return is("no such image");
  }
  return is(/dial |lookup |connection re|no route|unreachable|x509|tls:|EOF|server gave HTTP/.test(words) ? "out of reach" : "refused");
}

/** What an answer says of the registry. */
export function reach(answer: PullAnswer["answer"]): "has it" | "lacks it" | "out of reach" {
  return answer === "has it" ? answer : answer === "silent" || answer === "out of reach" ? "out of reach" : "lacks it";
}
