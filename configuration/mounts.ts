import type { ServiceImage } from "../components";
import { type Program, rules } from "./keys";
import { faults, project, type Source } from "./source";

/**
 * Further bind mounts of a program's container, each as `host path:container path[:ro]`. `image` is absent where it is not
 * known which one will run.
 */
export function readMounts(source: Source, program: Program, image: ServiceImage | undefined, dockerSocket: string): string[] {
  const key = `${program}Mounts` as const;
  const own = [...Object.values(image?.data ?? {}), ...(image?.mounts ?? []).map((mount) => mount.split(":")[1])];
  /** Path in the container → whose it is. */
  const taken = own
    .map((path) => path.replace("{dockerSocket}", dockerSocket).replace("{dockerClient}", source.text("mesosSlaveDockerClient")))
    .filter((path) => path !== "")
    .map((path) => [path, "the stack itself mounts"]);
  return source.list(key).flatMap((mount, index) => {
    const at = `[${index}]`;
    const text = typeof mount === "string" ? mount : JSON.stringify(mount);
    const wrong = faults(rules[key].items, text);
    const path = text.split(":")[1] ?? "";
    const [other, whose] = (wrong.length === 0 && taken.find(([other]) => isWithin(path, other) || isWithin(other, path))) || [];
    if (other) {
      wrong.push(`${whose} ${other} in that container; write a path that lies beside it`);
    }
    wrong.forEach((cure) => source.fault(key, at, `is ${JSON.stringify(text)}: ${cure}`));
    taken.push([path, `${project}:${key}${at} mounts`]);
    return wrong.length === 0 ? [text] : [];
  });
}

/** Whether one path is another one or lies below it. */
export function isWithin(path: string, other: string): boolean {
  return path === other || path.startsWith(`${other}/`);
}
