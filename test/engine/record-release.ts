/** Brings up this version's rehearsal cluster and keeps the state that Pulumi exports, for released.test.ts. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { version } from "../../package.json";
import { docker, removeVolumes, volumeNames } from "./docker";
import { dockerHost, projectFolder, TestStack } from "./stack";

async function record(): Promise<void> {
  const stack = await TestStack.create("released", { "mesos-marathon:imageSet": "rehearsal" });
  try {
    await stack.up();
    const file = join("test", "engine", "released", `${version}.json`);
    writeFileSync(join(projectFolder, file), neutral((await stack.mustRun("stack", "export")).stdout, (await docker.info()).DockerRootDir));
    console.log(`${file} is the state of this version.`);
  } finally {
    await stack.run("destroy", "--yes", "--skip-preview");
    await stack.remove();
    await removeVolumes((await volumeNames()).filter((name) => name.startsWith("mesos-marathon-released-cluster-")));
  }
}

/** The state without what only this machine knows: where its Docker Engine is, which program made what, what secrets are written with. */
function neutral(text: string, dockerRoot: string): string {
  const state = JSON.parse(text.replaceAll(dockerHost().slice("unix://".length), "/released/docker.sock").replaceAll(`${dockerRoot}/`, "/released/"));
  delete state.deployment.secrets_providers;
  for (const resource of state.deployment.resources) {
    delete resource.sourcePosition;
    delete resource.stackTrace;
  }
  return `${JSON.stringify(state, undefined, 1)}\n`;
}

void record();
