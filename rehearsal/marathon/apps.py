"""App definitions: read, checked, brought into the canonical form that Marathon 1.5+ answers with, compared, changed."""
import re

from .schema import REQUIRED, Invalid, anything, array, boolean, integer, mapping, number, read, record, string

ID = r"^(\/?((\.\.)|(([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])\.)*([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9]))?($|\/))+$"
NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
PORT = integer(0, 65535)
PROTOCOL = string(choices=("tcp", "udp", "udp,tcp"))
MARATHON_CHECKS = ("HTTP", "HTTPS", "TCP")
OPERATORS = ("UNIQUE", "CLUSTER", "GROUP_BY", "LIKE", "UNLIKE", "MAX_PER", "IS")


def _text(value, path, errors):
    # Environment values may be secrets ({"secret": …}), which nobody can give here: text only.
    return string()(value, path, errors)


_port_mapping = record({
    "containerPort": (PORT, 0), "hostPort": PORT, "labels": (mapping(string()), dict), "name": string(NAME),
    "protocol": (PROTOCOL, "tcp"), "servicePort": (PORT, 0), "networkNames": array(string())})
_port_definition = record({
    "port": (PORT, 0), "labels": mapping(string()), "name": string(NAME), "protocol": (PROTOCOL, "tcp")})
_docker = record({
    "forcePullImage": (boolean, False), "image": (string(minimum=1), REQUIRED), "network": string(choices=("BRIDGE", "HOST", "NONE", "USER")),
    "parameters": (array(record({"key": (string(minimum=1), REQUIRED), "value": (string(), REQUIRED)})), list),
    "portMappings": array(_port_mapping), "privileged": (boolean, False)})
_container = record({
    "type": (string(choices=("MESOS", "DOCKER")), "DOCKER"), "docker": _docker,
    "volumes": (array(record({"containerPath": (string(minimum=1), REQUIRED), "hostPath": (string(minimum=1), REQUIRED),
                              "mode": (string(choices=("RO", "RW")), REQUIRED)})), list),
    "portMappings": array(_port_mapping)})
_health_check = record({
    "command": record({"value": (string(), REQUIRED)}), "gracePeriodSeconds": (integer(0), 300), "ignoreHttp1xx": boolean,
    "intervalSeconds": (integer(0), 60), "maxConsecutiveFailures": (integer(0), 3), "path": string(), "port": PORT, "portIndex": PORT,
    "protocol": (string(choices=("HTTP", "HTTPS", "TCP", "COMMAND", "MESOS_TCP", "MESOS_HTTP", "MESOS_HTTPS")), "HTTP"),
    "ipProtocol": (string(choices=("IPv4", "IPv6")), "IPv4"), "timeoutSeconds": (integer(0), 20), "delaySeconds": (integer(0), 15)})


def _unreachable(value, path, errors):
    if value == "disabled":
        return value
    return record({"inactiveAfterSeconds": (integer(0), 0), "expungeAfterSeconds": (integer(0), 0)})(value, path, errors)


# In the order in which Marathon shows them.
_app = record({
    "id": (string(ID, 1), REQUIRED), "acceptedResourceRoles": array(string()), "args": array(string()),
    "backoffFactor": (number(1), 1.15), "backoffSeconds": (integer(0), 1), "cmd": string(minimum=1),
    "constraints": array(array(string(), 2, 3)), "container": _container, "cpus": (number(0.001), 1.0),
    "dependencies": array(string(ID)), "disk": (number(0), 0.0), "env": mapping(_text), "executor": (string(), ""),
    "fetch": array(record({"uri": (string(minimum=1), REQUIRED), "extract": (boolean, True), "executable": (boolean, False),
                           "cache": (boolean, False), "destPath": string()})),
    "healthChecks": array(_health_check), "instances": (integer(0), 1), "labels": (mapping(string()), dict),
    "maxLaunchDelaySeconds": (integer(0), 300), "mem": (number(0), 128.0), "gpus": (integer(0), 0),
    "networks": array(record({"name": string(), "mode": (string(choices=("container", "container/bridge", "host")), "container"),
                              "labels": mapping(string())})),
    "ports": array(PORT), "portDefinitions": array(_port_definition), "readinessChecks": array(anything),
    "requirePorts": (boolean, False), "taskKillGracePeriodSeconds": integer(0),
    "upgradeStrategy": (record({"maximumOverCapacity": (number(0, 1), 1.0), "minimumHealthCapacity": (number(0, 1), 1.0)}),
                        lambda: {"maximumOverCapacity": 1.0, "minimumHealthCapacity": 1.0}),
    "uris": array(string(minimum=1)), "user": string(), "version": string(), "versionInfo": anything,
    "killSelection": (string(choices=("YOUNGEST_FIRST", "OLDEST_FIRST")), "YOUNGEST_FIRST"),
    "unreachableStrategy": (_unreachable, lambda: {"inactiveAfterSeconds": 0, "expungeAfterSeconds": 0}),
    "tty": boolean, "role": string(minimum=1)})
_ORDER = ["id", "acceptedResourceRoles", "args", "backoffFactor", "backoffSeconds", "cmd", "constraints", "container", "cpus",
          "dependencies", "disk", "env", "executor", "fetch", "healthChecks", "instances", "labels", "maxLaunchDelaySeconds", "mem",
          "gpus", "networks", "portDefinitions", "readinessChecks", "requirePorts", "taskKillGracePeriodSeconds", "upgradeStrategy",
          "user", "version", "versionInfo", "killSelection", "unreachableStrategy", "tty", "role"]
_OMITTED_WHEN_EMPTY = ("args", "constraints", "dependencies", "env", "fetch", "healthChecks", "readinessChecks")
_NO_UPGRADE = ("version", "versionInfo", "instances")


def path_id(text, base="/"):
    """`a`, `../b` or `/c` below base -> an absolute id such as `/x/a`, without a slash at its end."""
    parts = [] if text.startswith("/") else [part for part in base.split("/") if part]
    for part in text.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part and part != ".":
            parts.append(part)
    return "/" + "/".join(parts)


def parent(identifier):
    return identifier.rpartition("/")[0] or "/"


def create(value, base="/", role="*"):
    """A complete definition from JSON; Invalid if it cannot be one. `role`: which one it gets where it names none."""
    return _canonical({"role": role, **read(_app, value)}, base)


def update(existing, value):
    """An existing definition with the given fields replaced, each as a whole."""
    changes = read(_app, value, partial=True)
    changes.pop("versionInfo", None)
    if set(changes) - {"version", "id"} and "version" in changes:
        raise Invalid("Object is not valid", {"/": ["The 'version' field may only be combined with the 'id' field."]})
    merged = {**existing, **changes}
    container = changes.get("container")
    network = (container or {}).get("docker", {}).get("network")
    if network or "ports" in changes:  # the old way of saying it replaces the new one that is stored
        merged.pop("networks" if network else "portDefinitions", None)
    if container and not container.get("portMappings") and not container.get("docker", {}).get("portMappings") and not network:
        kept = (existing.get("container") or {}).get("portMappings")
        if kept:
            merged["container"] = {**container, "portMappings": kept}
    return _canonical({**merged, "id": existing["id"]}, "/")


def _canonical(app, base):
    app = dict(app)
    app["id"] = path_id(app["id"], base)
    container = app["container"] = dict(app["container"]) if app.get("container") else None
    legacy_network, problems = None, []
    if container and container.get("docker"):
        docker = container["docker"] = dict(container["docker"])
        legacy_network, legacy_mappings = docker.pop("network", None), docker.pop("portMappings", None)
        if legacy_mappings is not None:
            if container.get("portMappings"):
                problems.append("cannot specify both portMappings and docker.portMappings")
            container["portMappings"] = legacy_mappings
        if legacy_network and app.get("networks"):
            problems.append("must not specify both container.docker.network and networks")
    if legacy_network and not app.get("networks"):
        if legacy_network == "NONE":
            problems.append("unsupported docker network type NONE")
        app["networks"] = [{"mode": {"BRIDGE": "container/bridge", "USER": "container"}.get(legacy_network, "host")}]
    app["networks"] = app.get("networks") or [{"mode": "host"}]
    host_mode = any(network["mode"] == "host" for network in app["networks"])

    ports, definitions = app.pop("ports", None), app.get("portDefinitions")
    if ports is not None:
        if definitions is not None and [each["port"] for each in definitions] != ports:
            problems.append("cannot specify both ports and port definitions")
        definitions = [{"port": port, "protocol": "tcp"} for port in ports] if definitions is None else definitions
        if ports and "name" not in definitions[0]:
            definitions[0] = {"port": ports[0], "name": "default", "protocol": "tcp"}
    if host_mode:
        if container:
            container.pop("portMappings", None)
        if definitions is None:
            definitions = [{"port": 0, "name": "default", "protocol": "tcp"}]
        app["portDefinitions"] = [{key: each[key] for key in ("port", "labels", "name", "protocol") if each.get(key) not in (None, {})} for each in definitions]
    else:
        app.pop("portDefinitions", None)
        app["requirePorts"] = False
        container = app["container"] = container or {"type": "MESOS", "volumes": []}
        mappings = container.get("portMappings")
        if mappings is None:
            mappings = [{"containerPort": 0, "hostPort": 0, "labels": {}, "name": "default", "protocol": "tcp", "servicePort": 0}]
        mappings = mappings + [{"containerPort": 0, "labels": {}, "protocol": "tcp", "servicePort": 0}] * (len(definitions or []) - len(mappings))
        bridge = app["networks"][0]["mode"] == "container/bridge"
        container["portMappings"] = [
            {key: value for key in ("containerPort", "hostPort", "labels", "name", "protocol", "servicePort", "networkNames")
             if (value := ({"hostPort": 0} if bridge else {}) .get(key) if each.get(key) is None else each[key]) is not None} for each in mappings]
    if container:
        container = {key: container[key] for key in ("type", "docker", "volumes", "portMappings") if container.get(key) is not None}
        if "docker" in container:
            container["docker"] = {key: container["docker"][key] for key in ("forcePullImage", "image", "parameters", "privileged")}
        app["container"] = container

    for uri in app.pop("uris", None) or []:
        packed = uri.endswith((".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".zip"))
        app["fetch"] = [*(app.get("fetch") or []), {"uri": uri, "extract": packed, "executable": False, "cache": False}]
    app["dependencies"] = [path_id(each, parent(app["id"])) for each in app.get("dependencies") or []]
    checks = app["healthChecks"] = [dict(check) for check in app.get("healthChecks") or []]
    for check in checks:
        if check["protocol"] in ("HTTP", "HTTPS", "TCP", "MESOS_HTTP", "MESOS_HTTPS", "MESOS_TCP"):
            if check["protocol"].endswith(("HTTP", "HTTPS")):
                check.setdefault("path", "/")
            if check["protocol"] in ("HTTP", "HTTPS"):
                check.setdefault("ignoreHttp1xx", False)
            if "port" not in check:
                check.setdefault("portIndex", 0)
    app["healthChecks"] = [{key: check[key] for key in (
        "command", "gracePeriodSeconds", "ignoreHttp1xx", "intervalSeconds", "maxConsecutiveFailures", "path", "port", "portIndex",
        "protocol", "ipProtocol", "timeoutSeconds", "delaySeconds") if key in check} for check in checks]
    _validate(app, problems)
    return {key: app[key] for key in _ORDER if app.get(key) is not None and not (key in _OMITTED_WHEN_EMPTY and not app[key])}


def _validate(app, problems):
    errors = {"/": problems} if problems else {}

    def wrong(path, sentence):
        errors.setdefault(path, []).append(sentence)

    container = app.get("container")
    if app["id"] == "/":
        wrong("/", "must not be root")
    if app.get("cmd") is not None and len(app["cmd"]) <= 1:
        wrong("/", "must not be an empty string")
    if not (bool(app.get("cmd")) ^ bool(app.get("args"))) and not (container and not (app.get("cmd") and app.get("args"))):
        wrong("/", "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.")
    if container and container["type"] == "DOCKER" and not container.get("docker"):
        wrong("/container/docker", "not defined")
    ports = app.get("portDefinitions") if "portDefinitions" in app else container.get("portMappings")
    names = [port["name"] for port in ports if port.get("name")]
    where = "/portDefinitions" if "portDefinitions" in app else "/container/portMappings"
    if len(set(names)) < len(names):
        wrong(where, "Port names must be unique.")
    fixed = [port["port"] for port in app.get("portDefinitions", []) if port["port"]]
    if len(set(fixed)) < len(fixed):
        wrong(where, "Ports must be unique.")
    for index, check in enumerate(app["healthChecks"]):
        if check["protocol"] in MARATHON_CHECKS and not check.get("port") and check["portIndex"] >= len(ports):
            wrong(f"/healthChecks({index})", "Health check port indices must address an element of the ports array or container port mappings.")
        if check["protocol"] == "COMMAND" and not check.get("command"):
            wrong(f"/healthChecks({index})", "COMMAND needs a command")
    for index, (_, operator, *value) in enumerate(app.get("constraints") or []):
        problem = None
        if operator not in OPERATORS:
            problem = f"operator must be one of {', '.join(OPERATORS)}"
        elif operator == "UNIQUE" and value:
            problem = "UNIQUE takes no value"
        elif operator in ("LIKE", "UNLIKE", "IS", "MAX_PER") and not value:
            problem = f"{operator} needs a value"
        elif operator == "MAX_PER" and not value[0].isdigit() or operator == "GROUP_BY" and value and not value[0].isdigit():
            problem = f"the value of {operator} must be a number"
        elif operator in ("LIKE", "UNLIKE"):
            try:
                re.compile(value[0])
            except re.error:
                problem = f"'{value[0]}' is not a regular expression"
        if problem:
            wrong(f"/constraints({index})", problem)
    if app.get("acceptedResourceRoles") == []:
        wrong("/acceptedResourceRoles", "must not be empty")
    strategy = app["unreachableStrategy"]
    if strategy != "disabled" and strategy["inactiveAfterSeconds"] > strategy["expungeAfterSeconds"]:
        wrong("/unreachableStrategy", "inactiveAfterSeconds must not be greater than expungeAfterSeconds")
    if errors:
        raise Invalid("Object is not valid", errors)


def is_upgrade(old, new):
    """Whether running tasks would have to be replaced."""
    return any(old.get(key) != new.get(key) for key in _ORDER if key not in _NO_UPGRADE)


def service_ports(app):
    if "portDefinitions" in app:
        return [each["port"] for each in app["portDefinitions"]]
    return [each["servicePort"] for each in (app.get("container") or {}).get("portMappings", [])]


def assign_service_ports(app, existing, taken, low, high):
    """app with a number for every service port 0: those of the existing definition first, then free ones from low on."""
    wanted = service_ports(app)
    if 0 not in wanted:
        return app
    kept = [port for port in (service_ports(existing) if existing else []) if port not in wanted]
    taken = set(taken) | set(wanted)
    free = (port for port in range(low, high + 1) if port not in taken)
    numbers = []
    for port in wanted:
        number_ = port or (kept.pop(0) if kept else next(free, None))
        if number_ is None:
            raise Invalid("Object is not valid", {"/": ["No free port left between local_port_min and local_port_max"]})
        numbers.append(number_)
    app = dict(app)
    if "portDefinitions" in app:
        app["portDefinitions"] = [{**each, "port": port} for each, port in zip(app["portDefinitions"], numbers)]
    else:
        mappings = [{**each, "servicePort": port} for each, port in zip(app["container"]["portMappings"], numbers)]
        app["container"] = {**app["container"], "portMappings": mappings}
    return app


def ordered(app):
    """The keys in the order in which Marathon shows them."""
    return {key: app[key] for key in _ORDER if key in app}


def old_form(app):
    """The definition as the 0.x line shows it: ports and uris, networks and port mappings inside of container.docker."""
    newer = ("networks", "portDefinitions", "fetch", "killSelection", "unreachableStrategy", "role", "gpus")
    shown = {name: value for name, value in app.items() if name not in newer}
    shown.update(ports=service_ports(app), uris=[each["uri"] for each in app.get("fetch", [])], storeUrls=[], env=app.get("env", {}),
                 constraints=app.get("constraints", []), dependencies=app.get("dependencies", []), healthChecks=app.get("healthChecks", []))
    if (app.get("container") or {}).get("docker"):
        container, mode = dict(app["container"]), app["networks"][0]["mode"]
        mappings = container.pop("portMappings", None)
        shown["container"] = {**container, "docker": {**container["docker"], "network": "HOST" if mode == "host" else "BRIDGE",
                                                      **({"portMappings": mappings} if mappings else {})}}
    return shown
