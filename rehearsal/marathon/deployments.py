"""From one set of definitions to another: which steps it takes, in which order, and when each is done.

A step's actions run at the same time. Actions are pushed on by `advance`, which is called after every change of an
instance and does whatever can be done now; so a deployment that a new leader takes up just goes on.
"""
import math
import uuid

from . import apps as definitions

LOCKED = ("App is locked by one or more deployments. Override with the option '?force=true'. "
          "View details at '/v2/deployments/<DEPLOYMENT_ID>'.")
CANCELLED = "The upgrade has been cancelled"


class Locked(Exception):
    """409: other deployments have these apps in their hands."""

    def __init__(self, identifiers):
        super().__init__(LOCKED)
        self.identifiers = identifiers


def plan(old, new, groups, version):
    """old, new: id -> definition, before and after. groups: id -> {"dependencies": [...]}. The plan is a dict as the API shows it,
    with `original` and `target` beside: the affected definitions (None for absent)."""
    steps = [[{"action": "StopApplication", "app": each} for each in sorted(set(old) - set(new))],
             [{"action": "StartApplication", "app": each} for each in sorted(set(new) - set(old))]]
    layers = {}
    for app_id in sorted(new):
        before, after = old.get(app_id), new[app_id]
        if before == after:
            continue
        if before is None or after["instances"] == 0 or not definitions.is_upgrade(before, after) and before["instances"] != after["instances"]:
            action = "ScaleApplication"
        elif definitions.is_upgrade(before, after) or before["versionInfo"] != after["versionInfo"]:
            action = "RestartApplication"
        else:
            continue
        layers.setdefault(_depth(app_id, new, groups), []).append({"action": action, "app": app_id})
    steps = [{"actions": actions} for actions in [*steps, *(layers[depth] for depth in sorted(layers))] if actions]
    affected = sorted({action["app"] for step in steps for action in step["actions"]})
    return {"id": str(uuid.uuid4()), "version": version, "steps": steps, "affected": affected,
            "original": {each: old.get(each) for each in affected}, "target": {each: new.get(each) for each in affected}}


def _depth(app_id, apps, groups, seen=()):
    """Length of the longest chain of dependencies below an app."""
    wanted, group = list(apps[app_id].get("dependencies", [])), definitions.parent(app_id)
    while True:  # what a group depends on, all in it depend on
        wanted += groups.get(group, {}).get("dependencies", [])
        if group == "/":
            break
        group = definitions.parent(group)
    below = {each for each in apps for name in wanted if each == name or each.startswith(name.rstrip("/") + "/")} - {app_id, *seen}
    return 1 + max((_depth(each, apps, groups, (*seen, app_id)) for each in below), default=0)


class Deployments:
    def __init__(self, store, bus, process, scheduler, app_of, stopped):
        """stopped(app id): the last instance of a removed app is gone."""
        self.store, self.bus, self.process, self.scheduler, self.app_of, self.stopped = store, bus, process, scheduler, app_of, stopped
        self.running, self._woken = {}, False
        for each in store.all("deployment"):
            self.running[each["id"]] = {**each, "current": -1}

    def of(self, app_id):
        return [each["id"] for each in self.running.values() if app_id in each["affected"]]

    def claim(self, new, force):
        """Make sure that nobody else has these apps in hand: Locked if so, or with force, the others are cancelled."""
        conflicts = [each for each in self.running.values() if set(each["affected"]) & set(new["affected"])]
        if conflicts and not force:
            self.bus.publish("deployment_failed", id=new["id"], plan=_shown_plan(new), reason=LOCKED)
            raise Locked([each["id"] for each in conflicts])
        for each in conflicts:
            self.cancel(each["id"])

    def start(self, new):
        """Begin a plan that was claimed."""
        if not new["steps"]:
            self.bus.publish("deployment_success", id=new["id"], plan=_shown_plan(new))
            return
        self.store.put("deployment", new["id"], new)
        self.running[new["id"]] = {**new, "current": -1}
        self._next_step(self.running[new["id"]])
        self.wake()

    def cancel(self, identifier):
        """Stop where it is; nothing is undone."""
        deployment = self.running.pop(identifier)
        self.store.remove("deployment", identifier)
        self.bus.publish("deployment_failed", id=identifier, plan=_shown_plan(deployment), reason=CANCELLED)

    def shown(self):
        return [{**_shown_plan(each), "affectedApps": each["affected"], "affectedPods": [],
                 "currentActions": [{**action, "readinessCheckResults": []} for action in each["steps"][max(each["current"], 0)]["actions"]],
                 "currentStep": max(each["current"], 0) + 1, "totalSteps": len(each["steps"])} for each in self.running.values()]

    def wake(self):
        """Go on soon, in the process's thread."""
        if not self._woken:
            self._woken = True
            self.process.dispatch(self._advance_all)

    def _advance_all(self):
        self._woken = False
        for deployment in list(self.running.values()):
            while deployment["id"] in self.running and self._advance(deployment):
                pass

    def _next_step(self, deployment):
        deployment["current"] += 1
        deployment["begun"] = set()
        self.bus.publish("deployment_info", plan=_shown_plan(deployment), currentStep=deployment["steps"][deployment["current"]])

    def _advance(self, deployment):
        """Push the current step on; True if it was completed and there is another."""
        if deployment["current"] < 0:  # left by the last leader: from the start; what is done already is done at once
            self._next_step(deployment)
        step = deployment["steps"][deployment["current"]]
        finished = [self._act(deployment, action["action"], action["app"]) for action in step["actions"]]
        if not all(finished):
            return False
        self.bus.publish("deployment_step_success", plan=_shown_plan(deployment), currentStep=step)
        if deployment["current"] + 1 < len(deployment["steps"]):
            self._next_step(deployment)
            return True
        del self.running[deployment["id"]]
        self.store.remove("deployment", deployment["id"])
        self.bus.publish("deployment_success", id=deployment["id"], plan=_shown_plan(deployment))
        return False

    def _act(self, deployment, action, app_id):
        first = app_id not in deployment["begun"]
        deployment["begun"].add(app_id)
        if action == "StopApplication":
            return self._stop(app_id)
        app = self.app_of(app_id)
        if app is None:  # removed by force meanwhile
            return True
        if first and (action == "StartApplication" or deployment["original"][app_id] is not None):
            for check in app.get("healthChecks", []):
                self.bus.publish("add_health_check_event", appId=app_id, version=app["version"], healthCheck=check)
        if action == "StartApplication":
            return True
        return self._scale(app) if action == "ScaleApplication" else self._replace(app)

    def _stop(self, app_id):
        for instance in self.scheduler.of(app_id):
            self.scheduler.decommission(instance)
        if self.scheduler.of(app_id):
            return False
        self.stopped(app_id)
        self.bus.publish("app_terminated_event", appId=app_id)
        return True

    def _scale(self, app):
        self.scheduler.set_count(app)
        present, wanted = self.scheduler.of(app["id"]), self.scheduler.wanted(app["id"])
        return len(wanted) == len(present) == app["instances"] and all(self.scheduler.ready(each, app) for each in wanted)

    def _replace(self, app):
        """Rolling: never fewer ready ones than minimumHealthCapacity says, never more in all than maximumOverCapacity allows."""
        scheduler, count, strategy = self.scheduler, app["instances"], app["upgradeStrategy"]
        least = math.ceil(count * strategy["minimumHealthCapacity"])
        most = count + math.floor(count * strategy["maximumOverCapacity"])
        if least == most == count:  # nothing could ever move
            most += 1
        changed_at = app["versionInfo"]["lastConfigChangeAt"]
        old = [each for each in scheduler.wanted(app["id"]) if each["version"] < changed_at]
        new = [each for each in scheduler.wanted(app["id"]) if each["version"] >= changed_at]
        ready = sum(scheduler.ready(each, app) for each in new)
        for instance in [each for each in old if not scheduler.ready(each, app) and each["condition"] != "Running"]:
            scheduler.decommission(instance)
            old.remove(instance)
        spare = len(old) if ready >= count else len(old) + ready - least
        for instance in scheduler.choose(app, old, max(0, spare)):
            scheduler.decommission(instance)
        room = min(count - len(new), most - len(scheduler.of(app["id"])))
        if room > 0:
            scheduler.schedule(app, room)
        elif len(new) > count:
            for instance in scheduler.choose(app, new, len(new) - count):
                scheduler.decommission(instance)
        return ready == count == len(scheduler.of(app["id"]))


def _shown_plan(deployment):
    return {name: deployment[name] for name in ("id", "steps", "version")}
