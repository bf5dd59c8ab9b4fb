"""Resources, tasks and statuses: how the stand-ins' master and slave count them, send them and show them."""
import re
import time

TERMINAL = {"TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_LOST", "TASK_ERROR", "TASK_DROPPED", "TASK_GONE"}
STATES = ("staging", "starting", "running", "killing", "finished", "killed", "failed", "lost", "error", "dropped", "gone",
          "gone_by_operator", "unreachable")
SLAVE_CAPABILITIES = ["MULTI_ROLE", "HIERARCHICAL_ROLE", "RESERVATION_REFINEMENT", "RESOURCE_PROVIDER", "RESIZE_VOLUME",
                      "AGENT_OPERATION_FEEDBACK", "AGENT_DRAINING", "TASK_RESOURCE_LIMITS"]


class Resources(dict):
    """Amounts by name: numbers (cpus, mem in MiB, disk in MiB, …), and `ports` as a set of numbers."""

    @classmethod
    def parse(cls, text):
        """`cpus:2;mem:1024;ports:[31000-32000]`; ValueError if malformed. Roles in brackets are accepted and dropped."""
        result = cls()
        for part in filter(None, (piece.strip() for piece in text.split(";"))):
            match = re.fullmatch(r"([\w-]+)(?:\([^)]*\))?:(?:([\d.]+)|\[([\d\s,-]+)\])", part)
            if not match:
                raise ValueError(f"Bad value for resources, missing or extra ':' in '{part}'")
            if match[2]:
                result[match[1]] = float(match[2])
            else:
                ends = [piece.split("-") for piece in match[3].split(",")]
                result[match[1]] = {port for begin, end in ends for port in range(int(begin), int(end) + 1)}
        return result

    @classmethod
    def read(cls, messages):
        """From Mesos's list of {name, type, scalar | ranges}."""
        result = cls()
        for item in messages or []:
            if "scalar" in item:
                result[item["name"]] = result.get(item["name"], 0.0) + item["scalar"]["value"]
            else:
                result.setdefault(item["name"], set()).update(
                    port for part in item["ranges"]["range"] for port in range(part["begin"], part["end"] + 1))
        return result

    def write(self, role="*", **more):
        """To Mesos's list; empty amounts are left out. `role`: whom all of it is reserved for. `more` goes into every entry (allocation_info)."""
        return [{"name": name, **({"type": "RANGES", "ranges": {"range": ranges(value)}} if isinstance(value, set) else
                                  {"type": "SCALAR", "scalar": {"value": value}}), "role": role, **more}
                for name, value in self.items() if value]

    def __add__(self, other):
        return Resources({name: (self.get(name, set()) | other.get(name, set())) if name == "ports" else
                          round(self.get(name, 0) + other.get(name, 0), 3) for name in {**self, **other}})

    def __sub__(self, other):
        return Resources({name: value - other.get(name, set()) if isinstance(value, set) else
                          max(0, round(value - other.get(name, 0), 3)) for name, value in self.items()})

    def covers(self, other):
        """Whether `other` fits into this."""
        return all(value <= self.get(name, set() if isinstance(value, set) else 0) for name, value in other.items() if value)

    def show(self):
        """As the HTTP answers have it."""
        shown = {name: plain(self.get(name, 0)) for name in ("disk", "mem", "gpus", "cpus")}
        for name, value in self.items():
            if isinstance(value, set) and value:
                shown[name] = "[" + ", ".join(f"{part['begin']}-{part['end']}" for part in ranges(value)) + "]"
            elif name not in shown and value:
                shown[name] = plain(value)
        return shown


def plain(number):
    """2.0 -> 2, as Mesos prints numbers."""
    return int(number) if number == int(number) else number


def ranges(ports):
    """{1, 2, 4} -> [{begin: 1, end: 2}, {begin: 4, end: 4}]"""
    result = []
    for port in sorted(ports):
        if result and result[-1]["end"] == port - 1:
            result[-1]["end"] = port
        else:
            result.append({"begin": port, "end": port})
    return result


def total(parts):
    """The sum of many."""
    result = Resources()
    for part in parts:
        result = result + part
    return result


def new_task(info, framework_id):
    """A Task (what master and slave remember and tell each other) from the TaskInfo that the framework sent."""
    kept = ("name", "task_id", "slave_id", "resources", "container", "discovery", "labels", "health_check", "kill_policy")
    return {"framework_id": {"value": framework_id}, "state": "TASK_STAGING", "statuses": [],
            **{name: info[name] for name in kept if info.get(name)}}


def apply_status(task, status):
    """Take a TaskStatus into a Task: the last of equal states only, and nothing after a terminal one."""
    if task["state"] in TERMINAL:
        return
    task["state"] = status["state"]
    if task["statuses"] and task["statuses"][-1]["state"] == status["state"]:
        task["statuses"].pop()
    task["statuses"].append(status)


def show_task(task):
    """A Task as the HTTP answers have it."""
    shown = {"id": task["task_id"]["value"], "name": task["name"], "framework_id": task["framework_id"]["value"], "executor_id": "",
             "slave_id": task["slave_id"]["value"], "state": task["state"], "resources": Resources.read(task.get("resources")).show(),
             "role": "*", "statuses": [{name: status[name] for name in ("state", "timestamp", "labels", "container_status", "healthy")
                                        if name in status} for status in task["statuses"]]}
    if "labels" in task:
        shown["labels"] = task["labels"].get("labels", [])
    return {**shown, **{name: task[name] for name in ("discovery", "container", "health_check") if name in task}}


def show_role(info):
    """`role`, or `roles` where the framework has the capability MULTI_ROLE."""
    if "MULTI_ROLE" in capabilities(info):
        return {"roles": info.get("roles") or ["*"]}
    return {"role": info.get("role") or "*"}


def roles_of(info):
    """The roles of a framework."""
    return (info.get("roles") if "MULTI_ROLE" in capabilities(info) else None) or [info.get("role") or "*"]


def reserved_for(resources):
    """The role that a slave's list of resources is reserved for; here all of them are for the same one."""
    return next((item.get("role", "*") for item in resources), "*")


def show_reserved(resources, role):
    """What is reserved and what is not, as the HTTP answers have it."""
    nobodys = role == "*"
    return {"reserved_resources": {} if nobodys else {role: resources.show()},
            "unreserved_resources": (resources if nobodys else Resources()).show()}


def show_reserved_full(resources, role):
    nobodys = role == "*"
    return {"reserved_resources_full": {} if nobodys else {role: resources.write(role)},
            "unreserved_resources_full": resources.write() if nobodys else []}


def capabilities(info):
    """Names of a FrameworkInfo's capabilities."""
    return [item["type"] for item in info.get("capabilities", [])]


def status_of(task, state, message, source, reason, **more):
    """A TaskStatus that master or slave makes itself."""
    return {"task_id": task["task_id"], "slave_id": task["slave_id"], "state": state, "message": message,
            "source": source, "reason": reason, "timestamp": time.time(), **more}


def system_metrics():
    """`system/…` of /metrics/snapshot."""
    import os
    loads, page = os.getloadavg(), os.sysconf("SC_PAGE_SIZE")
    return {"system/cpus_total": os.cpu_count(), "system/load_1min": loads[0], "system/load_5min": loads[1],
            "system/load_15min": loads[2], "system/mem_free_bytes": os.sysconf("SC_AVPHYS_PAGES") * page,
            "system/mem_total_bytes": os.sysconf("SC_PHYS_PAGES") * page}


def used_metrics(prefix, everything, used):
    """`<prefix>cpus_total`, `…_used`, `…_percent` and their revocable twins (always none)."""
    result = {}
    for name in ("cpus", "gpus", "mem", "disk"):
        whole, part = everything.get(name, 0), used.get(name, 0)
        result.update({f"{prefix}{name}_total": whole, f"{prefix}{name}_used": part, f"{prefix}{name}_percent": part / whole if whole else 0,
                       f"{prefix}{name}_revocable_total": 0, f"{prefix}{name}_revocable_used": 0, f"{prefix}{name}_revocable_percent": 0})
    return result
