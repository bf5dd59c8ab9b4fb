"""Which offer an app's next task fits on, and with which resources of it."""
import random
import re

# In the order in which Marathon tries them; an offer counts as declined by the first that it fails.
REASONS = ["UnfulfilledRole", "UnfulfilledConstraint", "NoCorrespondingReservationFound", "AgentMaintenance", "InsufficientCpus",
           "InsufficientMemory", "InsufficientDisk", "InsufficientGpus", "InsufficientPorts", "DeclinedScarceResources"]
_SCALARS = [("cpus", "InsufficientCpus"), ("mem", "InsufficientMemory"), ("disk", "InsufficientDisk"), ("gpus", "InsufficientGpus")]


class Offered:
    """What is left of an offer while tasks are placed on it."""

    def __init__(self, offer):
        self.offer, self.agent, self.hostname = offer, offer["slave_id"]["value"], offer["hostname"]
        self.attributes = {each["name"]: attribute_value(each) for each in offer.get("attributes", [])}
        self.scalars, self.ports = {}, []
        for resource in offer["resources"]:
            role = resource.get("role", "*")
            if resource["type"] == "SCALAR":
                self.scalars.setdefault(role, {}).setdefault(resource["name"], 0.0)
                self.scalars[role][resource["name"]] += resource["scalar"]["value"]
            elif resource["name"] == "ports":
                for span in resource["ranges"]["range"]:
                    self.ports += [(port, role) for port in range(span["begin"], span["end"] + 1)]

    def match(self, app, others):
        """(resources, host ports), both taken off this offer, or (None, [reasons]).

        others: the app's other instances, for constraints. Host ports are None where the app maps none.
        """
        roles = app.get("acceptedResourceRoles") or ["*", app["role"]]
        reasons = [] if any(role in self.scalars for role in roles) else ["UnfulfilledRole"]
        if not all(satisfied(constraint, self, others) for constraint in app.get("constraints", [])):
            reasons.append("UnfulfilledConstraint")
        resources, role_of = [], {}
        for name, reason in _SCALARS:
            needed = app.get(name) or 0
            role = next((role for role in roles if self.scalars.get(role, {}).get(name, 0.0) >= needed - 1e-9), None)
            if needed and role is None:
                reasons.append(reason)
            elif needed:
                role_of[name] = role
                resources.append({"name": name, "type": "SCALAR", "scalar": {"value": float(needed)}, "role": role})
        free = [(port, role) for port, role in self.ports if role in roles]
        ports = self._choose_ports(app, free)
        if ports is None:
            reasons.append("InsufficientPorts")
        if reasons:
            return None, reasons
        for resource in resources:
            self.scalars[resource["role"]][resource["name"]] -= resource["scalar"]["value"]
        taken = {port for port in ports if port is not None}
        by_role = {}
        for port, role in free:
            if port in taken:
                by_role.setdefault(role, []).append(port)
        self.ports = [each for each in self.ports if each[0] not in taken]
        for role, numbers in by_role.items():
            spans = [{"begin": port, "end": port} for port in sorted(numbers)]
            resources.append({"name": "ports", "type": "RANGES", "ranges": {"range": spans}, "role": role})
        return resources, ports

    @staticmethod
    def _choose_ports(app, free):
        if "portDefinitions" in app:
            wanted = [each["port"] if app["requirePorts"] else 0 for each in app["portDefinitions"]]
        else:
            wanted = [each.get("hostPort") for each in (app.get("container") or {}).get("portMappings", [])]
        available = {port for port, _ in free}
        if not available.issuperset(port for port in wanted if port):
            return None
        spare = list(available - set(wanted))
        random.shuffle(spare)
        try:
            return [port if port or port is None else spare.pop() for port in wanted]
        except IndexError:
            return None


def attribute_value(attribute):
    kind = attribute["type"].lower()
    value = attribute.get(kind, {})
    return f"{value['value']:g}" if kind == "scalar" else str(value.get("value", value))


def satisfied(constraint, candidate, others):
    """Whether a task on candidate (hostname, attributes) agrees with [field, operator, value?] given the app's other instances."""
    field, operator, *value = constraint
    value = value[0] if value else None

    def of(host, attributes):
        return host if field in ("hostname", "@hostname") else attributes.get(field)

    here = of(candidate.hostname, candidate.attributes)
    elsewhere = [of(each["host"], each.get("attributes") or {}) for each in others]
    if here is None:  # an agent without the attribute can only satisfy its absence
        return operator == "UNLIKE"
    if operator == "UNIQUE":
        return here not in elsewhere
    if operator == "CLUSTER":
        return here == value if value else all(each == here for each in elsewhere)
    if operator == "MAX_PER":
        return elsewhere.count(here) < int(value)
    if operator == "IS":
        return here == value
    if operator in ("LIKE", "UNLIKE"):
        return bool(re.fullmatch(value, here)) == (operator == "LIKE")
    # GROUP_BY: as even as can be seen from where the instances are; an untried value comes first.
    counts = {each: elsewhere.count(each) for each in elsewhere if each is not None}
    if value and len(counts) < int(value):
        return here not in counts
    return counts.get(here, 0) <= min(counts.values(), default=0)
