import type { Configuration } from "../configuration";

/** What the Docker Engine says of an image that it does not have: whether its registry would give it out. */
export interface PullAnswer {
  /** `silent`: neither it nor the registry answered in time, or it cannot ask. */
  readonly answer: "has it" | "no such image" | "credentials" | "out of reach" | "refused" | "silent";
  /** The Docker Engine's own words, or none. */
  readonly words: string;
}

/** Milliseconds that a registry is given to answer. */
const patience = 3_000;

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
      return [image, await asked.then(() => ({ answer: "has it" as const, words: "" }), pullAnswer)];
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

interface PullFinding {
  readonly level: "error" | "note";
  readonly text: string;
}

/** What to say of images that are not there, by answer: each error names its images, the cause and what to do. */
export function pullFindings(
  { host }: Configuration,
  pulls: Readonly<Record<string, PullAnswer>>,
): PullFinding[] {
  const { registryAuth } = host;
  const images = (answer: PullAnswer["answer"]) => Object.keys(pulls).filter((image) => pulls[image].answer === answer);
  const elsewhere = "pull them elsewhere and bring them here (npm run images -- save FILE, and load FILE), or name a registry that has them: pulumi config set imageRegistry REGISTRY";
  const cures = {
    "no such image": `there is no such image in the registry: ${elsewhere}`,
    credentials: registryAuth
      ? `the registry refuses the credentials of ${registryAuth.username}, or does not show the image to them: pulumi config set imageRegistryUsername NAME, and pulumi config set --secret imageRegistryPassword`
      : "the registry asks for credentials, or has no such image: pulumi config set imageRegistryUsername NAME, and pulumi config set --secret imageRegistryPassword, for the registry in imageRegistry",
    "out of reach": `the Docker Engine cannot reach the registry: ${elsewhere}`,
    refused: `the Docker Engine does not pull it: ${elsewhere}`,
  };
  const findings = Object.entries(cures).flatMap(([answer, cure]): PullFinding[] => {
    const names = images(answer as keyof typeof cures);
    return names.length === 0 ? [] : [{ level: "error", text: `${names.join(", ")}: ${cure}. The Docker Engine said: ${pulls[names[0]].words}` }];
  });
  const coming = [...images("has it"), ...images("silent")];
  const silent = images("silent");
  if (coming.length > 0) {
    const unsure = silent.length > 0 ? `; the registry of ${silent.join(", ")} has not answered within ${patience / 1000} s` : "";
    const text = `${coming.length} of 4 images are not here yet and will be pulled: ${coming.join(", ")}${unsure}`;
    findings.push({ level: "note", text });
  }
  return findings;
}
