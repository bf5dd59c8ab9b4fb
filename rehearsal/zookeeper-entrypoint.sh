#!/bin/bash
# Starts the distribution's ZooKeeper under the settings of either of two image families, one per start:
#   mesoscloud's  MYID (default 1), SERVERS (comma list of hosts); data in /tmp/zookeeper; written anew at every start
#   the official  ZOO_MY_ID, ZOO_SERVERS, ZOO_CFG_EXTRA, …; data in /data, log in /datalog; what is there is kept
# Which one: mesoscloud's if MYID or SERVERS is set and none of the official's; otherwise the official's.
set -eu

official=$(compgen -v ZOO_ || true)
config=/conf/zoo.cfg
mkdir -p /conf

if [[ -z $official && -n ${MYID+set}${SERVERS+set} ]]; then
  family=mesoscloud
  mkdir -p /tmp/zookeeper
  echo "${MYID:-1}" > /tmp/zookeeper/myid
  {
    printf '%s\n' tickTime=2000 initLimit=10 syncLimit=5 dataDir=/tmp/zookeeper clientPort=2181 admin.enableServer=false
    number=0
    for server in ${SERVERS//,/ }; do
      number=$((number + 1))
      echo "server.$number=$server:2888:3888"
    done
  } > $config
else
  family=official
  mkdir -p /data /datalog
  [[ -f /data/myid ]] || echo "${ZOO_MY_ID:-1}" > /data/myid
  if [[ ! -f $config ]]; then
    {
      printf '%s\n' dataDir=/data dataLogDir=/datalog \
        "tickTime=${ZOO_TICK_TIME:-2000}" "initLimit=${ZOO_INIT_LIMIT:-5}" "syncLimit=${ZOO_SYNC_LIMIT:-2}" \
        "autopurge.snapRetainCount=${ZOO_AUTOPURGE_SNAPRETAINCOUNT:-3}" "autopurge.purgeInterval=${ZOO_AUTOPURGE_PURGEINTERVAL:-0}" \
        "maxClientCnxns=${ZOO_MAX_CLIENT_CNXNS:-60}" "standaloneEnabled=${ZOO_STANDALONE_ENABLED:-true}" \
        "admin.enableServer=${ZOO_ADMINSERVER_ENABLED:-true}"
      [[ -z ${ZOO_4LW_COMMANDS_WHITELIST:-} ]] || echo "4lw.commands.whitelist=$ZOO_4LW_COMMANDS_WHITELIST"
      # shellcheck disable=SC2086 # both are lists of words
      printf '%s\n' ${ZOO_CFG_EXTRA:-} ${ZOO_SERVERS:-"server.1=localhost:2888:3888;2181"}
    } > $config
  fi
fi

echo "Real ZooKeeper 3.8.0 (from Debian), settings of the ${family} image"
sed 's/^/  /' $config

printf '%s\n' log4j.rootLogger=INFO,CONSOLE log4j.appender.CONSOLE=org.apache.log4j.ConsoleAppender \
  log4j.appender.CONSOLE.layout=org.apache.log4j.PatternLayout \
  'log4j.appender.CONSOLE.layout.ConversionPattern=%d{ISO8601} [myid:%X{myid}] - %-5p [%t:%C{1}@%L] - %m%n' > /conf/log4j.properties

# A small heap and the quick compiler only: a rehearsal's ZooKeeper holds little and should be there at once.
# shellcheck disable=SC2086 # JVMFLAGS is a list of words
exec java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 ${JVMFLAGS:-} \
  -cp /conf:/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-log4j12.jar:/usr/share/java/log4j-1.2.jar \
  org.apache.zookeeper.server.quorum.QuorumPeerMain $config
