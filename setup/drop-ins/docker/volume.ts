/** docker.Volume. */
import { block, labels, map, string } from "../fields";
import type { Json, Properties } from "../wire";
import { labelList, labelMap, unlessGone, type Kind } from "./resource";

/** A volume may be in use for a moment longer than the container that used it. */
const IN_USE_SECONDS = 30;

export const volume: Kind = {
  token: "docker:index/volume:Volume",
  fields: {
    name: string({ replace: true, required: true }),
    driver: string({ replace: true, computed: true }),
    driverOpts: map({ replace: true }),
    labels: labels({ computed: true }),
    cluster: block({}, { unsupported: true }),
    mountpoint: string({ output: true }),
  },
  meta: { schema_version: "1" },
  autoname: true,
  deleteFirst: "named",

  async create({ docker, stoppable }, inputs) {
    const made = await stoppable(
      docker.createVolume({
        Name: String(inputs.name),
        ...(inputs.driver ? { Driver: String(inputs.driver) } : {}),
        DriverOpts: (inputs.driverOpts ?? {}) as { [name: string]: string },
        Labels: labelMap(inputs.labels),
      }),
    );
    return (made as unknown as { Name?: string }).Name ?? String(inputs.name);
  },

  async read({ docker, stoppable }, id) {
    const found = await unlessGone(stoppable(docker.getVolume(id).inspect()));
    if (!found) return undefined;
    const values: Properties = {
      name: found.Name,
      driver: found.Driver,
      driverOpts: found.Options ?? {},
      labels: labelList(found.Labels) as unknown as Json,
      mountpoint: found.Mountpoint,
    };
    return { id: found.Name, found: values };
  },

  async delete({ docker, stoppable, sleep }, id) {
    const end = Date.now() + IN_USE_SECONDS * 1000;
    for (;;) {
      try {
        await unlessGone(stoppable(docker.getVolume(id).remove({ force: true })));
        return;
      } catch (error) {
        if ((error as { statusCode?: number }).statusCode !== 409 || Date.now() >= end) throw error;
      }
      await sleep(500);
    }
  },
};
