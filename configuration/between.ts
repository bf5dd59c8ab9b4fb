import { type Environment, type ImageSet, mispairings, unaskedSettings } from "../components";
import { takesDockerClient } from "../components/images";
import type { Configuration } from ".";
import { type Key, type Program, programs } from "./keys";
import { isWithin } from "./mounts";
import { offeredPorts, type PortRange } from "./ports";
import { project, type Source } from "./source";

/** Tells what is wrong between keys. `imageSet` is absent where it is not known which one will run. */
export function tellContradictions(source: Source, { host, cluster }: Configuration, imageSet: ImageSet | undefined): void {
  const problem = (key: Key, found: string, cure: string) => source.problem(key, found, cure);
  const imageSetName = source.text("imageSet");
  if (source.text("followImageTags") === "true" && source.text("preflight") === "false") {
    problem("followImageTags", "true", "preflight is what looks at the images: pulumi config rm preflight");
  }
  for (const [what, value] of [["Name", "containerName"], ["Port", "port"]] as const) {
    const holders = new Map<string, string>();
    for (const name of programs) {
      const key = `${name}${what}` as const;
      const found = String(cluster[name][value]);
      const holder = holders.get(found);
      // What is no port at all has been told already.
      if (holder && found !== "NaN") {
        problem(key, found, `${project}:${holder} is the same; give each its own`);
      }
      holders.set(found, key);
    }
  }
  if (cluster.dataFolder && cluster.onDestroy === "erase") {
    problem("onDestroy", "erase", "nothing removes the folders in mesos-marathon:dataFolder; write keep, and remove them on the Docker host after the destroy");
  }
  tellRoleTrouble(source, cluster, imageSet);
  const [mesosPath, marathonPath] = [cluster.mesosZookeeperPath, cluster.marathonZookeeperPath];
  if (mesosPath && marathonPath && (isWithin(mesosPath, marathonPath) || isWithin(marathonPath, mesosPath))) {
    const how = mesosPath === marathonPath ? "is the same" : "lies in the same";
    problem("marathonZookeeperPath", marathonPath, `mesos-marathon:mesosZookeeperPath ${how} (${mesosPath}), and each would take the other's nodes for its own; write paths beside each other`);
  }
  const ranges = offeredPorts(cluster.mesosSlave.resources);
  for (const [from, to] of ranges) {
    if (from > to || from < 1 || to > 65535) {
      problem(
        "mesosSlaveResources",
        cluster.mesosSlave.resources,
        `${from}-${to} is no range of ports; write the lower one first, from 1 to 65535`,
      );
    }
  }
  for (const name of programs) {
    const { port } = cluster[name];
    const fixed = imageSet?.[name].fixed?.port;
    // On a bridge network it is published as another one.
    if (cluster.networkMode === "host" && fixed && String(port) !== fixed && !Number.isNaN(port)) {
      problem(`${name}Port`, String(port), `the image set ${imageSetName} knows no other port than ${fixed}`);
    }
    const range = ranges.find(([from, to]) => from <= port && port <= to);
    if (range) {
      problem(
        `${name}Port`,
        String(port),
        `the slave offers it to tasks (${range.join("-")} in ${project}:mesosSlaveResources); write one outside, or other ranges there`,
      );
    }
  }
  tellSchedulerPortTrouble(source, cluster, ranges);
  const { dockerClient } = cluster.mesosSlave;
  if (imageSet && dockerClient && !takesDockerClient(imageSet.mesosSlave)) {
    const reason =
      "MESOS_DOCKER_MESOS_IMAGE" in imageSet.mesosSlave.environment
        ? "runs executors in containers of their own, which get the slave's image and none of its mounts; put the client into the image, and remove this"
        : "asks nowhere for {dockerClient}; tell its slave MESOS_DOCKER and a mount, or remove this";
    problem("mesosSlaveDockerClient", dockerClient, `the image set ${imageSetName} ${reason}`);
  }
  for (const [key, isUsed] of [["networkMode", cluster.networkMode === "bridge"], ["hostname", host.hostname !== host.address]] as const) {
    for (const { program, setting } of imageSet && isUsed ? unaskedSettings(imageSet, cluster.networkMode) : []) {
      problem(key, source.text(key), `the image set ${imageSetName} does not say how its ${program} is told {${setting}}: give that a variable in its environment`);
    }
  }
  if (imageSet) {
    const names = Object.fromEntries(programs.map((name) => [name, cluster[name].containerName])) as Record<Program, string>;
    for (const { program, name, reason } of mispairings(imageSet, names)) {
      problem(name ? `${program}Name` : "imageSet", name ? names[program] : imageSetName, reason);
    }
  }
}

/** Where the master calls Marathon back; unsaid, the system chooses. */
function tellSchedulerPortTrouble(source: Source, cluster: Configuration["cluster"], ranges: readonly PortRange[]): void {
  const { LIBPROCESS_PORT: text } = cluster.marathon.environment;
  // A secret's value is not known here.
  if (typeof text !== "string") {
    return;
  }
  const fault = (what: string) => source.fault("marathonEnvironment", ".LIBPROCESS_PORT", what);
  const [port, isHost] = [Number(text), cluster.networkMode === "host"];
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) {
    fault("is no port: write one from 1 to 65535");
    return;
  }
  // On a network of its own Marathon's container has all the ports.
  const holder = (isHost ? programs : (["marathon"] as const)).find((name) => cluster[name].port === port);
  if (holder) {
    fault(`is that of ${project}:${holder}Port: write another`);
  }
  const range = ranges.find(([from, to]) => isHost && from <= port && port <= to);
  if (range) {
    fault(`is among those that the slave offers to tasks (${range.join("-")} in ${project}:mesosSlaveResources): write one outside`);
  }
}

/** A slave whose resources are reserved for a role that Marathon does not have is of no use to it: not one offer comes. */
function tellRoleTrouble(source: Source, { role, mesosMaster, marathon }: Configuration["cluster"], imageSet: ImageSet | undefined): void {
  if (role === "*") {
    return;
  }
  for (const program of ["mesosSlave", "marathon"] as const) {
    if (imageSet && !Object.values(imageSet[program].environment).some((template) => template.includes("{role}"))) {
      source.problem("mesosRole", role, `the image set ${imageSet.name} has no variable with {role} for ${program}: add one to it, or write *`);
    }
  }
  /** The value of a variable that somebody set; secrets are nobody's business. */
  const given = (environment: Environment, name: string) => {
    const value = Object.entries(environment).find(([variable]) => variable.toUpperCase() === name)?.[1];
    return typeof value === "string" ? value.split(",") : undefined;
  };
  if (given(mesosMaster.environment, "MESOS_ROLES")?.includes(role) === false) {
    source.problem("mesosRole", role, "mesosMasterEnvironment.MESOS_ROLES does not name it, so the master would refuse Marathon; add it there");
  }
  if (given(marathon.environment, "MARATHON_DEFAULT_ACCEPTED_RESOURCE_ROLES")?.includes(role) === false) {
    source.problem("mesosRole", role, "marathonEnvironment.MARATHON_DEFAULT_ACCEPTED_RESOURCE_ROLES does not name it, so Marathon would decline every offer; add it there");
  }
}
