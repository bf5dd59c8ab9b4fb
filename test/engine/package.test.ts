import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { standing } from "./docker";
import { dockerHost, projectFolder, TestStack } from "./stack";

const run = promisify(execFile);

const program = `
import * as pulumi from "@pulumi/pulumi";
import { Cluster, host, imageSets, type ClusterDescription } from "mesos-marathon";

const cluster = new Cluster("two", {
  host: host("here", { dockerHost: "${dockerHost()}", dockerSocket: "${dockerHost().slice("unix://".length)}" }),
  imageSet: imageSets.rehearsal,
  zookeeper: { containerName: "two-zookeeper", port: 25181 },
  mesosMaster: { containerName: "two-master", port: 25150 },
  mesosSlave: { containerName: "two-slave", port: 25151 },
  marathon: { containerName: "two-marathon", port: 25180 },
});
export const description: pulumi.Output<ClusterDescription> = cluster.description;
`;

let folder: string;
let stack: TestStack;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mesos-marathon-package-"));
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, "mesos-marathon"), { recursive: true });
  // As npm would lay it out from the packed project, without asking a registry for what is here already.
  for (const entry of await readdir(join(projectFolder, "node_modules"))) {
    await symlink(join(projectFolder, "node_modules", entry), join(modules, entry)).catch(() => {});
  }
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: projectFolder });
  await run("tar", ["-xzf", join(folder, stdout.trim().split("\n").pop() ?? ""), "--strip-components=1", "-C", join(modules, "mesos-marathon")]);
  await writeFile(join(folder, "Pulumi.yaml"), "name: two\nruntime: nodejs\nmain: index.ts\n");
  await writeFile(join(folder, "package.json"), '{ "name": "two" }');
  await writeFile(join(folder, "tsconfig.json"), '{ "compilerOptions": { "module": "node16", "strict": true, "skipLibCheck": true, "types": ["node"] }, "files": ["index.ts", "documented.ts"] }');
  await writeFile(join(folder, "index.ts"), program);
  const [, documented] = /```ts\n([^`]+from "mesos-marathon";[^`]+)```/.exec(await readFile(join(projectFolder, "docs", "outputs.md"), "utf8")) ?? [];
  await writeFile(join(folder, "documented.ts"), documented);
  stack = await TestStack.create("two", {}, { project: folder });
});

after(async () => {
  await stack?.remove();
  await rm(folder, { recursive: true, force: true });
});

test("another program imports the packed components, with their types, as documented, and makes a cluster of its own", async () => {
  await run(process.execPath, [join(projectFolder, "node_modules", "typescript", "bin", "tsc"), "--noEmit", "--project", folder]);
  await stack.up();
  const { description } = await stack.outputs();
  assert.equal(description.marathon.url, "http://127.0.0.1:25180");
  const { frameworkId } = (await (await fetch("http://127.0.0.1:25180/v2/info")).json()) as any;
  assert.ok(frameworkId);
  assert.deepEqual(await stack.preview(), []);
  await stack.destroy();
  assert.deepEqual(await standing((name) => name.startsWith("two-")), []);
});
