"""What Mesos is told to run: a TaskInfo for an app's instance, with the environment that Marathon gives its tasks."""
import re

from . import OLD

_MAX_LENGTH = 512


def task_id(instance):
    """The id of the instance's present attempt."""
    return instance["id"] if OLD else f"{instance['id']}._app.{instance['attempt']}"


def instance_of(identifier):
    """The instance's id in a task's id."""
    return re.sub(r"\._app(\.\d+)?$", "", identifier)


def dotted(app_id):
    """`/a/b` -> `b.a`, a name that DNS can use."""
    return ".".join(reversed(app_id.strip("/").split("/")))


def environment(app, identifier, host, ports, prefix=None):
    """The task's variables. ports: host ports, None where the container's port is not published."""
    container = app.get("container") or {}
    mappings = container.get("portMappings")
    declared = ([(each.get("name"), each["containerPort"]) for each in mappings] if mappings
                else [(each.get("name"), each["port"]) for each in app.get("portDefinitions", [])])
    context = {"MESOS_TASK_ID": identifier, "MARATHON_APP_ID": app["id"], "MARATHON_APP_VERSION": app["version"]}
    if container.get("docker"):
        context["MARATHON_APP_DOCKER_IMAGE"] = container["docker"]["image"]
    context.update({f"MARATHON_APP_RESOURCE_{name.upper()}": str(app[name]) for name in ("cpus", "mem", "disk", "gpus")})
    context["MARATHON_APP_ENFORCE_GROUP_ROLE"] = "FALSE"
    labels = {re.sub(r"[^a-zA-Z0-9_]+", "_", name).upper(): value for name, value in app["labels"].items() if len(value) < _MAX_LENGTH}
    context["MARATHON_APP_LABELS"] = " ".join(labels)
    context.update({f"MARATHON_APP_LABEL_{name}": value for name, value in labels.items()})

    given = {"HOST": host}
    effective = [port if port is not None else inner for port, (_, inner) in zip(ports, declared)]
    for index, ((name, wanted), port) in enumerate(zip(declared, effective)):
        given[f"PORT{index}"] = given[f"PORT_{wanted or port}"] = str(port)
        if name:
            given[f"PORT_{name.upper()}"] = str(port)
    if effective:
        given["PORT"], given["PORTS"] = str(effective[0]), ",".join(map(str, effective))
    return {**context, **{(prefix or "") + name: value for name, value in given.items()}, **app.get("env", {})}


def task_info(app, instance, resources, ports, options):
    """The TaskInfo for the instance's present attempt on its agent."""
    identifier, container = task_id(instance), app.get("container")
    variables = environment(app, identifier, instance["host"], ports, options.env_vars_prefix)
    command = {"environment": {"variables": [{"name": name, "value": value} for name, value in variables.items()]},
               "user": app.get("user") or options.mesos_user}
    if app.get("args"):
        command.update(shell=False, arguments=app["args"])
        if not container:
            command["value"] = app["args"][0]
    elif app.get("cmd"):
        command.update(shell=True, value=app["cmd"])
    else:
        command["shell"] = False
    if app.get("fetch"):
        command["uris"] = [{"value": each["uri"], "extract": each["extract"], "executable": each["executable"], "cache": each["cache"]}
                           for each in app["fetch"]]
    task = {"name": dotted(app["id"]), "task_id": {"value": identifier}, "slave_id": {"value": instance["agentId"]},
            "resources": resources, "command": command,
            "discovery": {"visibility": "FRAMEWORK", "name": dotted(app["id"]), "ports": {"ports": [
                {"number": port, "protocol": protocol} for port, protocol in zip(ports, _protocols(app)) if port is not None]}}}
    if app["labels"]:
        task["labels"] = {"labels": [{"key": key, "value": value} for key, value in app["labels"].items()]}
    if app.get("taskKillGracePeriodSeconds") is not None:
        task["kill_policy"] = {"grace_period": {"nanoseconds": app["taskKillGracePeriodSeconds"] * 10**9}}
    if container:
        task["container"] = _container_info(app, container, ports, identifier)
    for check in app.get("healthChecks", []):
        if check["protocol"] == "COMMAND":
            task["health_check"] = {
                "type": "COMMAND", "command": {"shell": True, "value": check["command"]["value"]}, "delay_seconds": float(check["delaySeconds"]),
                "interval_seconds": float(check["intervalSeconds"]), "timeout_seconds": float(check["timeoutSeconds"]),
                "consecutive_failures": check["maxConsecutiveFailures"], "grace_period_seconds": float(check["gracePeriodSeconds"])}
    return task


def _protocols(app):
    return [each["protocol"] for each in app.get("portDefinitions") or (app.get("container") or {}).get("portMappings", [])]


def _container_info(app, container, ports, identifier):
    info = {"type": container["type"], "volumes": [
        {"container_path": each["containerPath"], "host_path": each["hostPath"], "mode": each["mode"]} for each in container["volumes"]]}
    if container["type"] == "MESOS":
        return {**info, "mesos": {"image": {"type": "DOCKER", "docker": {"name": container["docker"]["image"]}}} if "docker" in container else {}}
    docker, network = container["docker"], app["networks"][0]
    mappings = [{"host_port": port, "container_port": each["containerPort"] or port, "protocol": protocol}
                for each, port in zip(container.get("portMappings", []), ports) if port is not None for protocol in each["protocol"].split(",")]
    info["docker"] = {
        "image": docker["image"], "network": {"host": "HOST", "container/bridge": "BRIDGE"}.get(network["mode"], "USER"),
        "port_mappings": mappings, "privileged": docker["privileged"], "force_pull_image": docker["forcePullImage"],
        "parameters": docker["parameters"] + ([] if OLD else [{"key": "label", "value": f"MESOS_TASK_ID={identifier}"}])}
    if network.get("name"):
        info["network_infos"] = [{"name": network["name"]}]
    return info
