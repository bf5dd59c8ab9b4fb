/** docker.Network. */
import { blocks, boolean, labels, map, string } from "../fields";
import type { Json, Properties } from "../wire";
import { labelList, labelMap, unlessGone, type Kind } from "./resource";

/** A container that was just removed may still hold an endpoint. */
const IN_USE_SECONDS = 30;

interface Ipam {
  subnet?: string;
  ipRange?: string;
  gateway?: string;
  auxAddress?: { [name: string]: string } | null;
}

interface DockerIpam {
  Subnet?: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: { [name: string]: string };
  /** As older engines call it. */
  AuxAddress?: { [name: string]: string };
}

const replace = true;
const computed = true;

export const network: Kind = {
  token: "docker:index/network:Network",
  fields: {
    name: string({ replace, required: true }),
    attachable: boolean({ replace }),
    driver: string({ replace, computed }),
    ingress: boolean({ replace }),
    internal: boolean({ replace, computed }),
    ipamConfigs: blocks({ auxAddress: map(), gateway: string(), ipRange: string(), subnet: string() }, { replace, computed }),
    ipamDriver: string({ replace, default: "default" }),
    ipamOptions: map({ replace }),
    ipv6: boolean({ replace }),
    labels: labels(),
    options: map({ replace, computed }),
    scope: string({ output: true }),
  },
  meta: { schema_version: "1" },
  autoname: true,
  deleteFirst: "named",

  async create({ docker, stoppable }, inputs) {
    const ipam = (inputs.ipamConfigs ?? []) as Ipam[];
    const made = await stoppable(
      docker.createNetwork({
        Name: String(inputs.name),
        CheckDuplicate: true,
        ...(inputs.driver ? { Driver: String(inputs.driver) } : {}),
        Attachable: Boolean(inputs.attachable),
        Ingress: Boolean(inputs.ingress),
        Internal: Boolean(inputs.internal),
        EnableIPv6: Boolean(inputs.ipv6),
        Labels: labelMap(inputs.labels),
        Options: (inputs.options ?? {}) as { [name: string]: string },
        IPAM: {
          Driver: String(inputs.ipamDriver),
          Options: (inputs.ipamOptions ?? {}) as { [name: string]: string },
          Config: ipam.map(({ subnet, ipRange, gateway, auxAddress }) => ({
            ...(subnet ? { Subnet: subnet } : {}),
            ...(ipRange ? { IPRange: ipRange } : {}),
            ...(gateway ? { Gateway: gateway } : {}),
            ...(auxAddress ? { AuxiliaryAddresses: auxAddress } : {}),
          })) as never,
        },
      } as never),
    );
    return made.id;
  },

  async read({ docker, stoppable }, id, before) {
    const found = await unlessGone(stoppable(docker.getNetwork(id).inspect()));
    if (!found) return undefined;
    const values: Properties = {
      name: found.Name,
      attachable: Boolean(found.Attachable),
      driver: found.Driver,
      ingress: Boolean(found.Ingress),
      internal: Boolean(found.Internal),
      ipamConfigs: ipamOf((found.IPAM?.Config ?? []) as unknown as DockerIpam[], (before.ipamConfigs ?? []) as Ipam[]),
      ipamDriver: found.IPAM?.Driver ?? "default",
      ipamOptions: found.IPAM?.Options ?? {},
      ipv6: Boolean(found.EnableIPv6),
      labels: labelList(found.Labels) as unknown as Json,
      options: found.Options ?? {},
      scope: found.Scope,
    };
    return { id: found.Id, found: values };
  },

  async delete({ docker, stoppable, sleep }, id) {
    const end = Date.now() + IN_USE_SECONDS * 1000;
    for (;;) {
      try {
        await unlessGone(stoppable(docker.getNetwork(id).remove()));
        return;
      } catch (error) {
        if (!/active endpoints/.test((error as Error).message) || Date.now() >= end) throw error;
      }
      await sleep(500);
    }
  },
};

/** Address ranges as found; a gateway that Docker chose by itself is not one that the program asked for. */
function ipamOf(found: DockerIpam[], before: Ipam[]): Json {
  return found.map((config) => {
    const asked = before.find(({ subnet }) => subnet === config.Subnet);
    return {
      auxAddress: config.AuxiliaryAddresses ?? config.AuxAddress ?? {},
      gateway: asked && !asked.gateway ? "" : (config.Gateway ?? ""),
      ipRange: config.IPRange ?? "",
      subnet: config.Subnet ?? "",
    };
  });
}
