"""Settings, from `MARATHON_<OPTION>` environment variables, refused as the real Marathon refuses them."""
import getpass
import os
import socket

import zookeeper_group

FLAG = bool

# Options that the stand-in acts on, or shows in /v2/info: name -> (type, default).
_ACTED_ON = {
    "master": (str, None), "zk": (str, "zk://localhost:2181/marathon"), "hostname": (str, None),
    "http_address": (str, None), "http_port": (int, 8080), "https_port": (int, 8443),
    "http_credentials": (str, None), "http_realm": (str, "Mesosphere"),
    "framework_name": (str, "marathon"), "failover_timeout": (int, 604800), "checkpoint": (FLAG, True),
    "mesos_user": (str, None), "mesos_role": (str, "*"), "mesos_leader_ui_url": (str, None), "webui_url": (str, None),
    "ha": (FLAG, True), "executor": (str, "//cmd"), "env_vars_prefix": (str, None), "default_network_name": (str, None),
    "access_control_allow_origin": (str, None), "enable_features": (str, None), "maintenance_mode": (FLAG, True),
    "mesos_bridge_name": (str, "mesos-bridge"), "new_group_enforce_role": (str, "Off"),
    "local_port_min": (int, 10000), "local_port_max": (int, 20000), "max_instances_per_offer": (int, 5),
    "decline_offer_duration": (int, 120000), "min_revive_offers_interval": (int, 5000), "offer_matching_timeout": (int, 3000),
    "mesos_heartbeat_interval": (int, 15000), "mesos_heartbeat_failure_threshold": (int, 5),
    "reconciliation_initial_delay": (int, 15000), "reconciliation_interval": (int, 600000),
    "scale_apps_initial_delay": (int, 15000), "scale_apps_interval": (int, 300000), "store_cache": (FLAG, True),
    "launch_tokens": (int, 100), "launch_token_refresh_interval": (int, 30000), "on_elected_prepare_timeout": (int, 180000),
    "leader_proxy_connection_timeout": (int, 5000), "leader_proxy_read_timeout": (int, 10000),
    "task_launch_confirm_timeout": (int, 300000), "task_launch_timeout": (int, 300000), "task_reservation_timeout": (int, 20000),
    "task_lost_expunge_initial_delay": (int, 300000), "task_lost_expunge_interval": (int, 30000),
    "zk_compression": (FLAG, True), "zk_compression_threshold": (int, 65536), "zk_connection_timeout": (int, 10000),
    "zk_max_node_size": (int, 1024000), "zk_max_versions": (int, 50), "zk_session_timeout": (int, 10000), "zk_timeout": (int, 10000),
}
# Options that the real one knows and that make no difference here.
_ACCEPTED = set("""
    accepted_resource_roles_default_behavior app_info_module_execution_context_size assets_path backup_location
    default_accepted_resource_roles default_info_service_execution_context_size deployment_manager_request_timeout
    deprecated_features disable_http draining_seconds event_stream_max_outstanding_messages event_subscriber
    gpu_scheduling_behavior graceful_shutdown_timeout group_manager_execution_context_size
    group_manager_request_timeout group_versions_cache_size http_compression http_endpoints
    http_max_concurrent_requests https_address instance_tracker_num_parallel_loads
    instance_tracker_num_parallel_updates instance_tracker_update_queue_size internal_store_backend
    internal_version_caching kill_chunk_size kill_retry_timeout launch_queue_request_timeout leader_election_backend
    leader_proxy_max_open_connections leader_proxy_ssl_ignore_hostname logging_level logstash max_actor_startup_time
    max_apps max_concurrent_marathon_health_checks max_parallel_offers max_parallel_status_updates max_queued_offers
    max_queued_root_group_updates max_queued_status_updates max_running_deployments max_tasks_per_offer
    mesos_authentication mesos_authentication_principal mesos_authentication_secret mesos_authentication_secret_file
    mesos_offer_constraints metrics metrics_datadog metrics_datadog_api_key metrics_datadog_host metrics_datadog_port
    metrics_datadog_protocol metrics_datadog_transmission_interval_ms
    metrics_histogram_reservoir_highest_trackable_value metrics_histogram_reservoir_reset_periodically
    metrics_histogram_reservoir_resetting_chunks metrics_histogram_reservoir_resetting_interval_ms
    metrics_histogram_reservoir_significant_digits metrics_name_prefix metrics_prometheus metrics_statsd
    metrics_statsd_host metrics_statsd_port metrics_statsd_transmission_interval_ms
    min_mesos_offer_constraints_update_interval plugin_conf plugin_dir save_tasks_to_launch_timeout
    scheduler_actions_execution_context_size sentry sentry_tags ssl_keystore_password ssl_keystore_path
    storage_compaction_interval storage_compaction_scan_batch_size storage_execution_context_size suppress_offers
    task_operation_notification_timeout task_tracker_request_timeout task_update_request_timeout zk_max_concurrency
    zk_operation_base_retry_sleep_ms zk_operation_max_retries""".split())


class Refused(Exception):
    """A setting that Marathon would not start with."""


class Options:
    """Every option as an attribute; plus `zk_url` and `master_url` (zookeeper_group.Url), `libprocess_ip`, `libprocess_port`."""

    def __init__(self, environment=os.environ):
        """Raises Refused, with a sentence, for anything that the real Marathon stops at."""
        for name, (_, default) in _ACTED_ON.items():
            setattr(self, name, default)
        for key, value in environment.items():
            if key.startswith("MARATHON_") and not key.startswith("MARATHON_APP_"):
                self._set(key[len("MARATHON_"):].lower(), value)
        if not self.master:
            raise Refused("Required option 'master' not found")
        self.zk_url = self._url("zk", self.zk)
        self.master_url = self._url("master", self.master)
        self.hostname = self.hostname or socket.gethostname()
        self.mesos_user = self.mesos_user or getpass.getuser()
        self.http_credentials = self.http_credentials or environment.get("MESOSPHERE_HTTP_CREDENTIALS")
        self.libprocess_ip = environment.get("LIBPROCESS_IP") or None
        self.libprocess_port = int(environment.get("LIBPROCESS_PORT") or 0)
        self.host_port = f"{self.hostname}:{self.http_port}"

    def _set(self, name, value):
        enabled = not (name.startswith("disable_") and name not in _ACCEPTED)
        name = name if enabled else name[len("disable_"):]
        kind = _ACTED_ON.get(name, (None, None))[0]
        if kind is None and name not in _ACCEPTED or not enabled and kind not in (FLAG, None):
            raise Refused(f"Unknown option '{name}' (environment variable MARATHON_{name.upper()})")
        if kind is FLAG:  # an empty value turns it on, as a flag without an argument does
            setattr(self, name, enabled)
        elif kind is int:
            try:
                setattr(self, name, int(value))
            except ValueError:
                raise Refused(f"Bad arguments for option '{name}': '{value}' - bad Int value")
        elif kind is str:
            if not value:
                raise Refused(f"Bad arguments for option '{name}': '' - you should provide exactly one argument for this option")
            setattr(self, name, value)

    @staticmethod
    def _url(name, text):
        try:
            url = zookeeper_group.Url(text)
        except ValueError as error:
            raise Refused(f"Bad arguments for option '{name}': '{text}' - {error}")
        if url.path == "/":
            raise Refused(f"Bad arguments for option '{name}': '{text}' - a path is needed after the hosts, as in zk://host:2181/{name}")
        return url

    def shown(self, mesos_ui):
        """The three configuration parts of /v2/info. mesos_ui: the elected master's address, or None."""
        marathon = {name: getattr(self, name) for name in """
            access_control_allow_origin checkpoint decline_offer_duration default_network_name env_vars_prefix executor
            failover_timeout""".split()}
        marathon["features"] = [name for name in (self.enable_features or "").split(",") if name]
        marathon.update({name: getattr(self, name) for name in "framework_name ha hostname".split()})
        marathon["launch_token"] = self.launch_tokens
        marathon["launch_token_refresh_interval"] = self.launch_token_refresh_interval
        marathon["leader_proxy_connection_timeout_ms"] = self.leader_proxy_connection_timeout
        marathon["leader_proxy_read_timeout_ms"] = self.leader_proxy_read_timeout
        marathon.update({name: getattr(self, name) for name in """
            local_port_max local_port_min master max_instances_per_offer mesos_bridge_name mesos_heartbeat_failure_threshold
            mesos_heartbeat_interval mesos_leader_ui_url mesos_role mesos_user new_group_enforce_role min_revive_offers_interval
            offer_matching_timeout on_elected_prepare_timeout reconciliation_initial_delay reconciliation_interval
            scale_apps_initial_delay scale_apps_interval store_cache task_launch_confirm_timeout task_launch_timeout
            task_lost_expunge_initial_delay task_lost_expunge_interval task_reservation_timeout webui_url maintenance_mode
            """.split()})
        marathon["mesos_leader_ui_url"] = self.mesos_leader_ui_url or mesos_ui
        return {"marathon_config": marathon,
                "zookeeper_config": {name: getattr(self, name) for name in """
                    zk zk_compression zk_compression_threshold zk_connection_timeout zk_max_node_size zk_max_versions
                    zk_session_timeout zk_timeout""".split()},
                "http_config": {"http_port": self.http_port, "https_port": self.https_port}}
