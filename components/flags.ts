/** Marathon's HTTP library takes these from the environment by itself. */
const mesosphere = ["MESOSPHERE_HTTP_CREDENTIALS", "MESOSPHERE_KEYSTORE_PATH", "MESOSPHERE_KEYSTORE_PASS"];

/** Of the Mesos master: each later version has all flags of 1.7.1, and more. */
const master17 = variables("MESOS", `
  acls advertise_ip advertise_port agent_ping_timeout agent_removal_rate_limit agent_reregister_timeout
  allocation_interval allocator authenticate authenticate_agents authenticate_frameworks authenticate_http
  authenticate_http_frameworks authenticate_http_readonly authenticate_http_readwrite authenticate_slaves
  authentication_v0_timeout authenticators authorizers cluster credentials domain external_log_file
  fair_sharing_excluded_resource_names filter_gpu_resources firewall_rules framework_sorter hooks hostname
  hostname_lookup http_authenticators http_framework_authenticators initialize_driver_logging ip
  ip_discovery_command log_auto_initialize log_dir logbufsecs logging_level master_contender master_detector
  max_agent_ping_timeouts max_completed_frameworks max_completed_tasks_per_framework max_executors_per_agent
  max_executors_per_slave max_slave_ping_timeouts max_unreachable_tasks_per_framework memory_profiling
  min_allocatable_resources modules modules_dir offer_timeout port quiet quorum rate_limits
  recovery_agent_removal_limit recovery_slave_removal_limit registry registry_fetch_timeout registry_gc_interval
  registry_max_agent_age registry_max_agent_count registry_store_timeout registry_strict require_agent_domain
  role_sorter roles root_submissions slave_ping_timeout slave_removal_rate_limit slave_reregister_timeout
  user_sorter webui_dir weights whitelist work_dir zk zk_session_timeout`);
const master111 = [...master17, ...variables("MESOS", `
  allocator_agent_recovery_factor allocator_recovery_timeout max_operator_event_stream_subscribers
  offer_constraints_re2_max_mem offer_constraints_re2_max_program_size publish_per_framework_metrics`)];

/** Of the slave, likewise. */
const slave17 = variables("MESOS", `
  acls advertise_ip advertise_port agent_features agent_subsystems allowed_capabilities allowed_devices
  appc_simple_discovery_uri_prefix appc_store_dir attributes authenticate_http_executors
  authenticate_http_readonly authenticate_http_readwrite authenticatee authentication_backoff_factor
  authentication_timeout_max authentication_timeout_min authorizer bounding_capabilities
  cgroups_cpu_enable_pids_and_tids_count cgroups_destroy_timeout cgroups_enable_cfs cgroups_hierarchy
  cgroups_limit_swap cgroups_net_cls_primary_handle cgroups_net_cls_secondary_handles cgroups_root
  check_agent_port_range_only container_disk_watch_interval container_logger container_ports_watch_interval
  containerizers credential default_container_dns default_container_info default_role
  disallow_sharing_agent_pid_namespace disk_profile_adaptor disk_watch_interval docker docker_config
  docker_kill_orphans docker_mesos_image docker_registry docker_remove_delay docker_socket docker_stop_timeout
  docker_store_dir docker_volume_checkpoint_dir domain effective_capabilities egress_flow_classifier_parent
  egress_rate_limit_per_container egress_unique_flow_per_container enforce_container_disk_quota
  enforce_container_ports ephemeral_ports_per_container eth0_name executor_environment_variables
  executor_registration_timeout executor_reregistration_retry_interval executor_reregistration_timeout
  executor_secret_key executor_shutdown_grace_period external_log_file fetcher_cache_dir fetcher_cache_size
  fetcher_stall_timeout firewall_rules frameworks_home gc_delay gc_disk_headroom
  gc_non_executor_container_sandboxes hadoop_home hooks hostname hostname_lookup http_authenticators
  http_command_executor http_credentials http_heartbeat_interval image_gc_config image_providers
  image_provisioner_backend initialize_driver_logging ip ip6 ip6_discovery_command ip_discovery_command isolation
  jwt_secret_key launcher launcher_dir lo_name log_dir logbufsecs logging_level master master_detector
  max_completed_executors_per_framework memory_profiling modules modules_dir network_cni_config_dir
  network_cni_metrics network_cni_plugins_dir network_cni_root_dir_persist network_enable_snmp_statistics
  network_enable_socket_statistics_details network_enable_socket_statistics_summary nvidia_gpu_devices
  oversubscribed_resources_interval perf_duration perf_events perf_interval port qos_controller
  qos_correction_interval_min quiet reconfiguration_policy recover recovery_timeout registration_backoff_factor
  resource_estimator resource_provider_config_dir resources revocable_cpu_low_priority runtime_dir
  sandbox_directory secret_resolver slave_subsystems strict switch_user systemd_enable_support
  systemd_runtime_directory work_dir xfs_kill_containers xfs_project_range zk_session_timeout`);
const slave111 = [...slave17, ...variables("MESOS", `
  container_ports_isolated_range csi_plugin_config_dir default_container_shm_size
  disallow_sharing_agent_ipc_namespace docker_ignore_runtime docker_volume_chown domain_socket_location
  host_path_volume_force_creation http_executor_domain_sockets seccomp_config_dir seccomp_profile_name
  volume_gid_range`)];

/** What Marathon 1.8 and 1.11 have in common. */
const marathonBoth = variables("MARATHON", `
  access_control_allow_origin app_info_module_execution_context_size assets_path backup_location checkpoint
  decline_offer_duration default_accepted_resource_roles default_info_service_execution_context_size
  default_network_name deployment_manager_request_timeout deprecated_features disable_checkpoint disable_ha
  disable_http disable_http_compression disable_internal_version_caching disable_maintenance_mode
  disable_mesos_authentication disable_metrics disable_metrics_datadog
  disable_metrics_histogram_reservoir_reset_periodically disable_metrics_prometheus disable_metrics_statsd
  disable_store_cache disable_suppress_offers disable_zk_compression draining_seconds enable_features
  env_vars_prefix event_stream_max_outstanding_messages executor failover_timeout framework_name
  gpu_scheduling_behavior graceful_shutdown_timeout group_manager_execution_context_size
  group_manager_request_timeout group_versions_cache_size ha hostname http_address http_compression
  http_credentials http_max_concurrent_requests http_port http_realm https_address https_port
  instance_tracker_num_parallel_loads instance_tracker_num_parallel_updates instance_tracker_update_queue_size
  internal_store_backend internal_version_caching kill_chunk_size kill_retry_timeout launch_queue_request_timeout
  launch_token_refresh_interval launch_tokens leader_election_backend leader_proxy_connection_timeout
  leader_proxy_max_open_connections leader_proxy_read_timeout leader_proxy_ssl_ignore_hostname local_port_max
  local_port_min logging_level logstash maintenance_mode master max_actor_startup_time max_apps
  max_concurrent_marathon_health_checks max_instances_per_offer max_parallel_offers max_parallel_status_updates
  max_queued_offers max_queued_root_group_updates max_queued_status_updates max_running_deployments
  mesos_authentication mesos_authentication_principal mesos_authentication_secret mesos_authentication_secret_file
  mesos_bridge_name mesos_heartbeat_failure_threshold mesos_heartbeat_interval mesos_leader_ui_url mesos_role
  mesos_user metrics metrics_datadog metrics_datadog_api_key metrics_datadog_host metrics_datadog_port
  metrics_datadog_protocol metrics_datadog_transmission_interval_ms
  metrics_histogram_reservoir_highest_trackable_value metrics_histogram_reservoir_reset_periodically
  metrics_histogram_reservoir_resetting_chunks metrics_histogram_reservoir_resetting_interval_ms
  metrics_histogram_reservoir_significant_digits metrics_name_prefix metrics_prometheus metrics_statsd
  metrics_statsd_host metrics_statsd_port metrics_statsd_transmission_interval_ms min_revive_offers_interval
  offer_matching_timeout on_elected_prepare_timeout plugin_conf plugin_dir reconciliation_initial_delay
  reconciliation_interval scale_apps_initial_delay scale_apps_interval scheduler_actions_execution_context_size
  sentry sentry_tags ssl_keystore_password ssl_keystore_path storage_compaction_interval
  storage_compaction_scan_batch_size storage_execution_context_size store_cache suppress_offers
  task_launch_confirm_timeout task_launch_timeout task_lost_expunge_initial_delay task_lost_expunge_interval
  task_operation_notification_timeout task_reservation_timeout task_tracker_request_timeout
  task_update_request_timeout webui_url zk zk_compression zk_compression_threshold zk_connection_timeout
  zk_max_concurrency zk_max_node_size zk_max_versions zk_operation_base_retry_sleep_ms zk_operation_max_retries
  zk_session_timeout zk_timeout`);

/**
 * The environment variables that are flags of Mesos, options of Marathon and settings of ZooKeeper's image. Mesos ignores a variable that names none of
 * its flags, and Marathon does not start with one.
 *
 * From the sources at the tags of the versions: `flags.cpp` and `main.cpp` of master and slave with `logging/flags.cpp`,
 * names that are deprecated included; every `opt` and `toggle` of Marathon's and its HTTP library's configuration. Those
 * that make the program print something and end, `help` and `version`, are left out, as are `killsPerBatch` and
 * `killBatchDuration`: Marathon reads a variable's name in small letters only.
 *
 * 1.11.0-0.9.0 is ClusterD (m3scluster/clusterd). Its source also reads MESOS_LOG_AUTO_COMPACT_DISABLED (`src/log/leveldb.cpp`) and
 * MESOS_NVIDIA_LIB (`nvml.cpp` of the slave), which are no flags. Marathon 1.11.24 has no tag: by its script `version` it is
 * the last commit of the branch releases/1.11, 9ee9f3ceb.
 */
export const flags = {
  /**
   * Of the official image, which ignores what it does not know: its Dockerfile and entrypoint, the same from 3.6.4 to 3.9.4
   * (31z4/zookeeper-docker), and ZooKeeper's own zkServer.sh and zkEnv.sh.
   */
  zookeeper: variables("ZOO", `
    4lw_commands_whitelist adminserver_enabled autopurge_purgeinterval autopurge_snapretaincount cfg_extra conf_dir
    data_dir data_log_dir datadir_autocreate_disable init_limit log4j_prop log_dir max_client_cnxns my_id noexec
    servers standalone_enabled sync_limit tick_time`),
  mesosMaster: {
    "0.23.0": variables("MESOS", `
    acls allocation_interval allocator authenticate authenticate_slaves authenticators cluster credentials
    external_log_file firewall_rules framework_sorter hooks hostname initialize_driver_logging ip
    log_auto_initialize log_dir logbufsecs logging_level max_executors_per_slave max_slave_ping_timeouts modules
    offer_timeout port quiet quorum rate_limits recovery_slave_removal_limit registry registry_fetch_timeout
    registry_store_timeout registry_strict roles root_submissions slave_ping_timeout slave_removal_rate_limit
    slave_reregister_timeout user_sorter webui_dir weights whitelist work_dir zk zk_session_timeout`),
    "1.7.1": master17,
    "1.11.0": master111,
    "1.11.0-0.9.0": [...master111, ...variables("MESOS", "cleanup_log_files log_auto_compact_disabled")],
  },
  mesosSlave: {
    "0.23.0": variables("MESOS", `
    attributes authenticatee cgroups_cpu_enable_pids_and_tids_count cgroups_enable_cfs cgroups_hierarchy
    cgroups_limit_swap cgroups_root container_disk_watch_interval containerizer_path containerizers credential
    default_container_image default_container_info default_role disk_watch_interval docker docker_kill_orphans
    docker_mesos_image docker_remove_delay docker_sandbox_directory docker_socket docker_stop_timeout
    egress_rate_limit_per_container egress_unique_flow_per_container enforce_container_disk_quota
    ephemeral_ports_per_container eth0_name executor_environment_variables executor_registration_timeout
    executor_shutdown_grace_period external_log_file fetcher_cache_dir fetcher_cache_size firewall_rules
    frameworks_home gc_delay gc_disk_headroom hadoop_home hooks hostname initialize_driver_logging ip isolation
    launcher_dir lo_name log_dir logbufsecs logging_level master modules network_enable_socket_statistics_details
    network_enable_socket_statistics_summary oversubscribed_resources_interval perf_duration perf_events
    perf_interval port qos_controller qos_correction_interval_min quiet recover recovery_timeout
    registration_backoff_factor resource_estimator resource_monitoring_interval resources
    revocable_cpu_low_priority slave_subsystems strict switch_user work_dir`),
    "1.7.1": slave17,
    "1.11.0": slave111,
    "1.11.0-0.9.0": [...slave111, ...variables("MESOS", `
    cleanup_log_files egress_burst egress_ceil_limit egress_rate_per_cpu ingress_burst ingress_ceil_limit
    ingress_isolate_existing_containers ingress_rate_limit_per_container ingress_rate_per_cpu
    maximum_egress_rate_limit maximum_ingress_rate_limit minimum_egress_rate_limit minimum_ingress_rate_limit
    network_enable_rate_statistics network_link_speed network_rate_statistics_interval
    network_rate_statistics_window nvidia_lib xfs_quota_headroom`)],
  },
  marathon: {
    "0.10.1": [...mesosphere, ...variables("MARATHON", `
    access_control_allow_origin artifact_store assets_path checkpoint decline_offer_duration
    default_accepted_resource_roles disable_http disable_metrics enable_metrics enable_tracing env_vars_prefix
    event_stream_max_outstanding_messages event_subscriber executor failover_timeout framework_name ha hostname
    http_address http_credentials http_endpoints http_max_concurrent_requests http_port http_realm https_address
    https_port internal_store_backend leader_proxy_connection_timeout leader_proxy_read_timeout local_port_max
    local_port_min logging_level marathon_store_timeout master max_tasks_per_offer max_tasks_per_offer_cycle
    mesos_authentication_principal mesos_authentication_secret_file mesos_role mesos_user
    min_revive_offers_interval reconciliation_initial_delay reconciliation_interval revive_offers_for_new_apps
    scale_apps_initial_delay scale_apps_interval ssl_keystore_password ssl_keystore_path task_launch_timeout
    webui_url zk zk_max_versions zk_session_timeout zk_timeout`)],
    "1.8.222": [...mesosphere, ...marathonBoth, ...variables("MARATHON", `
    disable_revive_offers_for_new_apps revive_offers_for_new_apps revive_offers_repetitions`)],
    "1.11": [...mesosphere, ...marathonBoth, ...variables("MARATHON", `
    accepted_resource_roles_default_behavior disable_mesos_offer_constraints mesos_offer_constraints
    min_mesos_offer_constraints_update_interval new_group_enforce_role`)],
  },
} as const;

function variables(prefix: string, names: string): readonly string[] {
  return names.trim().split(/\s+/).map((name) => `${prefix}_${name.toUpperCase()}`);
}
