import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { fromRegistry, imageSets, imagesOf } from "../../components";
import { startApp } from "./app";
import { docker, standing, volumeNames } from "./docker";
import { eventually } from "./eventually";
import { dockerHost, projectFolder, TestStack } from "./stack";

// A real registry that asks for a password, in the network namespace of the tests' own Docker Engine. It speaks plain
// HTTP, which every Docker Engine takes from 127.0.0.0/8.

const address = "127.0.0.1:5000";
/** Has every kind of letter that must be encoded on its way to the registry. */
const auth = { username: "tester", password: "pässword?>~/+1" };
/** What of it no JSON escapes. */
const readable = "pässword";
/** bcrypt of the password; four rounds, because the registry computes it anew for each request. */
const htpasswd = "tester:$2b$04$kqMd5WsyxdszW.j.OKUDQ.iFx7tvJBWvU21H5Y2TLln23m262z3ba\n";

const registry = `${address}/mirror`;
const originals = imagesOf(imageSets.rehearsal);
const images = imagesOf(fromRegistry(imageSets.rehearsal, registry));
const names = { zookeeperName: "pulled-zookeeper", mesosMasterName: "pulled-master", mesosSlaveName: "pulled-slave", marathonName: "pulled-marathon" };
const ports = { zookeeperPort: 24181, mesosMasterPort: 27050, mesosSlavePort: 27051, marathonPort: 30080 };

let folder: string;
let server: ChildProcess;
let stack: TestStack;
/** The one image that no other has all layers of. */
let pushed: string;

const setSecret = (value: string) => stack.mustRun("config", "set", "--secret", "mesos-marathon:imageRegistryPassword", value);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mesos-marathon-registry-"));
  await writeFile(join(folder, "htpasswd"), htpasswd);
  await writeFile(
    join(folder, "config.yml"),
    JSON.stringify({
      version: 0.1,
      log: { level: "error", accesslog: { disabled: true } },
      // Kept, as the engine's images are: a layer of hundreds of megabytes is pushed once.
      storage: { filesystem: { rootdirectory: join(projectFolder, ".local", "test-engine", "registry") } },
      http: { addr: address },
      auth: { htpasswd: { realm: "test", path: join(folder, "htpasswd") } },
    }),
  );
  server = spawn(process.env.TEST_REGISTRY ?? "docker-registry", ["serve", join(folder, "config.yml")], { stdio: "ignore" });
  await eventually("the registry", async () => (await fetch(`http://${address}/v2/`)).status === 401);

  const [, ...others] = images;
  await writeFile(join(folder, "Dockerfile"), `FROM ${originals[0]}\nRUN echo pulled > /pulled\n`);
  await promisify(execFile)("docker", ["build", "--quiet", "--network", "none", "--tag", images[0], "--file", join(folder, "Dockerfile"), folder], {
    env: { ...process.env, DOCKER_HOST: dockerHost(), DOCKER_BUILDKIT: "0" },
  });
  pushed = (await docker.getImage(images[0]).inspect()).Id;
  for (const [index, name] of others.entries()) {
    const [repo, tag] = [name.slice(0, name.lastIndexOf(":")), name.slice(name.lastIndexOf(":") + 1)];
    await docker.getImage(originals[index + 1]).tag({ repo, tag });
  }
  for (const name of images) {
    await push(name);
    await docker.getImage(name).remove();
  }
  await assert.rejects(docker.getImage(pushed).inspect(), { statusCode: 404 });

  const config = { imageSet: "rehearsal", ...names, ...ports, mesosSlaveResources: "cpus:1;mem:512;disk:512;ports:[31700-31799]", imageRegistry: registry };
  stack = await TestStack.create("pulled", Object.fromEntries(Object.entries(config).map(([key, value]) => [`mesos-marathon:${key}`, value])));
});

after(async () => {
  // First, as this process does not end before it.
  server?.kill();
  await stack?.remove();
  await rm(folder, { recursive: true, force: true });
});

test("what keeps images from being pulled is told before anything is changed, each with its cure", async () => {
  const census = async () => [await standing(), await volumeNames()];
  const before = await census();
  const refused = async (config: Record<string, string>, sentence: RegExp) => {
    // A preview keeps what it is configured with.
    const set = Object.entries(config).flatMap(([key, value]) => ["--config", `mesos-marathon:${key}=${value}`]);
    const { code, output } = await stack.run("preview", ...set);
    assert.notEqual(code, 0, output);
    assert.match(output, sentence);
    assert.ok(!output.includes(readable));
  };
  const all = images.join(", ").replaceAll(".", "\\.");

  await refused({}, new RegExp(`${all}: the registry asks for credentials, or has no such image: .*no basic auth credentials`));
  await setSecret("another");
  await refused({ imageRegistryUsername: auth.username }, new RegExp(`${all}: the registry refuses the credentials of tester, .*unauthorized`));
  await setSecret(auth.password);
  const elsewhere = all.replaceAll("/mirror/", "/other/");
  await refused({ imageRegistry: `${address}/other` }, new RegExp(`${elsewhere}: there is no such image in the registry: .*manifest unknown`));
  const nowhere = /: the Docker Engine cannot reach the registry: .*dial tcp 127\.0\.0\.1:5999: connect: connection refused/;
  await refused({ imageRegistry: "127.0.0.1:5999/mirror" }, nowhere);
  assert.deepEqual(await census(), before);
});

test("up pulls every image from the registry, and shows its password to nobody else", async () => {
  const seen = new Set<string>();
  let watching = true;
  const watch = (async () => {
    while (watching) {
      for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
        seen.add(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""));
      }
      await new Promise(setImmediate);
    }
  })();
  const { output } = await stack.up("--config", `mesos-marathon:imageRegistry=${registry}`).finally(() => (watching = false));
  await watch;

  assert.match(output, /4 of 4 images are not here yet and will be pulled/);
  assert.equal((await docker.getImage(images[0]).inspect()).Id, pushed);
  const containers = await Promise.all(Object.values(names).map((name) => docker.getContainer(name).inspect()));
  assert.deepEqual(containers.map(({ Config }) => Config.Image), images);
  assert.deepEqual(containers.map(({ State }) => State.Running), [true, true, true, true]);
  // Executors are made of the slave's image, which only that registry has.
  assert.ok(containers[2].Config.Env.includes(`MESOS_DOCKER_MESOS_IMAGE=${images[2]}`));

  const { stdout: state } = await stack.mustRun("stack", "export");
  const told = { state, output, commands: [...seen].join("\n"), containers: JSON.stringify(containers) };
  for (const [where, text] of Object.entries(told)) {
    assert.ok(!text.includes(readable), where);
  }
  // Each of them was really looked at.
  assert.ok(told.commands.includes("resource-docker-v") && state.includes(registry) && state.includes("registryAuth"));
});

test("with the images here, neither a second preview nor another password changes a container", async () => {
  assert.deepEqual(await stack.preview(), []);
  await setSecret("another");
  const steps = await stack.preview();
  assert.deepEqual(steps.filter((step) => !step.includes(" host: ")), []);
});

test("an image that moved in the registry is taken when that is asked for, and only then", async () => {
  await setSecret(auth.password);
  await stack.up();
  const slave = () => docker.getContainer(names.mesosSlaveName).inspect();
  const [repo, tag] = [images[2].slice(0, images[2].lastIndexOf(":")), images[2].slice(images[2].lastIndexOf(":") + 1)];
  const { Image: first } = await slave();
  const committed = await docker.createContainer({ Image: first });
  const { Id: second } = await committed.commit({ repo, tag, comment: "another one" });
  await committed.remove();
  await push(images[2]);
  await docker.getImage(images[2]).remove();
  await docker.getImage(first).tag({ repo, tag });
  await assert.rejects(docker.getImage(second).inspect(), { statusCode: 404 });
  assert.deepEqual(await stack.wholePreview(), { steps: [], warnings: [] });

  await stack.mustRun("config", "set", "mesos-marathon:followImageTags", "true");
  const taken = [
    "replace cluster-mesos-slave-image: name",
    "replace cluster-mesos-slave: envs, image",
    "update cluster-mesos-slave-ready: environment.CONTAINER_ID",
  ];
  assert.deepEqual((await stack.preview()).map(withoutIndex), taken);
  assert.deepEqual((await stack.upSteps()).map(withoutIndex), taken);
  const { Image, Config } = await slave();
  assert.equal(Image, second);
  // Executors are made of the same one.
  assert.match(Config.Env.join("\n"), new RegExp(`^MESOS_DOCKER_MESOS_IMAGE=${images[2]}@sha256:[0-9a-f]{64}$`, "m"));
  await startApp(`http://127.0.0.1:${ports.marathonPort}`, "/sleep");
  assert.deepEqual(await stack.wholePreview(), { steps: [], warnings: [] });

  // The tag on the Docker Engine is the old one still: nothing goes back to it by itself.
  server.kill();
  const { steps, warnings } = await stack.wholePreview();
  assert.deepEqual(steps, []);
  assert.match(warnings.join("\n"), /whether the registry has another image under .*, 127\.0\.0\.1:5000\/mirror\/.* is not known \(.*connection refused.*\)/);
  await stack.mustRun("config", "rm", "mesos-marathon:followImageTags");
  assert.deepEqual(await stack.wholePreview(), { steps: [], warnings: [] });
});

/** A step without the number of the variable that changes. */
const withoutIndex = (step: string) => step.replace(/envs\[\d+\]/g, "envs").replace(/(envs, )+/, "envs, ");

async function push(name: string): Promise<void> {
  const progress = await docker.getImage(name).push({ authconfig: { ...auth, serveraddress: address } });
  await new Promise<void>((resolve, reject) => docker.modem.followProgress(progress, (error) => (error ? reject(error) : resolve())));
}
