/** docker.RemoteImage: an image that is there, or is pulled. */
import type Docker from "dockerode";
import { block, boolean, map, set, string } from "../fields";
import { META_TIMEOUTS, step, unlessGone, type DockerContext, type Kind } from "./resource";

export const remoteImage: Kind = {
  token: "docker:index/remoteImage:RemoteImage",
  fields: {
    name: string({ replace: true, required: true }),
    platform: string({ replace: true }),
    pullTriggers: set({ replace: true }),
    triggers: map({ replace: true }),
    keepLocally: boolean(),
    forceRemove: boolean(),
    build: block({}, { unsupported: true }),
    imageId: string({ output: true }),
    repoDigest: string({ output: true }),
  },
  meta: META_TIMEOUTS,
  autoname: false,
  deleteFirst: "never",

  async create(context, inputs) {
    const name = String(inputs.name);
    if (!(await inspect(context, name))) await pull(context, name, inputs.platform ? String(inputs.platform) : undefined);
    return name;
  },

  async read(context, _id, before) {
    const name = String(before.name);
    const found = await inspect(context, name);
    if (!found) return undefined;
    return { id: found.Id + name, found: { imageId: found.Id, repoDigest: digestOf(name, found.RepoDigests ?? []) } };
  },

  async delete(context, id, olds) {
    if (olds.keepLocally) return;
    const name = String(olds.name ?? id);
    await unlessGone(context.stoppable(context.docker.getImage(name).remove({ force: Boolean(olds.forceRemove) })));
  },
};

async function inspect({ docker, stoppable }: DockerContext, name: string): Promise<Docker.ImageInspectInfo | undefined> {
  return unlessGone(stoppable(docker.getImage(name).inspect()));
}

/** The digest under which the image's own repository knows it; none for an image that came from nowhere. */
function digestOf(name: string, digests: string[]): string {
  const repository = name.split("@")[0]?.replace(/:[^:/]*$/, "") ?? name;
  return digests.find((digest) => digest.startsWith(`${repository}@`)) ?? digests[0] ?? "";
}

/** Pulls an image and shows how far it is. */
export async function pull(context: DockerContext, name: string, platform?: string): Promise<void> {
  const { docker, stoppable, credentials, signal } = context;
  const first = name.split("/")[0] ?? "";
  const registry = name.includes("/") && /[.:]|^localhost$/.test(first) ? first : "registry-1.docker.io";
  const authconfig = credentials(registry);
  context.status(`pulling ${name}`);
  const options = { ...(platform ? { platform } : {}), ...(authconfig ? { authconfig } : {}), abortSignal: signal };
  const stream = await step(`Unable to pull ${name}`, stoppable(docker.pull(name, options)));
  const layers = new Map<string, string>();
  await stoppable(
    new Promise<void>((resolve, reject) => {
      const progress = (event: { id?: string; status?: string }) => {
        if (!event.id || !event.status || layers.get(event.id) === event.status) return;
        layers.set(event.id, event.status);
        const done = [...layers.values()].filter((status) => /complete|exists/i.test(status)).length;
        context.status(`pulling ${name}: ${done} of ${layers.size} layers`);
      };
      docker.modem.followProgress(stream, (error: Error | null) => (error ? reject(new Error(`Unable to pull ${name}: ${error.message}`)) : resolve()), progress);
    }),
  );
}
