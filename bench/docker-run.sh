#!/bin/bash
# The rehearsal stack's four containers by `docker run`, each when what it needs is ready, as `pulumi up` makes them.
# With the argument `at-once` nothing waits for anything: how soon the four can be usable at all.
# WORK_DIR is the path of the volume bench-work on the host. Prints `<seconds since 1970> <what has just happened>`.
set -euo pipefail

address=127.0.0.1
master=http://$address:5050
marathon=http://$address:8080
zk=zk://$address:2181
order=${1:-in-order}

happened() { echo "$EPOCHREALTIME $1"; }

# until_ready NAME QUESTION: asks every 50 ms, as the gates do, for 60 s at most.
until_ready() {
  for ((tries = 0; tries < 1200; tries++)); do
    if "$2" 2> /dev/null; then
      happened "$1 ready"
      return
    fi
    sleep 0.05
  done
  echo "$1 did not become ready" >&2
  exit 1
}
zookeeper_serves() { (exec 3<> "/dev/tcp/$address/2181" && echo srvr >&3 && grep -q '^Mode: ' <&3); }
master_elected() { curl -fs "$master/metrics/snapshot" | grep -Eq '"master/elected": ?1\b'; }
slave_active() { curl -fs "$master/master/slaves" | grep -Eq '"active": ?true'; }
framework_active() { curl -fs "$marathon/v2/info" | grep -Eq '"frameworkId": ?"' && curl -fs "$master/master/frameworks" | grep -Eq '"active": ?true'; }

run() {
  local name=$1
  shift
  docker run --detach --name "$name" --network host --restart always --stop-timeout 30 \
    --log-driver json-file --log-opt max-size=10m --log-opt max-file=3 "$@" > /dev/null
  happened "$name created"
}
zookeeper() {
  run zookeeper --env ZOO_MY_ID=1 --env "ZOO_SERVERS=server.1=$address:2888:3888;$address:2181" --env ZOO_ADMINSERVER_ENABLED=false \
    --volume bench-data:/data --volume bench-datalog:/datalog mesos-marathon/rehearsal-zookeeper:3.8.0
}
mesos_master() {
  run mesos-master --env MESOS_HOSTNAME=$address --env MESOS_IP=$address --env MESOS_QUORUM=1 --env MESOS_ZK=$zk/mesos \
    --env MESOS_WORK_DIR=/var/lib/mesos --volume bench-master:/var/lib/mesos mesos-marathon/stand-in-mesos-master:1.11.0
}
mesos_slave() {
  local socket=${DOCKER_HOST#unix://}
  run mesos-slave --privileged --pid host --env MESOS_HOSTNAME=$address --env MESOS_IP=$address --env MESOS_MASTER=$zk/mesos \
    --env "MESOS_WORK_DIR=$WORK_DIR" --env 'MESOS_RESOURCES=cpus:2;mem:2048;disk:10240;ports:[31000-32000]' \
    --env MESOS_CONTAINERIZERS=docker,mesos --env MESOS_EXECUTOR_REGISTRATION_TIMEOUT=5mins --env MESOS_SYSTEMD_ENABLE_SUPPORT=false \
    --env MESOS_DOCKER_MESOS_IMAGE=mesos-marathon/stand-in-mesos-slave:1.11.0 --env "MESOS_DOCKER_SOCKET=$socket" \
    --env MESOS_DOCKER_KILL_ORPHANS=false --env MESOS_RECONFIGURATION_POLICY=additive \
    --volume /sys/fs/cgroup:/sys/fs/cgroup --volume "$socket:$socket" --volume "bench-work:$WORK_DIR" mesos-marathon/stand-in-mesos-slave:1.11.0
}
marathon() {
  run marathon --env MARATHON_HOSTNAME=$address --env MARATHON_HTTP_ADDRESS=$address --env MARATHON_HTTPS_ADDRESS=$address \
    --env MARATHON_MASTER=$zk/mesos --env MARATHON_ZK=$zk/marathon --env MARATHON_MESOS_USER=root --env LIBPROCESS_IP=$address \
    mesos-marathon/stand-in-marathon:1.11.0
}

if [[ $order == at-once ]]; then
  zookeeper & mesos_master & mesos_slave & marathon &
else
  zookeeper
  until_ready zookeeper zookeeper_serves
  mesos_master
  until_ready mesos-master master_elected
  mesos_slave & marathon &
fi
until_ready mesos-slave slave_active & until_ready marathon framework_active &
for job in $(jobs -p); do
  wait "$job"
done
