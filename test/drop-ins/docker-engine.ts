/** The Docker Engine that the tests may use, as the environment says. */
import Docker from "dockerode";

function required(name: string, meaning: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} must be set to ${meaning}: these tests need a Docker Engine of their own`);
  return value;
}

/** Endpoint, e.g. `unix:///…/docker.sock`. */
export const DOCKER_HOST = required("TEST_DOCKER_HOST", "the endpoint of a Docker Engine for tests (unix://…)");
/** An image with a shell and `sleep` that is there already. */
export const IMAGE = required("TEST_IMAGE", "the name of an image on that engine with a shell in it");

if (!DOCKER_HOST.startsWith("unix://")) throw new Error("TEST_DOCKER_HOST must begin with unix://");
export const SOCKET = DOCKER_HOST.slice("unix://".length);

export const docker = new Docker({ socketPath: SOCKET });

/** Makes another image out of the test image, so that there are two with different ids. */
export async function anotherImage(name: string): Promise<void> {
  const [repo, tag] = name.split(":");
  const base = await docker.createContainer({ Image: IMAGE, Cmd: ["true"], Labels: { "mesos-marathon.test": "drop-ins" } });
  try {
    await base.commit({ repo, tag, comment: "the test image once more" });
  } finally {
    await base.remove({ force: true });
  }
}

/** Removes what a test made, by name; what is not there is no error. */
export async function removeContainers(...names: string[]): Promise<void> {
  for (const name of names) await docker.getContainer(name).remove({ force: true, v: true }).catch(ignoreMissing);
}

export function ignoreMissing(error: { statusCode?: number }): void {
  if (error.statusCode !== 404) throw error;
}
