import { docker } from "./docker";

// Stand-ins under the tutorial's names, in the tests' own Docker Engine only.

const standIns: Readonly<Record<string, string>> = {
  "mesoscloud/zookeeper:3.4.6-ubuntu-14.04": "mesos-marathon/rehearsal-zookeeper:3.8.0",
  "mesoscloud/mesos-master:0.23.0-ubuntu-14.04": "mesos-marathon/stand-in-mesos-master:0.23.0",
  "mesoscloud/mesos-slave:0.23.0-ubuntu-14.04": "mesos-marathon/stand-in-mesos-slave:0.23.0",
  "mesoscloud/marathon:0.10.1-ubuntu-14.04": "mesos-marathon/stand-in-marathon:0.10.0",
};

/** What the tutorial's images say of themselves: their anonymous volumes, and the slave's variables (mesoscloud's Dockerfiles). */
const instructions: Readonly<Record<string, string>> = {
  zookeeper: "VOLUME /tmp/zookeeper",
  "mesos-master": "VOLUME /tmp/mesos",
  "mesos-slave": "VOLUME /tmp/mesos\nENV MESOS_WORK_DIR=/tmp/mesos MESOS_CONTAINERIZERS=docker,mesos MESOS_EXECUTOR_REGISTRATION_TIMEOUT=5mins",
};

export async function makeTutorialImages(): Promise<void> {
  for (const [name, Image] of Object.entries(standIns)) {
    const [repo, tag] = name.split(":");
    const container = await docker.createContainer({ Image });
    const changes = instructions[repo.split("/")[1]];
    await container.commit({ repo, tag, ...(changes && { changes }) });
    await container.remove();
  }
}
