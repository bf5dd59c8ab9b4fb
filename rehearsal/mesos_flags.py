"""Settings, log lines and refusals of the stand-ins for Mesos: what master, slave and executor have in common."""
import os
import re
import sys
import time

VERSION = os.environ.get("STAND_IN_VERSION", "1.11.0")
OLD = VERSION.startswith("0.")  # speaks as Mesos 0.23 does: /state.json, other ids, other container names
BUILD = {"version": VERSION, "git_sha": "0" * 40, "git_tag": VERSION, "build_date": "1970-01-01 00:00:00",
         "build_time": 0, "build_user": "stand-in"}

UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "secs": 1, "mins": 60, "hrs": 3600, "days": 86400, "weeks": 604800}

MASTER = """agent_ping_timeout=15secs agent_reregister_timeout=10mins allocation_interval=1secs allocator=hierarchical
allocator_agent_recovery_factor=0.8 allocator_recovery_timeout=10mins authenticate_agents=false authenticate_frameworks=false
authenticate_http_frameworks=false authenticate_http_readonly=false authenticate_http_readwrite=false
authentication_v0_timeout=15secs authenticators=crammd5 authorizers=local filter_gpu_resources=true framework_sorter=drf
help=false hostname_lookup=true http_authenticators=basic initialize_driver_logging=true log_auto_initialize=true
logbufsecs=0 logging_level=INFO max_agent_ping_timeouts=5 max_completed_frameworks=50 max_completed_tasks_per_framework=1000
max_operator_event_stream_subscribers=1000 max_unreachable_tasks_per_framework=1000 memory_profiling=false
min_allocatable_resources=cpus:0.01|mem:32 offer_constraints_re2_max_mem=4KB offer_constraints_re2_max_program_size=100
port=5050 publish_per_framework_metrics=true quiet=false recovery_agent_removal_limit=100% registry=replicated_log
registry_fetch_timeout=1mins registry_gc_interval=15mins registry_max_agent_age=2weeks registry_max_agent_count=102400
registry_store_timeout=20secs registry_strict=false require_agent_domain=false role_sorter=drf root_submissions=true
version=false webui_dir=/opt/stand-ins zk_session_timeout=10secs
ip= hostname= zk= quorum= work_dir= cluster= advertise_ip= advertise_port= log_dir= roles= weights="""

SLAVE = """appc_simple_discovery_uri_prefix=http:// appc_store_dir=/tmp/mesos/store/appc authenticate_http_executors=false
authenticate_http_readonly=false authenticate_http_readwrite=false authenticatee=crammd5 authentication_backoff_factor=1secs
authentication_timeout_max=1mins authentication_timeout_min=5secs authorizer=local cgroups_cpu_enable_pids_and_tids_count=false
cgroups_destroy_timeout=1mins cgroups_enable_cfs=false cgroups_hierarchy=/sys/fs/cgroup cgroups_limit_swap=false cgroups_root=mesos
container_disk_watch_interval=15secs containerizers=mesos default_role=* disallow_sharing_agent_ipc_namespace=false
disallow_sharing_agent_pid_namespace=false disk_watch_interval=1mins docker=docker docker_ignore_runtime=false
docker_kill_orphans=true docker_registry=https://registry.invalid docker_remove_delay=6hrs docker_socket=/var/run/docker.sock
docker_stop_timeout=0ns docker_store_dir=/tmp/mesos/store/docker docker_volume_checkpoint_dir=/var/run/mesos/isolators/docker/volume
docker_volume_chown=false enforce_container_disk_quota=false executor_registration_timeout=1mins
executor_reregistration_timeout=2secs executor_shutdown_grace_period=5secs fetcher_cache_dir=/tmp/mesos/fetch
fetcher_cache_size=2GB fetcher_stall_timeout=1mins frameworks_home= gc_delay=1weeks gc_disk_headroom=0.1
gc_non_executor_container_sandboxes=false help=false hostname_lookup=true http_command_executor=false
http_executor_domain_sockets=false http_heartbeat_interval=30secs initialize_driver_logging=true isolation=posix/cpu,posix/mem
launcher=posix launcher_dir=/opt/stand-ins logbufsecs=0 logging_level=INFO max_completed_executors_per_framework=150
memory_profiling=false network_cni_metrics=true network_cni_root_dir_persist=false oversubscribed_resources_interval=15secs
perf_duration=10secs perf_interval=1mins port=5051 qos_correction_interval_min=0ns quiet=false reconfiguration_policy=equal
recover=reconnect recovery_timeout=15mins registration_backoff_factor=1secs revocable_cpu_low_priority=true
runtime_dir=/var/run/mesos sandbox_directory=/mnt/mesos/sandbox strict=true switch_user=true systemd_enable_support=true
systemd_runtime_directory=/run/systemd/system version=false zk_session_timeout=10secs
ip= hostname= master= work_dir= resources= attributes= docker_mesos_image= executor_environment_variables= log_dir= advertise_ip= advertise_port="""

RENAMED = {"slave_ping_timeout": "agent_ping_timeout", "max_slave_ping_timeouts": "max_agent_ping_timeouts",
           "slave_reregister_timeout": "agent_reregister_timeout"}


def seconds(duration):
    """`15secs` -> 15.0; ValueError if it is no duration of Mesos's."""
    match = re.fullmatch(r"([\d.]+)(ns|us|ms|secs|mins|hrs|days|weeks)", duration)
    if not match:
        raise ValueError(f"Invalid duration '{duration}'")
    return float(match[1]) * UNITS[match[2]]


class Flags(dict):
    """Every known flag by name, from its default, `MESOS_<NAME>` and `--name=value`, in this order; unset ones are "".

    A bad value of a known flag, or an unknown argument, ends the program with usage text and status 1; unknown
    `MESOS_…` variables are ignored.
    """

    def __init__(self, program, defaults):
        super().__init__(pair.partition("=")[::2] for pair in defaults.split())
        self.program = program
        if OLD:
            self["work_dir"] = "/tmp/mesos"  # from 1.0 on it has no default
        self._defaults = dict(self)
        for name, value in os.environ.items():
            name = name[6:].lower() if name.startswith("MESOS_") else ""
            if RENAMED.get(name, name) in self:
                self[RENAMED.get(name, name)] = value
        for argument in sys.argv[1:]:
            name, equals, value = argument.lstrip("-").partition("=")
            name = RENAMED.get(name, name)
            if not argument.startswith("--") or name not in self:
                self.refuse(f"Failed to load unknown flag '{argument.lstrip('-')}'")
            self[name] = value if equals else "true"
        if self["help"] == "true":
            print(self.usage())
            sys.exit(0)
        for name, value in self.items():
            try:
                default = self._defaults[name]
                if re.fullmatch(r"[\d.]+(ns|ms|secs|mins|hrs|weeks)", default):
                    seconds(value)
                elif default in ("true", "false") and value not in ("true", "false", "1", "0"):
                    raise ValueError(f"Expecting a boolean (e.g., true or false), not '{value}'")
                elif name in ("port", "quorum", "advertise_port", "max_agent_ping_timeouts") and value:
                    int(value)
            except ValueError as error:
                self.refuse(f"Failed to load flag '{name}': Failed to load value '{value}': {error}")
        self["logging_level"] = self["logging_level"].upper()

    def on(self, name):
        """Whether a boolean flag is set."""
        return self[name] in ("true", "1")

    def seconds(self, name):
        """A duration flag in seconds."""
        return seconds(self[name])

    def shown(self):
        """As the `flags` of the HTTP answers: unset ones left out."""
        return {(name.replace("agent", "slave") if OLD else name): value for name, value in sorted(self.items())
                if value or self._defaults[name]} | ({"frameworks_home": ""} if "frameworks_home" in self else {})

    def usage(self):
        names = "\n".join(f"  --{name}={default or 'VALUE'}" for name, default in sorted(self._defaults.items()))
        return f"Usage: {self.program} [options]   (a stand-in for {self.program} {VERSION}, not Mesos itself)\n\n{names}"

    def refuse(self, problem):
        """Say what is wrong with the settings, then how they are given, and end with status 1."""
        print(f"{problem}\n\n{self.usage()}", file=sys.stderr, flush=True)
        sys.exit(1)


def log(text, level="I"):
    """A line like Mesos's, with the word stand-in in it."""
    now = time.time()
    print(f"{level}{time.strftime('%m%d %H:%M:%S', time.localtime(now))}.{int(now % 1 * 1e6):06d} stand-in] {text}",
          file=sys.stderr, flush=True)


def leave(message, status=1):
    """End the process at once, saying why; ZooKeeper sessions are left to run out, as when Mesos exits."""
    log(f"EXIT with status {status}: {message}", "E")
    os._exit(status)


def listen(name, flags):
    """The process on the flags' address and port. Ends as Mesos does where it cannot have them."""
    from libprocess import Process
    try:
        return Process(name, flags["ip"] or None, int(flags["port"]), flags["advertise_ip"] or None,
                       int(flags["advertise_port"] or 0) or None)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        log(f"Failed to initialize: Failed to bind on {flags['ip'] or '0.0.0.0'}:{flags['port']}: "
            f"{reason}: {reason} [{error.errno}]", "F")
        os._exit(134)  # what an abort gives
