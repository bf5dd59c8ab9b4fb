/** What the Docker Engine and the kernel allow a container, whatever image runs in it. */

import { judgment } from "../findings";
import { hostPath } from "../machine";

const memoryLimits = judgment({ "no-memory-limits": "error" }, ({ engine, programs }, found) => {
  for (const { key } of engine.limitsMemory ? [] : programs.filter(({ args }) => args.memory)) {
    found(
      "no-memory-limits",
      `the Docker host's kernel cannot limit memory, and mesos-marathon:${key}Memory asks for it: ` +
        `boot it with cgroup_enable=memory, or take the limit away: pulumi config rm ${key}Memory`,
    );
  }
});

const cpuLimits = judgment({ "no-cpu-limits": "error", "too-few-cpus": "error" }, ({ engine, programs }, found) => {
  for (const { key, args } of programs.filter(({ args }) => args.cpus)) {
    if (!engine.limitsCpus) {
      found("no-cpu-limits", `the Docker host's kernel cannot limit processors, and mesos-marathon:${key}Cpus asks for it: take the limit away: pulumi config rm ${key}Cpus`);
    } else if (args.cpus > engine.cpus) {
      found("too-few-cpus", `the Docker host has ${engine.cpus} processors, and Docker makes no container with a limit above that: mesos-marathon:${key}Cpus is ${args.cpus}; write less`);
    }
  }
});

const realRoot = judgment({ "no-real-root": "error" }, ({ engine }, found) => {
  if (engine.securityOptions.some((option) => /name=(rootless|userns)/.test(option))) {
    found(
      "no-real-root",
      "the Docker Engine runs rootless or with user namespaces, and the Mesos slave needs a privileged container of the real root: use an Engine without",
    );
  }
});

const labels = judgment({ "selinux-mounts": "warning" }, ({ engine, programs }, found) => {
  if (!engine.securityOptions.some((option) => option.includes("name=selinux"))) {
    return;
  }
  // The slave's container is privileged, which SELinux leaves alone.
  for (const { key, args } of programs.filter(({ key, args }) => key !== "mesosSlave" && args.mounts.length > 0)) {
    found(
      "selinux-mounts",
      `SELinux is on at the Docker host, and keeps containers from what is not labelled for them: label what mesos-marathon:${key}Mounts names, ` +
        `with chcon -Rt container_file_t ${args.mounts.map(hostPath).join(" ")}`,
    );
  }
});

const authorization = judgment({ "authorization-plugin": "note" }, ({ engine: { authorizationPlugins } }, found) => {
  if (authorizationPlugins.length > 0) {
    found(
      "authorization-plugin",
      `the Docker Engine asks ${authorizationPlugins.join(", ")} about each request; whether it allows the Mesos slave's privileged container and the tasks' ones shows only then`,
    );
  }
});

export const privileges = [memoryLimits, cpuLimits, realRoot, labels, authorization];
