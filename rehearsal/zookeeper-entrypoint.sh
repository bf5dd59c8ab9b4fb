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
  data=${ZOO_DATA_DIR-/data}
  log=${ZOO_DATA_LOG_DIR-/datalog}
  mkdir -p "$data" "$log"
  [[ -f $data/myid ]] || echo "${ZOO_MY_ID:-1}" > "$data/myid"
  if [[ ! -f $config ]]; then
    {
      printf '%s\n' "dataDir=$data" "dataLogDir=$log" \
        "tickTime=${ZOO_TICK_TIME-2000}" "initLimit=${ZOO_INIT_LIMIT-5}" "syncLimit=${ZOO_SYNC_LIMIT-2}" \
        "autopurge.snapRetainCount=${ZOO_AUTOPURGE_SNAPRETAINCOUNT-3}" "autopurge.purgeInterval=${ZOO_AUTOPURGE_PURGEINTERVAL-0}" \
        "maxClientCnxns=${ZOO_MAX_CLIENT_CNXNS-60}" "standaloneEnabled=${ZOO_STANDALONE_ENABLED-true}" \
        "admin.enableServer=${ZOO_ADMINSERVER_ENABLED-true}"
      # shellcheck disable=SC2086 # a list of words
      printf '%s\n' ${ZOO_SERVERS:-"server.1=localhost:2888:3888;2181"}
      [[ -z ${ZOO_4LW_COMMANDS_WHITELIST:-} ]] || echo "4lw.commands.whitelist=$ZOO_4LW_COMMANDS_WHITELIST"
      # What stands last holds, so that this overrides what is above. Nothing, where it is empty.
      for line in ${ZOO_CFG_EXTRA:-}; do echo "$line"; done
    } > $config
  fi
fi

jar=$(readlink -f /usr/share/java/zookeeper.jar)
version=${jar##*zookeeper-}
echo "Real ZooKeeper ${version%.jar} (from Debian), settings of the ${family} image"
sed 's/^/  /' $config

printf '%s\n' log4j.rootLogger=INFO,CONSOLE log4j.appender.CONSOLE=org.apache.log4j.ConsoleAppender \
  log4j.appender.CONSOLE.layout=org.apache.log4j.PatternLayout \
  'log4j.appender.CONSOLE.layout.ConversionPattern=%d{ISO8601} [myid:%X{myid}] - %-5p [%t:%C{1}@%L] - %m%n' > /conf/log4j.properties

# The AdminServer needs the servlet API, which zookeeper.jar does not name among what it needs.
# A small heap and the quick compiler only: a rehearsal's ZooKeeper holds little and should be there at once.
# shellcheck disable=SC2086 # lists of words
exec java "-Xmx${ZK_SERVER_HEAP:-256}m" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 ${SERVER_JVMFLAGS:-} ${JVMFLAGS:-} \
  -cp /conf:/usr/share/java/zookeeper.jar:/usr/share/java/servlet-api.jar:/usr/share/java/slf4j-log4j12.jar:/usr/share/java/log4j-1.2.jar \
  org.apache.zookeeper.server.quorum.QuorumPeerMain $config
