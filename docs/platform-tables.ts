/** The tables of docs/platforms.md: what `obstacles` says of every image set on every kind of Docker host. */
import { type ImageSet, imageSets, imagesOf } from "../components/images";
import { engineReleases, obstacles, type Platform, releaseOf, trials } from "../components/platforms";

/** A row of a table: a kind of Docker host, as its Docker Engine would tell it. */
export interface Row {
  readonly engine: string;
  readonly store: "overlay2" | "containerd";
  readonly platform: Platform;
}

/** Every kind of host with these cgroups and this architecture. */
export function rows(architecture: string, cgroupVersion: string): Row[] {
  return engineReleases.flatMap(({ name, from, minApiVersion, containerdStore }) =>
    (containerdStore ? (["overlay2", "containerd"] as const) : (["overlay2"] as const)).map((store) => ({
      engine: name,
      store,
      platform: { version: from, minApiVersion, cgroupVersion, architecture, containerdStore: store === "containerd" },
    })),
  );
}

/** A cell: whether an image set runs on a platform, with what, or why not, and whence that is known. */
export function cell(imageSet: ImageSet, platform: Platform): string {
  const found = obstacles(imageSet, platform, imagesOf(imageSet));
  const refused = found.filter(({ curable }) => !curable);
  const verdict = refused.length > 0 ? `refused: ${words(refused)}` : found.length > 0 ? `with ${words(found)}` : "works";
  const trial = trials.find(
    (trial) =>
      trial.imageSet === imageSet.name &&
      releaseOf(trial.version) === releaseOf(platform.version) &&
      (["cgroupVersion", "architecture"] as const).every((key) => trial[key] === platform[key]) &&
      Boolean(trial.containerdStore) === Boolean(platform.containerdStore),
  );
  return `${verdict} · ${trial ? `tried ${trial.date} on ${trial.version}` : "sources"}`;
}

const words = (found: readonly { readonly short: string }[]) => found.map(({ short }) => short).join(", ");

/** All tables, rows that say the same being one. */
export function platformTables(): string {
  const sets = Object.values(imageSets);
  const tables = ["amd64", "arm64"].flatMap((architecture) => ["1", "2"].map((cgroupVersion) => {
    const lines: { engines: string[]; cells: string }[] = [];
    for (const { engine, store, platform } of rows(architecture, cgroupVersion)) {
      const cells = [store, ...sets.map((imageSet) => cell(imageSet, platform))].join(" | ");
      const same = lines.find((line) => line.cells === cells);
      same ? same.engines.push(engine) : lines.push({ engines: [engine], cells });
    }
    return [
      `### ${architecture}, cgroup v${cgroupVersion}`,
      "",
      `| Docker Engine | image store | ${sets.map(({ name }) => `\`${name}\``).join(" | ")} |`,
      `|---|---|${sets.map(() => "---|").join("")}`,
      ...lines.map(({ engines, cells }) => `| ${engines.join("; ")} | ${cells} |`),
    ].join("\n");
  }));
  return tables.join("\n\n");
}
