/** Bad input of the configuration, and what is said of it. */

import { hostname } from "node:os";

const name = "write a container name: letters, digits, _ . -, two to 128 of them, beginning with a letter or digit";
const task = "names like mesos-<uuid> are those of Mesos tasks, and a recovering slave stops the ones it does not know; write another";
export const port = "write a port from 1 to 65535";
const seconds = "write seconds from 1 to 3600";
export const address = "write an IPv4 address of the host, such as 127.0.0.1";
const resources = "write resources as Mesos takes them, such as cpus:2;mem:2048;disk:10240;ports:[31000-32000]";
const dockerClient = "write an absolute path without colons and spaces, such as /opt/docker-25.0/docker";
const attributes = "write attributes as Mesos takes them, such as rack:1;zone:a";
const blocked = "browsers, and the gates, refuse to speak HTTP on a port that is another protocol's; write another";
export const dockerHost = "write unix:///path/to/docker.sock, tcp://host:port or ssh://user@host";
const socket = "write an absolute path without colons and spaces, such as /var/run/docker.sock";
const tooLong = "the path of a socket has at most 107 bytes; use one with a shorter path";
const multicast = "224.0.0.0 to 239.255.255.255 are multicast, no address of one host; write an address of the host";
const reserved = "240.0.0.0 to 255.255.255.255 are reserved or broadcast, no address of one host; write an address of the host";
const loopback = "127.0.0.0 and 127.255.255.255 stand for the whole loopback network; write 127.0.0.1";
const missing = (name: string, example: string) =>
  `${name} is missing: the slave would measure it, and one whose resources change refuses to start on its kept state; add ${name}:${example}`;
const mebibytes = "write MiB from 6 to 1048576, or 0 for no limit";
const resourceTwice = "a resource is there twice, and Mesos would add the two up; write it once";
const offered = (range: string) => `the slave offers it to tasks (${range} in mesos-marathon:mesosSlaveResources); write one outside, or other ranges there`;
const noRange = (range: string) => `${range} is no range of ports; write the lower one first, from 1 to 65535`;
const pinned = (ports: string) => `cpus:1;mem:64;disk:64;ports:${ports}`;
const variableName = "is no name of a variable: write letters, digits and _, beginning with no digit";
const noText = "is no text: write one, in quotes where YAML takes it for something else";
const oneLine = "has a line break or another control character: write it on one line";
const split = "has a space or one of * ? [, and the start script of version 0.10.1 takes values apart there: write it without";
const setItself = (variable: string, key = "") => `is what the stack sets itself: ${key && `set mesos-marathon:${key} instead, and `}remove it: pulumi config rm --path ${variable}`;
const unknown = (variable: string, version: string, hint = "") => `is no setting that version ${version} knows${hint}; remove it: pulumi config rm --path ${variable}`;
const seen = (variable: string, instead: string) =>
  `would stand on the command line of version 0.10.1 for all to see: set ${instead} instead, and remove it: pulumi config rm --path ${variable}`;
const processors = "write a number of processors with at most two decimals, such as 0.5 or 2, or 0 for no limit";
const mount = "write host path:container path, both absolute and without a slash at the end, and :ro behind what is only to be read";
const dots = "a path with . or .. in it says in two ways where it leads; write it out";
const restartedByDesign =
  "the Mesos master and Marathon end by design when they lose their place, and count on being started again, after the machine's start too; write always or unless-stopped";
const logSize = "write a number with k, m or g behind it, such as 10m";
const zookeeperPath = "write an absolute path in ZooKeeper without a slash at its end, such as /mesos";
const role = "write a role as Mesos takes it: letters, digits, _ . -, beginning with none of the last two, or * for none";
const folder = "write an absolute path without colons, spaces and a slash at its end, such as /srv/mesos, or nothing for volumes";
const labelName = "is no name for a label: write letters, digits and . _ / - between them";
const registry = "write host, port and folders as in an image's name, without https://, such as registry.example:5000/mirror";
const passwordInTheClear =
  "imageRegistryPassword is in the clear: pulumi config set --secret imageRegistryPassword, and take a new one if others could read that";
const withoutVolume = (name: string) =>
  `would put the data where no volume is, so that a replaced container begins without any: remove it: pulumi config rm --path zookeeperEnvironment.${name}`;
export const inTheClear = (variable: string) => `is a credential in the clear: pulumi config set --secret --path ${variable}`;

const warning = "write the name of a warning, as it stands in brackets at its end, such as low-disk";
const hostName = "write a host name, such as cluster.example, or an IPv4 address";
const subnet = "write a private IPv4 subnet with 16 to 28 bits of prefix, such as 172.30.250.0/24";

const json = JSON.stringify;

/** What somebody set, and every sentence that comes of it, less the `mesos-marathon:` in front. */
export const table: [set: Record<string, string>, ...sentences: string[]][] = [
  // The address.
  [{ address: "" }, `address is "": ${address}`],
  [{ address: "localhost" }, `address is "localhost": ${address}`],
  [{ address: "127.0.0.1 " }, `address is "127.0.0.1 ": ${address}`],
  [{ address: "127.0.0.256" }, `address is "127.0.0.256": ${address}`],
  [{ address: "::1" }, `address is "::1": ${address}`],
  [{ address: "http://127.0.0.1" }, `address is "http://127.0.0.1": ${address}`],
  [{ address: "127.0.0.1\nMESOS_X=1" }, `address is "127.0.0.1\\nMESOS_X=1": ${address}`],
  [{ address: "0.0.0.0" }, 'address is "0.0.0.0": at 0.0.0.0 nobody can be reached; write the one address that slaves, frameworks and browsers use'],
  [{ address: "0.1.2.3" }, 'address is "0.1.2.3": at 0.0.0.0 nobody can be reached; write the one address that slaves, frameworks and browsers use'],
  [{ address: "127.0.0.0" }, `address is "127.0.0.0": ${loopback}`],
  [{ address: "127.255.255.255" }, `address is "127.255.255.255": ${loopback}`],
  [{ address: "224.0.0.1" }, `address is "224.0.0.1": ${multicast}`],
  [{ address: "239.255.255.250" }, `address is "239.255.255.250": ${multicast}`],
  [{ address: "240.0.0.1" }, `address is "240.0.0.1": ${reserved}`],
  [{ address: "255.255.255.255" }, `address is "255.255.255.255": ${reserved}`],
  [{ address: "192.168.0.0/24" }, `address is "192.168.0.0/24": ${address}`],
  [{ address: "010.0.0.1" }, `address is "010.0.0.1": ${address}`],
  [{ address: "127.0.0.1,127.0.0.2" }, `address is "127.0.0.1,127.0.0.2": ${address}`],
  [{ address: "$(hostname -i)" }, `address is "$(hostname -i)": ${address}`],
  [{ address: "127.0.0.1\0" }, `address is "127.0.0.1\\u0000": ${address}`],
  // The network.
  ...["a b", "http://a", "-a", "a_b", "192.0.2.256", "1.2.3", "a.1", "a..b", "[::1]", "::1", "$(hostname)", "a\n", "x".repeat(64), "a:80"].map(
    (hostname): [Record<string, string>, string] => [{ hostname }, `hostname is ${JSON.stringify(hostname)}: ${hostName}`],
  ),
  [{ hostname: "0.0.0.0" }, 'hostname is "0.0.0.0": at 0.0.0.0 nobody can be reached; write what browsers use'],
  [{ hostname: "localhost", networkMode: "bridge" }, 'hostname is "localhost": on a bridge network that is each container itself; write another name, or an address of the host'],
  [{ networkMode: "" }, 'networkMode is "": there is no such network mode; write host or bridge'],
  [{ networkMode: "bridged" }, 'networkMode is "bridged": there is no such network mode, did you mean bridge?; write host or bridge'],
  ...["", "172.30.250.0", "172.30.250.0/15", "172.30.250.0/29", "8.8.8.0/24", "172.32.0.0/16", "fd00::/64", "172.30.250.0/24 "].map(
    (bridgeSubnet): [Record<string, string>, string] => [{ bridgeSubnet }, `bridgeSubnet is ${JSON.stringify(bridgeSubnet)}: ${subnet}`],
  ),
  [{ bridgeSubnet: "172.30.250.1/24" }, 'bridgeSubnet is "172.30.250.1/24": Docker takes a subnet by its first address; write 172.30.250.0/24'],
  [
    { bridgeSubnet: "192.168.0.0/16", address: "192.168.1.7", networkMode: "bridge" },
    'bridgeSubnet is "192.168.0.0/16": the host\'s address 192.168.1.7 (mesos-marathon:address) lies in it; write another',
  ],
  [
    { networkMode: "bridge", mesosSlaveEnvironment: json({ MESOS_EXECUTOR_ENVIRONMENT_VARIABLES: "{}" }), imageSet: "rehearsal" },
    "mesosSlaveEnvironment.MESOS_EXECUTOR_ENVIRONMENT_VARIABLES is what the stack sets itself: set mesos-marathon:bridgeSubnet instead, and " +
      "remove it: pulumi config rm --path mesosSlaveEnvironment.MESOS_EXECUTOR_ENVIRONMENT_VARIABLES",
  ],
  // The image set.
  [{ imageSet: "" }, 'imageSet is "": there is no such image set; write tutorial or classic or modern or rehearsal or auto or custom'],
  [{ imageSet: "tutorail" }, 'imageSet is "tutorail": there is no such image set, did you mean tutorial?; write tutorial or classic or modern or rehearsal or auto or custom'],
  [{ imageSet: "Rehearsal" }, 'imageSet is "Rehearsal": there is no such image set, did you mean rehearsal?; write tutorial or classic or modern or rehearsal or auto or custom'],
  [{ imageSet: "constructor" }, 'imageSet is "constructor": there is no such image set; write tutorial or classic or modern or rehearsal or auto or custom'],
  // Images of somebody's own, and a registry.
  [{ imageSet: "custom" }, 'customImageSet is "": write the path of a JSON file that describes the images, such as examples/custom-images.json'],
  [
    { imageSet: "custom", customImageSet: "nowhere.json" },
    'customImageSet is "nowhere.json": it cannot be read (ENOENT); write the path of a JSON file, from the project\'s folder',
  ],
  [{ imageSet: "custom", customImageSet: "." }, 'customImageSet is ".": it cannot be read (EISDIR); write the path of a JSON file, from the project\'s folder'],
  [{ customImageSet: "a.json" }, 'customImageSet is "a.json": only the image set custom reads it: pulumi config set imageSet custom, or remove it'],
  ...["https://registry.test", "mirror", "registry.test/", "registry.test/Mirror", "registry.test/$(id)", "me@registry.test", "registry.test:99999", "registry.test\n"].map(
    (imageRegistry): [Record<string, string>, string] => [{ imageRegistry }, `imageRegistry is ${JSON.stringify(imageRegistry)}: ${registry}`],
  ),
  [
    { imageRegistry: "docker.io/me" },
    'imageRegistry is "docker.io/me": Docker Hub takes no name in more than one folder; leave it empty, and each image comes from its own registry',
  ],
  [{ imageRegistry: "registry.test", imageRegistryUsername: "me" }, "imageRegistryPassword is missing: name and password go together"],
  [{ imageRegistry: "registry.test", imageRegistryPassword: "hidden" }, passwordInTheClear, "imageRegistryUsername is missing: name and password go together"],
  [{ imageRegistryUsername: "me", imageRegistryPassword: "hidden" }, passwordInTheClear, "imageRegistry is missing: name and password are shown to that registry only"],
  [
    { imageRegistry: "registry.test", imageRegistryUsername: "me:too", imageRegistryPassword: "hidden" },
    passwordInTheClear,
    'imageRegistryUsername is "me:too": write a name without colons and spaces',
  ],
  ...["localhost:5000", "registry:5000/a/b", "192.0.2.7/mirror", "[::1]:5000"].map((imageRegistry): [Record<string, string>] => [{ imageRegistry }]),
  // The Docker Engine.
  [{ dockerHost: "/var/run/docker.sock" }, `dockerHost is "/var/run/docker.sock": ${dockerHost}`],
  [{ dockerHost: "npipe:////./pipe/docker_engine" }, `dockerHost is "npipe:////./pipe/docker_engine": ${dockerHost}`],
  [{ dockerHost: "tcp://" }, `dockerHost is "tcp://": ${dockerHost}`],
  [{ dockerHost: "http://127.0.0.1:2375" }, `dockerHost is "http://127.0.0.1:2375": ${dockerHost}`],
  [{ dockerHost: "unix://docker.sock" }, `dockerHost is "unix://docker.sock": ${dockerHost}`],
  [{ dockerHost: "unix:///run/docker.sock\n" }, `dockerHost is "unix:///run/docker.sock\\n": ${dockerHost}`],
  [
    { dockerHost: `unix:///${"x".repeat(107)}`, dockerSocket: "/run/docker.sock" },
    `dockerHost is "unix:///${"x".repeat(107)}": ${tooLong}`,
  ],
  [{ dockerHost: `unix:///${"x".repeat(106)}` }],
  [{ dockerHost: "tcp://127.0.0.1" }, `dockerHost is "tcp://127.0.0.1": ${dockerHost}`],
  [{ dockerHost: "tcp://127.0.0.1:0" }, `dockerHost is "tcp://127.0.0.1:0": ${dockerHost}`],
  [{ dockerHost: "tcp://127.0.0.1:65536" }, `dockerHost is "tcp://127.0.0.1:65536": ${dockerHost}`],
  [{ dockerHost: "tcp://127.0.0.1:2375 " }, `dockerHost is "tcp://127.0.0.1:2375 ": ${dockerHost}`],
  [{ dockerHost: "tcp://$(host):2375" }, `dockerHost is "tcp://$(host):2375": ${dockerHost}`],
  [{ dockerHost: "tcp://me:p4ss@127.0.0.1:2375" }, `dockerHost is "tcp://me:…@127.0.0.1:2375": ${dockerHost}`],
  ...["tcp://127.0.0.1:2375/v1.41", "ssh://127.0.0.1/run/user/1000/docker.sock"].map((path): [Record<string, string>, ...string[]] => [
    { dockerHost: path },
    `dockerHost is "${path}": nothing goes by a path behind the host; write tcp://host:port or ssh://user@host`,
  ]),
  [{ dockerHost: "ssh://" }, `dockerHost is "ssh://": ${dockerHost}`],
  [{ dockerHost: "ssh://-oProxyCommand=reboot" }, `dockerHost is "ssh://-oProxyCommand=reboot": ${dockerHost}`],
  // The password itself is not told.
  [
    { dockerHost: "ssh://me:p4ss@127.0.0.1" },
    'dockerHost is "ssh://me:…@127.0.0.1": Docker takes no password in it; use an ssh key, and write ssh://user@host',
  ],
  [{ dockerSocket: "unix:///var/run/docker.sock" }, `dockerSocket is "unix:///var/run/docker.sock": ${socket}`],
  [{ dockerSocket: "/var/run/" }, `dockerSocket is "/var/run/": ${socket}`],
  [{ dockerSocket: "/run/docker.sock\0" }, `dockerSocket is "/run/docker.sock\\u0000": ${socket}`],
  [{ dockerSocket: `/${"x".repeat(107)}` }, `dockerSocket is "/${"x".repeat(107)}": ${tooLong}`],
  // The socket that is taken from the endpoint.
  [{ dockerHost: "unix:///run/my docker.sock" }, `dockerSocket is "/run/my docker.sock": ${socket}`],
  [{ dockerSocket: "docker.sock" }, `dockerSocket is "docker.sock": ${socket}`],
  [{ dockerSocket: "/run/docker.sock:ro" }, `dockerSocket is "/run/docker.sock:ro": ${socket}`],
  [{ dockerSocket: "/run/my docker.sock" }, `dockerSocket is "/run/my docker.sock": ${socket}`],
  // Names.
  [{ zookeeperName: "" }, `zookeeperName is "": ${name}`],
  [{ mesosMasterName: "m" }, `mesosMasterName is "m": ${name}`],
  [{ mesosSlaveName: "-slave" }, `mesosSlaveName is "-slave": ${name}`],
  [{ marathonName: "mar/athon" }, `marathonName is "mar/athon": ${name}`],
  [{ marathonName: "x".repeat(129) }, `marathonName is "${"x".repeat(129)}": ${name}`],
  [{ marathonName: "mára" }, `marathonName is "mára": ${name}`],
  [{ mesosSlaveName: "mesos-0123abcd-slave" }, `mesosSlaveName is "mesos-0123abcd-slave": ${task}`],
  [{ marathonName: "my marathon" }, `marathonName is "my marathon": ${name}`],
  [{ marathonName: "marathon'; true '" }, `marathonName is "marathon'; true '": ${name}`],
  [{ marathonName: 'mara"thon' }, `marathonName is "mara\\"thon": ${name}`],
  [{ marathonName: "$(reboot)" }, `marathonName is "$(reboot)": ${name}`],
  [{ marathonName: "marathon\n" }, `marathonName is "marathon\\n": ${name}`],
  [{ marathonName: "marathon\0" }, `marathonName is "marathon\\u0000": ${name}`],
  [{ marathonName: "`id`" }, `marathonName is "\`id\`": ${name}`],
  [{ marathonName: "../marathon" }, `marathonName is "../marathon": ${name}`],
  [{ marathonName: "zookeeper" }, 'marathonName is "zookeeper": mesos-marathon:zookeeperName is the same; give each its own'],
  // Ports and the time limit.
  [{ marathonPort: "" }, `marathonPort is "": ${port}`],
  [{ mesosMasterPort: "0" }, `mesosMasterPort is "0": ${port}`],
  [{ mesosSlavePort: "65536" }, `mesosSlavePort is "65536": ${port}`],
  [{ marathonPort: "-8080" }, `marathonPort is "-8080": ${port}`],
  [{ marathonPort: "80.5" }, `marathonPort is "80.5": ${port}`],
  [{ marathonPort: "0x50" }, `marathonPort is "0x50": ${port}`],
  [{ marathonPort: "http" }, `marathonPort is "http": ${port}`],
  [{ marathonPort: "8080\n" }, `marathonPort is "8080\\n": ${port}`],
  [{ mesosSlavePort: "5050" }, 'mesosSlavePort is "5050": mesos-marathon:mesosMasterPort is the same; give each its own'],
  [{ marathonPort: "true" }, `marathonPort is "true": ${port}`],
  [{ marathonPort: "8.08e3" }, `marathonPort is "8.08e3": ${port}`],
  [{ marathonPort: "99999999999999999999" }, `marathonPort is "99999999999999999999": ${port}`],
  [{ marathonPort: "31000" }, `marathonPort is "31000": ${offered("31000-32000")}`],
  [{ mesosSlavePort: "32000" }, `mesosSlavePort is "32000": ${offered("31000-32000")}`],
  [{ mesosSlavePort: "32001" }],
  [{ mesosMasterPort: "5060", mesosSlavePort: "5061", marathonPort: "10080" }, ...["mesosMasterPort is \"5060\"", "mesosSlavePort is \"5061\"", "marathonPort is \"10080\""].map((what) => `${what}: ${blocked}`)],
  // ZooKeeper speaks another protocol.
  [{ imageSet: "rehearsal", zookeeperPort: "5060" }],
  [{ mesosMasterPort: "5050", mesosSlaveResources: pinned("[31000-31099,5000-5060]"), mesosSlavePort: "6010" }, `mesosMasterPort is "5050": ${offered("5000-5060")}`],
  // What the slave offers where it is told no ports.
  [{ marathonPort: "31500", mesosSlaveResources: "cpus:1;mem:64;disk:64" }, `marathonPort is "31500": ${offered("31000-32000")}`],
  // Memory.
  [{ marathonMemory: "512m" }, `marathonMemory is "512m": ${mebibytes}`],
  [{ marathonMemory: "-1" }, `marathonMemory is "-1": ${mebibytes}`],
  [{ marathonMemory: "1048577" }, `marathonMemory is "1048577": ${mebibytes}`],
  [{ zookeeperMemory: "5" }, 'zookeeperMemory is "5": Docker takes no limit below 6 MiB; write more, or 0 for none'],
  [{ zookeeperPort: "2182" }, 'zookeeperPort is "2182": the image set tutorial knows no other port than 2181'],
  [{ readyTimeout: "0" }, `readyTimeout is "0": ${seconds}`],
  [{ readyTimeout: "3601" }, `readyTimeout is "3601": ${seconds}`],
  [{ readyTimeout: "5m" }, `readyTimeout is "5m": ${seconds}`],
  // Resources and attributes.
  [{ mesosSlaveResources: "" }, `mesosSlaveResources is "": ${resources}`],
  [{ mesosSlaveResources: "mem:64;disk:64;gpus:1" }, `mesosSlaveResources is "mem:64;disk:64;gpus:1": ${missing("cpus", "2")}`],
  [{ mesosSlaveResources: "cpus:1;disk:64" }, `mesosSlaveResources is "cpus:1;disk:64": ${missing("mem", "2048")}`],
  [{ mesosSlaveResources: "cpus:1;mem:64" }, `mesosSlaveResources is "cpus:1;mem:64": ${missing("disk", "10240")}`],
  [{ mesosSlaveResources: "disk:64;mem:64;cpus:1" }],
  [{ mesosSlaveResources: "cpus:1;mem:64;disk:64;cpus:1" }, `mesosSlaveResources is "cpus:1;mem:64;disk:64;cpus:1": ${resourceTwice}`],
  [{ mesosSlaveResources: "cpus:[1-2];mem:64;disk:64" }, 'mesosSlaveResources is "cpus:[1-2];mem:64;disk:64": cpus, mem and disk are amounts; write them as numbers'],
  [{ mesosSlaveResources: pinned("31000") }, `mesosSlaveResources is "${pinned("31000")}": ports are ranges; write them as ports:[31000-32000]`],
  [{ mesosSlaveResources: pinned("[32000-31000]") }, `mesosSlaveResources is "${pinned("[32000-31000]")}": ${noRange("32000-31000")}`],
  [{ mesosSlaveResources: pinned("[0-10]") }, `mesosSlaveResources is "${pinned("[0-10]")}": ${noRange("0-10")}`],
  [{ mesosSlaveResources: pinned("[31000-65536]") }, `mesosSlaveResources is "${pinned("[31000-65536]")}": ${noRange("31000-65536")}`],
  [{ mesosSlaveResources: "cpus:-1;mem:64;disk:64" }, `mesosSlaveResources is "cpus:-1;mem:64;disk:64": ${resources}`],
  [{ mesosSlaveResources: "cpus:'2';mem:64;disk:64" }, `mesosSlaveResources is "cpus:'2';mem:64;disk:64": ${resources}`],
  [{ mesosSlaveResources: "cpus(web):2;mem:64;disk:64" }, `mesosSlaveResources is "cpus(web):2;mem:64;disk:64": ${resources}`],
  [{ mesosSlaveResources: "cpus=2" }, `mesosSlaveResources is "cpus=2": ${resources}`],
  [{ mesosSlaveResources: "cpus:2; mem:1" }, `mesosSlaveResources is "cpus:2; mem:1": ${resources}`],
  [{ mesosSlaveResources: "cpus:1.2.3" }, `mesosSlaveResources is "cpus:1.2.3": ${resources}`],
  [{ mesosSlaveResources: "mem:2G" }, `mesosSlaveResources is "mem:2G": ${resources}`],
  [{ mesosSlaveResources: "ports:[31000]" }, `mesosSlaveResources is "ports:[31000]": ${resources}`],
  [{ mesosSlaveResources: "cpus:2;" }, `mesosSlaveResources is "cpus:2;": ${resources}`],
  [{ mesosSlaveResources: "cpus:$(nproc)" }, `mesosSlaveResources is "cpus:$(nproc)": ${resources}`],
  [{ mesosSlaveResources: "cpus:2\nMESOS_X=1" }, `mesosSlaveResources is "cpus:2\\nMESOS_X=1": ${resources}`],
  [{ mesosSlaveAttributes: "rack" }, `mesosSlaveAttributes is "rack": ${attributes}`],
  [{ mesosSlaveAttributes: "rack:1;" }, `mesosSlaveAttributes is "rack:1;": ${attributes}`],
  [{ mesosSlaveAttributes: "rack:a b" }, `mesosSlaveAttributes is "rack:a b": ${attributes}`],
  [{ mesosSlaveAttributes: "rack:'1'" }, `mesosSlaveAttributes is "rack:'1'": ${attributes}`],
  [{ mesosSlaveAttributes: "rack:$(id)" }, `mesosSlaveAttributes is "rack:$(id)": ${attributes}`],
  [{ mesosSlaveAttributes: "rack:1\n" }, `mesosSlaveAttributes is "rack:1\\n": ${attributes}`],
  [{ mesosSlaveAttributes: "rack:1;zone:a;rack:2" }, 'mesosSlaveAttributes is "rack:1;zone:a;rack:2": an attribute is there twice, and constraints see the first alone; write it once'],
  [{ mesosSlaveAttributes: "rack:1;racks:2" }],
  [{ mesosSlaveAttributes: "rack:" }, `mesosSlaveAttributes is "rack:": ${attributes}`],
  [{ mesosSlaveAttributes: "rack:1\0" }, `mesosSlaveAttributes is "rack:1\\u0000": ${attributes}`],
  // Processors.
  ...["", "-1", "1,5", "0.001", "1e3", "two", "10000", " 1", "1\n", "0x2", "50%"].map((cpus): [Record<string, string>, string] => [{ marathonCpus: cpus }, `marathonCpus is ${json(cpus)}: ${processors}`]),
  [{ zookeeperCpus: "0.00", mesosMasterCpus: "007" }],
  // Logs and the restart policy.
  ...["", "10", "10 m", "0m", "-1", "10mb", "1.5g", "10M", "10m\n"].map((logMaxSize): [Record<string, string>, string] => [{ logMaxSize }, `logMaxSize is ${json(logMaxSize)}: ${logSize}`]),
  ...["0", "1001", "", "3.0"].map((logMaxFiles): [Record<string, string>, string] => [{ logMaxFiles }, `logMaxFiles is "${logMaxFiles}": write how many files from 1 to 1000`]),
  ...["no", "on-failure", "on-failure:3"].map((restart): [Record<string, string>, string] => [{ restart }, `restart is "${restart}": ${restartedByDesign}`]),
  ...["", "never", "Always", "unless stopped"].map((restart): [Record<string, string>, string] => [{ restart }, `restart is "${restart}": write always or unless-stopped`]),
  // Paths in ZooKeeper.
  ...["", "/", "mesos", "/mesos/", "//mesos", "/mesos a", "zk://127.0.0.1:2181/mesos", "/mesos\n", "/$(id)"].map((path): [Record<string, string>, string] => [
    { mesosZookeeperPath: path },
    `mesosZookeeperPath is ${json(path)}: ${zookeeperPath}`,
  ]),
  [{ marathonZookeeperPath: "/a/../b" }, 'marathonZookeeperPath is "/a/../b": ZooKeeper takes no . and no .. in a path; write it out'],
  [{ marathonZookeeperPath: "/zookeeper/marathon" }, 'marathonZookeeperPath is "/zookeeper/marathon": /zookeeper is ZooKeeper\'s own; write another'],
  [{ marathonZookeeperPath: "/mesos" }, 'marathonZookeeperPath is "/mesos": mesos-marathon:mesosZookeeperPath is the same (/mesos), and each would take the other\'s nodes for its own; write paths beside each other'],
  ...[["/mesos", "/mesos/marathon"], ["/marathon/mesos", "/marathon"]].map(([mesosZookeeperPath, marathonZookeeperPath]): [Record<string, string>, string] => [
    { mesosZookeeperPath, marathonZookeeperPath },
    `marathonZookeeperPath is "${marathonZookeeperPath}": mesos-marathon:mesosZookeeperPath lies in the same (${mesosZookeeperPath}), and each would take the other's nodes for its own; write paths beside each other`,
  ]),
  [{ mesosZookeeperPath: "/cluster/mesos", marathonZookeeperPath: "/cluster/marathon" }],
  [{ mesosZookeeperPath: "/m", marathonZookeeperPath: "/m2" }],
  // Roles.
  ...["", "a/b", "-a", ".", "..", "a b", "*a", "a,b", "$(id)", "a\n"].map((mesosRole): [Record<string, string>, string] => [{ mesosRole }, `mesosRole is ${json(mesosRole)}: ${role}`]),
  [{ mesosRole: "batch" }],
  [{ mesosRole: "batch", mesosMasterEnvironment: json({ MESOS_ROLES: "batch" }) }, `mesosMasterEnvironment.MESOS_ROLES ${setItself("mesosMasterEnvironment.MESOS_ROLES", "mesosRole")}`],
  [{ mesosSlaveEnvironment: json({ MESOS_DEFAULT_ROLE: "batch" }) }, `mesosSlaveEnvironment.MESOS_DEFAULT_ROLE ${setItself("mesosSlaveEnvironment.MESOS_DEFAULT_ROLE", "mesosRole")}`],
  [{ marathonEnvironment: json({ MARATHON_MESOS_ROLE: "batch" }) }, `marathonEnvironment.MARATHON_MESOS_ROLE ${setItself("marathonEnvironment.MARATHON_MESOS_ROLE", "mesosRole")}`],
  [
    { imageSet: "rehearsal", mesosRole: "batch", mesosMasterEnvironment: json({ MESOS_ROLES: "web,batches" }) },
    'mesosRole is "batch": mesosMasterEnvironment.MESOS_ROLES does not name it, so the master would refuse Marathon; add it there',
  ],
  [
    { imageSet: "rehearsal", mesosRole: "batch", marathonEnvironment: json({ marathon_default_accepted_resource_roles: "*" }) },
    'mesosRole is "batch": marathonEnvironment.MARATHON_DEFAULT_ACCEPTED_RESOURCE_ROLES does not name it, so Marathon would decline every offer; add it there',
  ],
  [{ imageSet: "rehearsal", mesosRole: "batch", mesosMasterEnvironment: json({ MESOS_ROLES: "web,batch" }), marathonEnvironment: json({ MARATHON_DEFAULT_ACCEPTED_RESOURCE_ROLES: "batch,*" }) }],
  [{ imageSet: "rehearsal", mesosMasterEnvironment: json({ MESOS_ROLES: "web" }) }],
  // The folder of the data.
  ...["srv", "/", "/srv/", "/srv:/srv", "/s r v", "~/data", "/srv//a", "/srv\n"].map((dataFolder): [Record<string, string>, string] => [{ dataFolder }, `dataFolder is ${json(dataFolder)}: ${folder}`]),
  [{ dataFolder: "/srv/../etc" }, `dataFolder is "/srv/../etc": ${dots}`],
  ...["/tmp/mesos", "/run/mesos", "/var/run/mesos", "/proc", "/dev/shm"].map((dataFolder): [Record<string, string>, string] => [
    { dataFolder },
    `dataFolder is "${dataFolder}": what is there is gone when the machine starts anew; write another`,
  ]),
  [{ dataFolder: "/var/tmp/mesos" }],
  [
    { dataFolder: "/srv/mesos", onDestroy: "erase" },
    'onDestroy is "erase": nothing removes the folders in mesos-marathon:dataFolder; write keep, and remove them on the Docker host after the destroy',
  ],
  // Labels.
  [{ labels: "team=a" }, "labels is no object: write names of labels with their values below it"],
  [{ labels: '["team"]' }, "labels is no object: write names of labels with their values below it"],
  ...["", "a=b", "a b", "$(id)", "-a", "a.", "a\n"].map((name): [Record<string, string>, string] => [{ labels: json({ [name]: "1" }) }, `labels.${json(name)} ${labelName}`]),
  [{ labels: json({ "mesos-marathon.stack": "other" }) }, 'labels."mesos-marathon.stack" is no name for a label: by mesos-marathon.… the stack knows what is its own; write another'],
  [
    { labels: json({ "com.docker.compose.project": "shop" }) },
    'labels."com.docker.compose.project" is no name for a label: com.docker.…, io.docker.… and org.dockerproject.… are Docker\'s, and Docker Compose takes what bears its labels for its own; write another',
  ],
  // `pulumi config set --path labels.a.b 1`, without quotes.
  [{ labels: json({ a: { b: "1" } }) }, `labels."a" ${noText}`],
  [{ labels: json({ a: "1\n2" }) }, `labels."a" ${oneLine}`],
  [{ labels: json({ "mesos-marathons": "1", "com.dockers": "1" }) }],
  // Mounts.
  [{ marathonMounts: "/a:/b" }, "marathonMounts is no list: write each on a line of its own below it, behind a dash"],
  [{ marathonMounts: '{"/a":"/b"}' }, "marathonMounts is no list: write each on a line of its own below it, behind a dash"],
  ...["", "/a", "a:/b", "/a:b", "volume:/b", "/a:/", "/a/:/b", "/a:/b/", "/a:/b:rw", "/a:/b:ro:ro", "/a//c:/b", "/a:/b\n", "~/a:/b"].map((text): [Record<string, string>, string] => [
    { marathonMounts: json([text]) },
    `marathonMounts[0] is ${json(text)}: ${mount}`,
  ]),
  [{ marathonMounts: "[1]" }, `marathonMounts[0] is "1": ${mount}`],
  [{ marathonMounts: json([["/a", "/b"]]) }, `marathonMounts[0] is "[\\"/a\\",\\"/b\\"]": ${mount}`],
  ...["/a/../b:/c", "/a:/b/./c", "/a/..:/b", "/a:/b/..:ro"].map((text): [Record<string, string>, string] => [{ marathonMounts: json([text]) }, `marathonMounts[0] is ${json(text)}: ${dots}`]),
  [{ marathonMounts: json(["/.a:/..b"]) }],
  [{ marathonMounts: json(["/a:/b", "/c:/b:ro"]) }, 'marathonMounts[1] is "/c:/b:ro": mesos-marathon:marathonMounts[0] mounts /b in that container; write a path that lies beside it'],
  [{ marathonMounts: json(["/a:/b", "/c:/bc"]) }],
  [{ zookeeperMounts: json(["/a:/tmp/zookeeper"]) }, 'zookeeperMounts[0] is "/a:/tmp/zookeeper": the stack itself mounts /tmp/zookeeper in that container; write a path that lies beside it'],
  [{ mesosMasterMounts: json(["/a:/tmp"]) }, 'mesosMasterMounts[0] is "/a:/tmp": the stack itself mounts /tmp/mesos in that container; write a path that lies beside it'],
  [{ mesosSlaveMounts: json(["/a:/sys/fs/cgroup/cpu"]) }, 'mesosSlaveMounts[0] is "/a:/sys/fs/cgroup/cpu": the stack itself mounts /sys/fs/cgroup in that container; write a path that lies beside it'],
  [
    { imageSet: "rehearsal", dockerSocket: "/run/d.sock", mesosSlaveMounts: json(["/a:/run/d.sock"]) },
    'mesosSlaveMounts[0] is "/a:/run/d.sock": the stack itself mounts /run/d.sock in that container; write a path that lies beside it',
  ],
  [{ imageSet: "classic", mesosSlaveDockerClient: "/opt/docker-25.0/docker" }],
  [{ mesosSlaveGeneration: "0" }, 'mesosSlaveGeneration is "0": write a number from 1 to 1000'],
  [{ mesosSlaveDockerClient: "docker" }, `mesosSlaveDockerClient is "docker": ${dockerClient}`],
  [{ mesosSlaveDockerClient: "/opt/docker:ro" }, `mesosSlaveDockerClient is "/opt/docker:ro": ${dockerClient}`],
  [{ mesosSlaveDockerClient: "/opt/docker/" }, `mesosSlaveDockerClient is "/opt/docker/": ${dockerClient}`],
  [
    { imageSet: "rehearsal", mesosSlaveDockerClient: "/opt/docker" },
    'mesosSlaveDockerClient is "/opt/docker": the image set rehearsal runs executors in containers of their own, which get the slave\'s image and none of its mounts; put the client into the image, and remove this',
  ],
  [
    { mesosSlaveEnvironment: json({ MESOS_DOCKER: "/opt/docker" }) },
    "mesosSlaveEnvironment.MESOS_DOCKER is what the stack sets itself: set mesos-marathon:mesosSlaveDockerClient instead, and remove it: pulumi config rm --path mesosSlaveEnvironment.MESOS_DOCKER",
  ],
  // Further variables.
  [{ marathonEnvironment: "JAVA_OPTS=-Xmx1g" }, "marathonEnvironment is no object: write names of variables with their values below it"],
  [{ marathonEnvironment: '["A=1"]' }, "marathonEnvironment is no object: write names of variables with their values below it"],
  [{ marathonEnvironment: "null" }, "marathonEnvironment is no object: write names of variables with their values below it"],
  [{ marathonEnvironment: json({ "": "1" }) }, `marathonEnvironment."" ${variableName}`],
  [{ marathonEnvironment: json({ "1A": "1" }) }, `marathonEnvironment.1A ${variableName}`],
  [{ marathonEnvironment: json({ "A B": "1" }) }, `marathonEnvironment."A B" ${variableName}`],
  [{ marathonEnvironment: json({ "A=B": "1" }) }, `marathonEnvironment."A=B" ${variableName}`],
  [{ marathonEnvironment: json({ "A\n": "1" }) }, `marathonEnvironment."A\\n" ${variableName}`],
  [{ marathonEnvironment: json({ "A\0": "1" }) }, `marathonEnvironment."A\\u0000" ${variableName}`],
  [{ marathonEnvironment: json({ "$(id)": "1" }) }, `marathonEnvironment."$(id)" ${variableName}`],
  [{ marathonEnvironment: json({ A: null }) }, `marathonEnvironment.A ${noText}`],
  [{ marathonEnvironment: json({ A: ["1"] }) }, `marathonEnvironment.A ${noText}`],
  [{ marathonEnvironment: json({ A: { B: "1" } }) }, `marathonEnvironment.A ${noText}`],
  // 1.10 in YAML is 1.1.
  [{ marathonEnvironment: json({ A: 1.1 }) }, `marathonEnvironment.A ${noText}`],
  [{ marathonEnvironment: '{"A":12345678901234567890}' }, `marathonEnvironment.A ${noText}`],
  [{ mesosSlaveEnvironment: json({ A: "1\nMESOS_PORT=1" }) }, `mesosSlaveEnvironment.A ${oneLine}`],
  [{ mesosSlaveEnvironment: json({ A: "1\0" }) }, `mesosSlaveEnvironment.A ${oneLine}`],
  [{ mesosSlaveEnvironment: json({ A: "x".repeat(128 * 1024 - 2) }) }, "mesosSlaveEnvironment.A is longer than the 128 KiB that Linux hands to a program: write less"],
  [{ mesosSlaveEnvironment: json({ A: "x".repeat(128 * 1024 - 3) }) }],
  [{ zookeeperEnvironment: json({ SERVERS: "127.0.0.2" }) }, `zookeeperEnvironment.SERVERS ${setItself("zookeeperEnvironment.SERVERS", "address")}`],
  [{ zookeeperEnvironment: json({ MYID: 2 }) }, `zookeeperEnvironment.MYID ${setItself("zookeeperEnvironment.MYID")}`],
  // The official image of ZooKeeper reads its variables in capitals only, and ignores others.
  [
    { imageSet: "rehearsal", zookeeperEnvironment: json({ ZOO_TICKTIME: "3000", zoo_init_limit: "7" }) },
    `zookeeperEnvironment.ZOO_TICKTIME ${unknown("zookeeperEnvironment.ZOO_TICKTIME", "3.8.0", ", did you mean ZOO_TICK_TIME?")}`,
    `zookeeperEnvironment.zoo_init_limit ${unknown("zookeeperEnvironment.zoo_init_limit", "3.8.0", ", did you mean ZOO_INIT_LIMIT?")}`,
  ],
  [
    { imageSet: "classic", zookeeperEnvironment: json({ ZOO_DATA_DIR: "/data-2", ZOO_DATA_LOG_DIR: "/log", ZOO_CONF_DIR: "/etc/zookeeper" }) },
    `zookeeperEnvironment.ZOO_DATA_DIR ${withoutVolume("ZOO_DATA_DIR")}`,
    `zookeeperEnvironment.ZOO_DATA_LOG_DIR ${withoutVolume("ZOO_DATA_LOG_DIR")}`,
    "zookeeperEnvironment.ZOO_CONF_DIR is where the image writes its settings and not where it reads them: remove it: pulumi config rm --path zookeeperEnvironment.ZOO_CONF_DIR",
  ],
  [
    { imageSet: "modern", zookeeperEnvironment: json({ ZOO_CFG_EXTRA: "dataDir=/data-2 snapCount=50000 clientPort=2182 server.2=127.0.0.2:2888:3888" }) },
    "zookeeperEnvironment.ZOO_CFG_EXTRA has dataDir and clientPort and server.2, which the stack sets itself: write it without",
  ],
  [{ imageSet: "rehearsal", zookeeperEnvironment: json({ ZOO_TICK_TIME: 3000, ZOO_CFG_EXTRA: "snapCount=50000 secureClientPort=2281 metricsProvider.dataDir=x", ZK_SERVER_HEAP: 512 }) }],
  [{ zookeeperEnvironment: json({ ZOO_DATA_DIR: "/data" }) }],
  [{ mesosMasterEnvironment: json({ MESOS_PORT: "5055" }) }, `mesosMasterEnvironment.MESOS_PORT ${setItself("mesosMasterEnvironment.MESOS_PORT", "mesosMasterPort")}`],
  // Mesos reads its variables in small letters too.
  [{ mesosMasterEnvironment: json({ MESOS_quorum: "2" }) }, `mesosMasterEnvironment.MESOS_quorum ${setItself("mesosMasterEnvironment.MESOS_quorum")}`],
  [{ mesosSlaveEnvironment: json({ MESOS_ATTRIBUTES: "rack:1" }) }, `mesosSlaveEnvironment.MESOS_ATTRIBUTES ${setItself("mesosSlaveEnvironment.MESOS_ATTRIBUTES", "mesosSlaveAttributes")}`],
  [{ mesosSlaveEnvironment: json({ MESOS_RESOURCES: "cpus:1" }) }, `mesosSlaveEnvironment.MESOS_RESOURCES ${setItself("mesosSlaveEnvironment.MESOS_RESOURCES", "mesosSlaveResources")}`],
  ...["0", "65536", "any", "9091.5"].map((LIBPROCESS_PORT): [Record<string, string>, ...string[]] => [
    { marathonEnvironment: json({ LIBPROCESS_PORT }) },
    "marathonEnvironment.LIBPROCESS_PORT is no port: write one from 1 to 65535",
  ]),
  [{ marathonEnvironment: json({ LIBPROCESS_PORT: 5050 }) }, "marathonEnvironment.LIBPROCESS_PORT is that of mesos-marathon:mesosMasterPort: write another"],
  [{ marathonEnvironment: json({ LIBPROCESS_PORT: "31007" }) }, "marathonEnvironment.LIBPROCESS_PORT is among those that the slave offers to tasks (31000-32000 in mesos-marathon:mesosSlaveResources): write one outside"],
  [{ marathonEnvironment: json({ LIBPROCESS_PORT: "9091" }) }],
  [{ imageSet: "rehearsal", networkMode: "bridge", marathonEnvironment: json({ LIBPROCESS_PORT: "5050" }) }],
  [{ imageSet: "rehearsal", networkMode: "bridge", marathonEnvironment: json({ LIBPROCESS_PORT: "8080" }) }, "marathonEnvironment.LIBPROCESS_PORT is that of mesos-marathon:marathonPort: write another"],
  [{ marathonEnvironment: json({ LIBPROCESS_IP: "127.0.0.2" }) }, `marathonEnvironment.LIBPROCESS_IP ${setItself("marathonEnvironment.LIBPROCESS_IP", "address")}`],
  [{ marathonEnvironment: json({ MARATHON_ZK: "zk://127.0.0.1:2181/m" }) }, `marathonEnvironment.MARATHON_ZK ${setItself("marathonEnvironment.MARATHON_ZK", "marathonZookeeperPath")}`],
  [
    { imageSet: "rehearsal", mesosSlaveEnvironment: json({ MESOS_DOCKER_SOCKET: "/run/d.sock" }) },
    `mesosSlaveEnvironment.MESOS_DOCKER_SOCKET ${setItself("mesosSlaveEnvironment.MESOS_DOCKER_SOCKET", "dockerSocket")}`,
  ],
  [{ mesosMasterEnvironment: json({ MESOS_CLUSTERS: "a" }) }, `mesosMasterEnvironment.MESOS_CLUSTERS ${unknown("mesosMasterEnvironment.MESOS_CLUSTERS", "0.23.0", ", did you mean MESOS_CLUSTER?")}`],
  // A flag of the slave's is none of the master's, and one of 1.11 none of 0.23.
  [{ mesosMasterEnvironment: json({ MESOS_ISOLATION: "posix" }) }, `mesosMasterEnvironment.MESOS_ISOLATION ${unknown("mesosMasterEnvironment.MESOS_ISOLATION", "0.23.0")}`],
  [{ mesosSlaveEnvironment: json({ MESOS_LAUNCHER: "posix" }) }, `mesosSlaveEnvironment.MESOS_LAUNCHER ${unknown("mesosSlaveEnvironment.MESOS_LAUNCHER", "0.23.0", ", did you mean MESOS_LAUNCHER_DIR?")}`],
  [{ imageSet: "rehearsal", mesosSlaveEnvironment: json({ MESOS_LAUNCHER: "posix" }) }],
  [{ marathonEnvironment: json({ MARATHON_FRAMEWORK: "m" }) }, `marathonEnvironment.MARATHON_FRAMEWORK ${unknown("marathonEnvironment.MARATHON_FRAMEWORK", "0.10.1", ", did you mean MARATHON_FRAMEWORK_NAME?")}`],
  [
    { imageSet: "rehearsal", marathonEnvironment: json({ MARATHON_DISABLE_HE: "" }) },
    `marathonEnvironment.MARATHON_DISABLE_HE ${unknown("marathonEnvironment.MARATHON_DISABLE_HE", "1.11.0", ", did you mean MARATHON_DISABLE_HA?")}`,
  ],
  [
    {
      imageSet: "classic",
      mesosMasterEnvironment: json({ MESOS_WEIGHT: "a=2" }),
      mesosSlaveEnvironment: json({ MESOS_GC_DELAYS: "1days", MESOS_DOCKER_VOLUME_CHOWN: "true" }),
      marathonEnvironment: json({ MARATHON_DISABLE_HE: "", MARATHON_REVIVE_OFFERS_REPETITIONS: 3 }),
    },
    `mesosMasterEnvironment.MESOS_WEIGHT ${unknown("mesosMasterEnvironment.MESOS_WEIGHT", "1.7.1", ", did you mean MESOS_WEIGHTS?")}`,
    `mesosSlaveEnvironment.MESOS_GC_DELAYS ${unknown("mesosSlaveEnvironment.MESOS_GC_DELAYS", "1.7.1", ", did you mean MESOS_GC_DELAY?")}`,
    // Of Mesos 1.11.
    `mesosSlaveEnvironment.MESOS_DOCKER_VOLUME_CHOWN ${unknown("mesosSlaveEnvironment.MESOS_DOCKER_VOLUME_CHOWN", "1.7.1")}`,
    `marathonEnvironment.MARATHON_DISABLE_HE ${unknown("marathonEnvironment.MARATHON_DISABLE_HE", "1.8.222", ", did you mean MARATHON_DISABLE_HA?")}`,
  ],
  [
    {
      imageSet: "modern",
      mesosMasterEnvironment: json({ MESOS_CLEANUP_LOGFILES: 7, MESOS_LOG_AUTO_COMPACT_DISABLED: 1 }),
      mesosSlaveEnvironment: json({ MESOS_EGRESS_BURSTS: "1MB", MESOS_DOCKER_VOLUME_CHOWN: "true", MESOS_NVIDIA_LIB: "libnvidia-ml.so" }),
      marathonEnvironment: json({ MARATHON_MESOS_OFFER_CONSTRAINT: "" }),
    },
    `mesosMasterEnvironment.MESOS_CLEANUP_LOGFILES ${unknown("mesosMasterEnvironment.MESOS_CLEANUP_LOGFILES", "1.11.0-0.9.0", ", did you mean MESOS_CLEANUP_LOG_FILES?")}`,
    `mesosSlaveEnvironment.MESOS_EGRESS_BURSTS ${unknown("mesosSlaveEnvironment.MESOS_EGRESS_BURSTS", "1.11.0-0.9.0", ", did you mean MESOS_EGRESS_BURST?")}`,
    `marathonEnvironment.MARATHON_MESOS_OFFER_CONSTRAINT ${unknown("marathonEnvironment.MARATHON_MESOS_OFFER_CONSTRAINT", "1.11.24", ", did you mean MARATHON_MESOS_OFFER_CONSTRAINTS?")}`,
  ],
  // With an unknown image set nobody knows.
  [{ imageSet: "other", mesosSlaveEnvironment: json({ MESOS_X: "1", MESOS_PORT: "1" }) }, 'imageSet is "other": there is no such image set; write tutorial or classic or modern or rehearsal or auto or custom'],
  [{ marathonEnvironment: json({ MARATHON_WEBUI_URL: "http://a b" }) }, `marathonEnvironment.MARATHON_WEBUI_URL ${split}`],
  [{ marathonEnvironment: json({ MARATHON_FRAMEWORK_NAME: "a*" }) }, `marathonEnvironment.MARATHON_FRAMEWORK_NAME ${split}`],
  [{ imageSet: "rehearsal", marathonEnvironment: json({ MARATHON_FRAMEWORK_NAME: "a*" }) }],
  [
    { imageSet: "rehearsal", marathonEnvironment: json({ MARATHON_HTTP_CREDENTIALS: "me:p4ss" }) },
    `marathonEnvironment.MARATHON_HTTP_CREDENTIALS ${inTheClear("marathonEnvironment.MARATHON_HTTP_CREDENTIALS")}`,
  ],
  [
    { imageSet: "rehearsal", marathonEnvironment: json({ marathon_ssl_keystore_password: "p4ss" }) },
    `marathonEnvironment.marathon_ssl_keystore_password ${inTheClear("marathonEnvironment.marathon_ssl_keystore_password")}`,
  ],
  [{ marathonEnvironment: json({ MESOSPHERE_KEYSTORE_PASS: "p4ss" }) }, `marathonEnvironment.MESOSPHERE_KEYSTORE_PASS ${inTheClear("marathonEnvironment.MESOSPHERE_KEYSTORE_PASS")}`],
  // Where it would open what it is meant to close.
  [
    { marathonEnvironment: json({ MESOSPHERE_HTTP_CREDENTIALS: "p4ss" }) },
    "marathonEnvironment.MESOSPHERE_HTTP_CREDENTIALS is no user:password, so Marathon would let everybody in: write both, with a colon between",
    `marathonEnvironment.MESOSPHERE_HTTP_CREDENTIALS ${inTheClear("marathonEnvironment.MESOSPHERE_HTTP_CREDENTIALS")}`,
  ],
  [
    { marathonEnvironment: json({ MESOSPHERE_CREDENTIALS_HTTP: "me:p4ss" }) },
    `marathonEnvironment.MESOSPHERE_CREDENTIALS_HTTP ${unknown("marathonEnvironment.MESOSPHERE_CREDENTIALS_HTTP", "0.10.1")}`,
  ],
  // Marathon 0.10's start script puts its options on the command line.
  [
    { marathonEnvironment: json({ MARATHON_HTTP_CREDENTIALS: "me:p4ss" }) },
    `marathonEnvironment.MARATHON_HTTP_CREDENTIALS ${seen("marathonEnvironment.MARATHON_HTTP_CREDENTIALS", "MESOSPHERE_HTTP_CREDENTIALS")}`,
    `marathonEnvironment.MARATHON_HTTP_CREDENTIALS ${inTheClear("marathonEnvironment.MARATHON_HTTP_CREDENTIALS")}`,
  ],
  [
    { marathonEnvironment: json({ MARATHON_SSL_KEYSTORE_PASSWORD: "p4ss" }) },
    `marathonEnvironment.MARATHON_SSL_KEYSTORE_PASSWORD ${seen("marathonEnvironment.MARATHON_SSL_KEYSTORE_PASSWORD", "MESOSPHERE_KEYSTORE_PASS")}`,
    `marathonEnvironment.MARATHON_SSL_KEYSTORE_PASSWORD ${inTheClear("marathonEnvironment.MARATHON_SSL_KEYSTORE_PASSWORD")}`,
  ],
  [{ mesosMasterEnvironment: json({ SECRET: "p4ss" }) }, `mesosMasterEnvironment.SECRET ${inTheClear("mesosMasterEnvironment.SECRET")}`],
  [{ mesosSlaveEnvironment: json({ AWS_SECRET_ACCESS_KEY: "p4ss" }) }, `mesosSlaveEnvironment.AWS_SECRET_ACCESS_KEY ${inTheClear("mesosSlaveEnvironment.AWS_SECRET_ACCESS_KEY")}`],
  [{ zookeeperEnvironment: json({ admin_token: "p4ss" }) }, `zookeeperEnvironment.admin_token ${inTheClear("zookeeperEnvironment.admin_token")}`],
  [{ marathonEnvironment: json({ MESOSPHERE_KEYSTORE_PASS: "/p4ss" }) }, `marathonEnvironment.MESOSPHERE_KEYSTORE_PASS ${inTheClear("marathonEnvironment.MESOSPHERE_KEYSTORE_PASS")}`],
  // Where a secret is kept is none, and neither is what only contains the word.
  [{ mesosMasterEnvironment: json({ MESOS_CREDENTIALS: "/etc/mesos/credentials" }) }],
  [{ mesosSlaveEnvironment: json({ MESOS_CREDENTIAL: "file:///etc/mesos/credential" }) }],
  [{ imageSet: "rehearsal", marathonEnvironment: json({ MARATHON_LAUNCH_TOKENS: 100, MARATHON_MESOS_AUTHENTICATION_SECRET_FILE: "secret" }) }],
  // Loopback is this machine's, the Docker Engine's host another one.
  ...["tcp://192.0.2.7:2376", "ssh://me@far.example", "tcp://[2001:db8::7]:2376"].map((dockerHost): [Record<string, string>, ...string[]] => [
    { dockerHost },
    `address is "127.0.0.1": the Docker Engine is on another machine (${dockerHost}), whose own loopback cannot be reached from here; write that machine's IPv4 address`,
  ]),
  ...["tcp://127.0.0.1:2375", "tcp://localhost:2375", "tcp://[::1]:2375", "ssh://me@localhost", `tcp://${hostname()}:2375`, `ssh://me@${hostname()}.example`].map((dockerHost): [Record<string, string>] => [{ dockerHost }]),
  [{ dockerHost: "tcp://192.0.2.7:2376", address: "192.0.2.7" }],
  // The switches.
  [{ followImageTags: "always" }, 'followImageTags is "always": write true or false'],
  [{ followImageTags: "true", preflight: "false" }, 'followImageTags is "true": preflight is what looks at the images: pulumi config rm preflight'],
  [{ onDestroy: "delete" }, 'onDestroy is "delete": write keep or erase'],
  [{ onDestroy: "" }, 'onDestroy is "": write keep or erase'],
  // Warnings that are accepted.
  [{ acceptedWarnings: "low-disk" }, "acceptedWarnings is no list: write each on a line of its own below it, behind a dash"],
  [{ acceptedWarnings: '["low-dsk"]' }, `acceptedWarnings[0] is "low-dsk": there is no such warning, did you mean low-disk?; ${warning}`],
  [{ acceptedWarnings: '["low-disk","constructor"]' }, `acceptedWarnings[1] is "constructor": there is no such warning; ${warning}`],
  [{ acceptedWarnings: '["[low-disk]"]' }, `acceptedWarnings[0] is "[low-disk]": there is no such warning, did you mean low-disk?; ${warning}`],
  [{ acceptedWarnings: "[1]" }, `acceptedWarnings[0] is "1": there is no such warning; ${warning}`],
  [
    { acceptedWarnings: '["port-taken","images-to-pull"]' },
    'acceptedWarnings[0] is "port-taken": that is an error, which cannot be accepted: mend it',
    'acceptedWarnings[1] is "images-to-pull": that is a note, and stays: remove it',
  ],
  [{ acceptedWarnings: '["low-disk","exposed"]' }],
  [{ preflight: "no" }, 'preflight is "no": write true or false'],
  [{ preflight: "" }, 'preflight is "": write true or false'],
  // Keys that are none.
  [{ marathonport: "8080" }, "marathonport is not a key of this project, did you mean marathonPort?; remove it: pulumi config rm marathonport"],
  [{ adress: "127.0.0.1" }, "adress is not a key of this project, did you mean address?; remove it: pulumi config rm adress"],
  [{ quorum: "3" }, "quorum is not a key of this project; remove it: pulumi config rm quorum"],
  // Two faults, two sentences.
  [
    { mesosSlaveResources: "gpus:1;gpus:1;disk:1" },
    `mesosSlaveResources is "gpus:1;gpus:1;disk:1": ${missing("cpus", "2")}`,
    `mesosSlaveResources is "gpus:1;gpus:1;disk:1": ${missing("mem", "2048")}`,
    `mesosSlaveResources is "gpus:1;gpus:1;disk:1": ${resourceTwice}`,
  ],
  [
    { address: "224.0.0.1", dockerHost: "tcp://" },
    `address is "224.0.0.1": ${multicast}`,
    `dockerHost is "tcp://": ${dockerHost}`,
  ],
  [
    { dockerHost: "fd://", dockerSocket: "docker.sock" },
    `dockerHost is "fd://": ${dockerHost}`,
    `dockerSocket is "docker.sock": ${socket}`,
  ],
  [
    { mesosSlaveResources: pinned("[2-1,70000-70001]") },
    `mesosSlaveResources is "${pinned("[2-1,70000-70001]")}": ${noRange("2-1")}`,
    `mesosSlaveResources is "${pinned("[2-1,70000-70001]")}": ${noRange("70000-70001")}`,
  ],
  [
    { mesosMasterPort: "31001", marathonPort: "31001" },
    'marathonPort is "31001": mesos-marathon:mesosMasterPort is the same; give each its own',
    `mesosMasterPort is "31001": ${offered("31000-32000")}`,
    `marathonPort is "31001": ${offered("31000-32000")}`,
  ],
  [
    { zookeeperPort: "31002" },
    'zookeeperPort is "31002": the image set tutorial knows no other port than 2181',
    `zookeeperPort is "31002": ${offered("31000-32000")}`,
  ],
  [
    { mesosSlaveEnvironment: json({ MESOS_PORT: "1", MESOS_GC_DELAYS: "1days" }) },
    `mesosSlaveEnvironment.MESOS_PORT ${setItself("mesosSlaveEnvironment.MESOS_PORT", "mesosSlavePort")}`,
    `mesosSlaveEnvironment.MESOS_GC_DELAYS ${unknown("mesosSlaveEnvironment.MESOS_GC_DELAYS", "0.23.0", ", did you mean MESOS_GC_DELAY?")}`,
  ],
  [
    { marathonEnvironment: json({ MARATHON_HTTP_CREDENTIAL: "a b" }) },
    `marathonEnvironment.MARATHON_HTTP_CREDENTIAL ${unknown("marathonEnvironment.MARATHON_HTTP_CREDENTIAL", "0.10.1", ", did you mean MARATHON_HTTP_CREDENTIALS?")}`,
    `marathonEnvironment.MARATHON_HTTP_CREDENTIAL ${split}`,
    `marathonEnvironment.MARATHON_HTTP_CREDENTIAL ${inTheClear("marathonEnvironment.MARATHON_HTTP_CREDENTIAL")}`,
  ],
  [
    { zookeeperEnvironment: "[]", preflight: "off" },
    "zookeeperEnvironment is no object: write names of variables with their values below it",
    'preflight is "off": write true or false',
  ],
  [
    { marathonName: "mesos-0123abcd-x", mesosSlaveName: "mesos-0123abcd-x" },
    `mesosSlaveName is "mesos-0123abcd-x": ${task}`,
    `marathonName is "mesos-0123abcd-x": ${task}`,
    'marathonName is "mesos-0123abcd-x": mesos-marathon:mesosSlaveName is the same; give each its own',
  ],
  [
    { readyTimeout: "-1", mesosSlaveAttributes: "rack:1;rack:1" },
    `readyTimeout is "-1": ${seconds}`,
    'mesosSlaveAttributes is "rack:1;rack:1": an attribute is there twice, and constraints see the first alone; write it once',
  ],
  [
    { imageSet: "tutorials", marathonEnvironments: "{}" },
    'imageSet is "tutorials": there is no such image set, did you mean tutorial?; write tutorial or classic or modern or rehearsal or auto or custom',
    "marathonEnvironments is not a key of this project, did you mean marathonEnvironment?; remove it: pulumi config rm marathonEnvironments",
  ],
  // Several at once.
  [
    { address: "0.0.0.0", marathonPort: "99999" },
    'address is "0.0.0.0": at 0.0.0.0 nobody can be reached; write the one address that slaves, frameworks and browsers use',
    `marathonPort is "99999": ${port}`,
  ],
  [
    { zookeeperPort: "5050", quorum: "3" },
    "quorum is not a key of this project; remove it: pulumi config rm quorum",
    'mesosMasterPort is "5050": mesos-marathon:zookeeperPort is the same; give each its own',
    'zookeeperPort is "5050": the image set tutorial knows no other port than 2181',
  ],
  // Two that are no ports are not the same port.
  [{ zookeeperPort: "a", marathonPort: "b" }, `zookeeperPort is "a": ${port}`, `marathonPort is "b": ${port}`],
  // Three of one name: each but the first is told whose it is.
  [
    { mesosMasterName: "same", mesosSlaveName: "same", marathonName: "same" },
    'mesosSlaveName is "same": mesos-marathon:mesosMasterName is the same; give each its own',
    'marathonName is "same": mesos-marathon:mesosSlaveName is the same; give each its own',
  ],
  // The port that only the tutorial's image holds fast to; with an unknown image set nobody knows.
  [{ imageSet: "rehearsal", zookeeperPort: "2182" }],
  [{ imageSet: "other", zookeeperPort: "2182" }, 'imageSet is "other": there is no such image set; write tutorial or classic or modern or rehearsal or auto or custom'],
];
