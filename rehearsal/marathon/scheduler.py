"""The instances of the apps: wanted, placed on offers, followed through their states, restarted, killed.

Everything here runs in the libprocess process's thread. Instances are dicts, kept in ZooKeeper as they are:
id, appId, version (of the app that it was made for), goal (Running | Decommissioned), condition, attempt, since (seconds),
agentId, host, attributes, ports, ipAddresses, taskState, taskVersion, stagedAt, startedAt.
"""
import time
import uuid

from . import OLD, health, log
from .events import now, stamp
from .placement import REASONS, Offered, attribute_value
from .store import key
from .tasks import instance_of, task_id, task_info

CONDITIONS = {"TASK_STAGING": "Staging", "TASK_STARTING": "Starting", "TASK_RUNNING": "Running", "TASK_KILLING": "Killing",
              "TASK_FAILED": "Failed", "TASK_FINISHED": "Finished", "TASK_KILLED": "Killed", "TASK_ERROR": "Error",
              "TASK_LOST": "Unreachable", "TASK_UNREACHABLE": "Unreachable", "TASK_GONE": "Gone", "TASK_DROPPED": "Dropped",
              "TASK_GONE_BY_OPERATOR": "Gone", "TASK_UNKNOWN": "Unknown"}
TERMINAL = ("Failed", "Finished", "Killed", "Error", "Gone", "Dropped", "Unknown")
STAGED = ("Provisioned", "Staging", "Starting")
KILL_RETRY = 10.0  # seconds


class Scheduler:
    """driver: revive(), launch(offer id, tasks), decline(offer id, seconds), kill(task id).
    locked(id) -> whether a deployment has the app in its hands. changed() is called after whatever a deployment may wait for."""

    def __init__(self, options, store, bus, process, driver, groups, locked, changed):
        self.options, self.store, self.bus, self.process, self.driver = options, store, bus, process, driver
        self.groups, self.app_of, self.locked, self.changed = groups, groups.find, locked, changed
        self.instances = {each["id"]: each for each in store.all("instance")}
        self.failures = {each["appId"]: each for each in store.all("taskFailures")}
        self._health, self._watches, self._delays, self._statistics = {}, {}, {}, {}
        self._last_revive, self._revive_planned = -1e9, False

    def start(self):
        """Take up what the last leader left."""
        for instance in self.instances.values():
            self._watch(instance)
        self.want_offers()
        self._every(self.options.scale_apps_initial_delay, self.options.scale_apps_interval, self.check_counts)

    def _every(self, first, interval, action):
        def again():
            action()
            self.process.after(interval / 1000, again)
        self.process.after(first / 1000, again)

    # Reading.

    def of(self, app_id):
        """The app's instances, oldest first."""
        return sorted((each for each in self.instances.values() if each["appId"] == app_id), key=lambda each: each["since"])

    def wanted(self, app_id):
        """Those that are to run (a lost one that has been given up does not count)."""
        return [each for each in self.of(app_id) if each["goal"] == "Running" and each["condition"] != "UnreachableInactive"]

    def health(self, instance):
        """None while unknown or without checks, else whether all checks that answered are alive."""
        results = [each for each in self._health.get(instance["id"], {}).values()]
        return all(each["alive"] for each in results) if results else None

    def ready(self, instance, app):
        """Running, and healthy if the app has health checks."""
        return instance["condition"] == "Running" and (not app.get("healthChecks") or self.health(instance) is True)

    def counts(self, app_id):
        present = self.of(app_id)
        running = [each for each in present if each["condition"] == "Running"]
        return {"tasksStaged": sum(each["condition"] in STAGED for each in present), "tasksRunning": len(running),
                "tasksHealthy": sum(self.health(each) is True for each in running),
                "tasksUnhealthy": sum(self.health(each) is False for each in running)}

    def task(self, instance, service_ports=()):
        """The instance's task as the API shows it; None before its first launch."""
        if not instance.get("attempt"):
            return None
        task = {"appId": instance["appId"], "healthCheckResults": [dict(each) for each in self._health.get(instance["id"], {}).values()],
                "host": instance["host"], "id": task_id(instance), "ipAddresses": instance["ipAddresses"], "ports": instance["ports"],
                "servicePorts": list(service_ports), "slaveId": instance["agentId"], "state": instance["taskState"]}
        task.update({name: instance[name] for name in ("stagedAt", "startedAt") if instance.get(name)})
        if instance.get("taskVersion"):
            task["version"] = instance["taskVersion"]
        return {**task, "localVolumes": [], "role": (self.app_of(instance["appId"]) or {}).get("role", "*")}

    def queue(self, unused_offers=False):
        """What waits to be launched, as /v2/queue shows it (the definitions as stored)."""
        items = []
        for app_id in sorted({each["appId"] for each in self.instances.values() if each["condition"] == "Scheduled" and each["goal"] == "Running"}):
            app = self.app_of(app_id)
            if app is None:
                continue
            statistics, left = self._statistics_of(app), self._delay_left(app)
            waiting = [each for each in self.of(app_id) if each["condition"] == "Scheduled"]
            summary = {"processedOffersCount": statistics["processed"], "unusedOffersCount": statistics["unused"]}
            summary.update({name: statistics[name] for name in ("lastUnusedOfferAt", "lastUsedOfferAt") if name in statistics})
            summary["rejectSummaryLastOffers"] = _summary([each["reason"] for each in statistics["last"].values()])
            summary["rejectSummaryLaunchAttempt"] = _summary(statistics["attempt"])
            item = {"count": len(waiting), "role": app["role"], "delay": {"timeLeftSeconds": max(0, int(left)), "overdue": left <= 0},
                    "since": statistics["since"], "processedOffersSummary": summary}
            if unused_offers:
                item["lastUnusedOffers"] = list(statistics["last"].values())
            items.append({**item, "app": app})
        return items

    # Wanting more, or fewer.

    def schedule(self, app, count):
        for _ in range(count):
            name = f"{key(app['id'])}.{uuid.uuid1()}" if OLD else f"{key(app['id'])}.instance-{uuid.uuid1()}"
            instance = {"id": name, "appId": app["id"], "version": app["version"], "goal": "Running", "condition": "Scheduled", "attempt": 0,
                        "since": time.time(), "agentId": None, "host": None, "ports": [], "ipAddresses": []}
            self.instances[name] = instance
            self._save(instance)
            self._announce(instance)
        self._statistics_of(app)
        self.want_offers()

    def decommission(self, instance):
        """End it for good: its task is killed, it is forgotten when that has ended."""
        if instance["goal"] == "Decommissioned":
            return
        instance["goal"] = "Decommissioned"
        if instance["condition"] in ("Scheduled", "Unreachable", "UnreachableInactive"):
            self._forget(instance)
            self.changed()
        else:
            self._save(instance)
            self._announce(instance)
            self.kill(instance)

    def kill(self, instance):
        """Kill its present task, again every 10 s until it has ended. Another one takes its place if the goal is Running."""
        identifier = task_id(instance)
        self.driver.kill(identifier)

        def again():
            current = self.instances.get(instance["id"])
            if current is instance and task_id(instance) == identifier and instance["condition"] not in ("Scheduled", *TERMINAL):
                self.kill(instance)
        self.process.after(KILL_RETRY, again)

    def choose(self, app, instances, count):
        """The ones to give up first: those that never ran, then by the app's killSelection."""
        youngest = app["killSelection"] == "YOUNGEST_FIRST"
        return sorted(instances, key=lambda each: (self.ready(each, app), -each["since"] if youngest else each["since"]))[:count]

    def set_count(self, app, count=None):
        """Schedule or give up instances until there are as many as the app says (or `count`)."""
        count, wanted = app["instances"] if count is None else count, self.wanted(app["id"])
        if len(wanted) < count:
            self.schedule(app, count - len(wanted))
        for instance in self.choose(app, wanted, len(wanted) - count) if len(wanted) > count else []:
            self.decommission(instance)

    def check_counts(self):
        """Heal what no deployment looks after: apps with too few or too many instances, instances of no app."""
        for app_id in {*self.groups.apps, *(each["appId"] for each in self.instances.values())}:
            app = self.app_of(app_id)
            if not self.locked(app_id):
                if app:
                    self.set_count(app)
                else:
                    for instance in self.of(app_id):
                        self.decommission(instance)

    def app_gone(self, app_id):
        self._delays.pop(app_id, None)
        self._statistics.pop(app_id, None)
        if self.failures.pop(app_id, None):
            self.store.remove("taskFailures", key(app_id))

    # Offers.

    def want_offers(self):
        """Ask for all offers again if something can be launched; at most once in min_revive_offers_interval."""
        if not self._launchable() or self._revive_planned:
            return

        def revive():
            self._revive_planned, self._last_revive = False, time.monotonic()
            if self._launchable():
                self.driver.revive()
        wait = self._last_revive + self.options.min_revive_offers_interval / 1000 - time.monotonic()
        if wait <= 0:
            revive()
        else:
            self._revive_planned = True
            self.process.after(wait, revive)

    def _launchable(self):
        waiting = [each for each in self.instances.values() if each["condition"] == "Scheduled" and each["goal"] == "Running"]
        delayed = {each["appId"] for each in waiting if not (app := self.app_of(each["appId"])) or self._delay_left(app) > 0}
        return sorted((each for each in waiting if each["appId"] not in delayed), key=lambda each: each["since"])

    def offers(self, offers):
        """Place what waits on the offers; decline the rest."""
        for offer in offers:
            offered, launched, refused, more = Offered(offer), [], {}, False
            for instance in self._launchable():
                app = self.app_of(instance["appId"])
                if app["id"] in refused:
                    continue
                if len(launched) >= self.options.max_instances_per_offer:
                    more = True
                    break
                others = [each for each in self.wanted(app["id"]) if each["condition"] not in ("Scheduled", *TERMINAL)]
                resources, result = offered.match(app, others)
                self._count(app, offer, None if resources else result)
                if resources is None:
                    refused[app["id"]] = result
                else:
                    launched.append(self._launch(app, instance, offered, resources, result))
            if launched:
                self.driver.launch(offer["id"], launched)
            else:
                self.driver.decline(offer["id"], self.options.decline_offer_duration / 1000)
            if more:
                self.want_offers()

    def _launch(self, app, instance, offered, resources, ports):
        if OLD and instance["attempt"]:  # every attempt is an instance of its own there
            self._forget(instance)
            instance = {**instance, "id": f"{key(app['id'])}.{uuid.uuid1()}", "attempt": 0}
            self.instances[instance["id"]] = instance
        instance.update(
            attempt=instance["attempt"] + 1, agentId=offered.agent, host=offered.hostname, condition="Provisioned", since=time.time(),
            attributes=offered.attributes, ports=[port for port in ports if port is not None], ipAddresses=[], taskState="TASK_STAGING",
            version=app["version"], taskVersion=app["version"], stagedAt=now(), startedAt=None)
        self._health.pop(instance["id"], None)
        self._save(instance)  # before Mesos hears of it: a task that nobody knows would be killed
        self._announce(instance)
        attempt = instance["attempt"]

        def overdue():
            if instance["attempt"] == attempt and instance["condition"] in STAGED:
                self.kill(instance)
        self.process.after(self.options.task_launch_timeout / 1000, overdue)
        return task_info(app, instance, resources, ports, self.options)

    def _statistics_of(self, app):
        version = app.get("versionInfo", {}).get("lastConfigChangeAt")
        if self._statistics.get(app["id"], {}).get("version") != version:
            self._statistics[app["id"]] = {"version": version, "since": now(), "processed": 0, "unused": 0, "last": {}, "attempt": []}
        return self._statistics[app["id"]]

    def _count(self, app, offer, reasons):
        statistics, agent = self._statistics_of(app), offer["slave_id"]["value"]
        statistics["processed"] += 1
        statistics["attempt"] = (statistics["attempt"] + [reasons or []])[-1000:]
        if reasons is None:
            statistics["lastUsedOfferAt"] = now()
            statistics["last"].pop(agent, None)
        else:
            statistics["unused"] += 1
            statistics["lastUnusedOfferAt"] = now()
            statistics["last"][agent] = {"offer": _shown_offer(offer), "reason": sorted(reasons), "timestamp": now()}

    # Back-off.

    def _delay_left(self, app):
        delay = self._delays.get(app["id"])
        return delay["until"] - time.monotonic() if delay and delay["version"] == app.get("versionInfo", {}).get("lastConfigChangeAt") else 0

    def _back_off(self, app):
        version, delay = app.get("versionInfo", {}).get("lastConfigChangeAt"), self._delays.get(app["id"])
        seconds = app["backoffSeconds"]
        if delay and delay["version"] == version and time.monotonic() - delay["until"] < app["maxLaunchDelaySeconds"]:
            seconds = delay["seconds"] * app["backoffFactor"]
        seconds = min(seconds, app["maxLaunchDelaySeconds"])
        self._delays[app["id"]] = {"version": version, "seconds": seconds, "until": time.monotonic() + seconds}
        self.process.after(seconds + 0.01, self.want_offers)

    def reset_delay(self, app_id):
        self._delays.pop(app_id, None)
        self.want_offers()

    # What becomes of the tasks.

    def status(self, status):
        """A TaskStatus from Mesos."""
        identifier, state = status["task_id"]["value"], status["state"]
        instance, condition = self.instances.get(instance_of(identifier)), CONDITIONS.get(state, "Unknown")
        if instance is None or task_id(instance) != identifier or instance["condition"] == "Scheduled":
            if condition not in TERMINAL and condition != "Unreachable":
                log(f"killing unknown task {identifier}")
                self.driver.kill(identifier)
            elif instance is None and condition in TERMINAL:
                self.bus.publish("unknown_instance_terminated_event", instanceId=instance_of(identifier), runSpecId="/" + identifier.partition(".")[0].replace("_", "/"), condition=condition)
            return
        if "healthy" in status:
            self._health_result(instance["id"], instance["attempt"], -1, None if status["healthy"] else "reported by the executor")
        if condition == instance["condition"] and state == instance["taskState"]:
            return
        addresses = [{"ipAddress": address["ip_address"], "protocol": address.get("protocol", "IPv4")}
                     for network in status.get("container_status", {}).get("network_infos", []) for address in network.get("ip_addresses", [])]
        instance.update(condition=condition, taskState=state, since=time.time(), ipAddresses=addresses or instance["ipAddresses"])
        if condition == "Running" and not instance.get("startedAt"):
            instance["startedAt"] = stamp(status["timestamp"]) if status.get("timestamp") else now()
        app, message = self.app_of(instance["appId"]), (status.get("message") or "")[:10000]
        self.bus.publish("status_update_event", slaveId=instance["agentId"], taskId=identifier, taskStatus=state, message=message,
                         appId=instance["appId"], host=instance["host"], ipAddresses=instance["ipAddresses"], ports=instance["ports"],
                         version=instance["taskVersion"])
        self._announce(instance)
        if condition in ("Failed", "Error", "Unreachable", "Gone", "Dropped") and instance["goal"] == "Running" and app:
            self.failures[app["id"]] = {"appId": app["id"], "host": instance["host"], "message": message, "state": state, "taskId": identifier,
                                        "timestamp": now(), "version": instance["taskVersion"], "slaveId": instance["agentId"]}
            self.store.put("taskFailures", key(app["id"]), self.failures[app["id"]])
        if condition in TERMINAL:
            self._ended(instance, app, condition)
        elif condition == "Unreachable":
            self._lost(instance, app)
        else:
            self._save(instance)
            self._watch(instance)
        self.changed()

    def _ended(self, instance, app, condition):
        self._unwatch(instance)
        if instance["goal"] == "Decommissioned" or app is None:
            self._forget(instance)
            return
        instance.update(condition="Scheduled", ports=[], ipAddresses=[], taskVersion=None, stagedAt=None, startedAt=None)
        self._save(instance)
        if condition != "Killed":
            self._back_off(app)
        self.want_offers()

    def _lost(self, instance, app):
        self._unwatch(instance)
        strategy = app["unreachableStrategy"] if app else {"inactiveAfterSeconds": 0, "expungeAfterSeconds": 0}
        self._save(instance)
        if instance["goal"] == "Decommissioned":
            self._forget(instance)
        elif strategy != "disabled":
            self._later_if_lost(strategy["inactiveAfterSeconds"], instance, self._give_up)
            self._later_if_lost(strategy["expungeAfterSeconds"], instance, self._forget)

    def _later_if_lost(self, seconds, instance, action):
        def act():
            if self.instances.get(instance["id"]) is instance and instance["condition"] in ("Unreachable", "UnreachableInactive"):
                action(instance)
                self.changed()
                self.check_counts()
        self.process.after(seconds, act)

    def _give_up(self, instance):
        instance["condition"] = "UnreachableInactive"
        self._save(instance)
        self._announce(instance)

    def reconcile(self):
        """What Mesos is asked about after a (re-)registration: every task that should be alive."""
        return [{"task_id": {"value": task_id(each)}, "slave_id": {"value": each["agentId"]}, "state": each["taskState"]}
                for each in self.instances.values() if each["condition"] != "Scheduled"]

    def registered(self):
        """Mesos listens (again): what was to be killed meanwhile, what waits."""
        for instance in self.instances.values():
            if instance["goal"] == "Decommissioned":
                self.driver.kill(task_id(instance))
        self.want_offers()

    # Health.

    def _watch(self, instance):
        app = self.app_of(instance["appId"])
        if instance["condition"] != "Running" or instance["id"] in self._watches or not app or not app.get("healthChecks"):
            return
        name, attempt = instance["id"], instance["attempt"]
        self._watches[name] = health.Watch(app, instance["host"], instance["ports"], lambda index, reason: self.process.dispatch(
            lambda: self._health_result(name, attempt, index, reason)))

    def _unwatch(self, instance):
        watch = self._watches.pop(instance["id"], None)
        if watch:
            watch.stop()
        self._health.pop(instance["id"], None)

    def _health_result(self, name, attempt, index, reason):
        instance = self.instances.get(name)
        app = self.app_of(instance["appId"]) if instance else None
        if not app or instance["attempt"] != attempt or instance["condition"] != "Running" or index >= len(app.get("healthChecks", [])):
            return
        check = app["healthChecks"][index]
        results = self._health.setdefault(name, {})
        result = results.get(index, {"alive": False, "consecutiveFailures": 0, "instanceId": f"instance [{name}]"})
        known, before = index in results, self.health(instance)
        if reason is None:
            result = {**result, "alive": True, "consecutiveFailures": 0, "firstSuccess": result.get("firstSuccess") or now(), "lastSuccess": now()}
        elif "firstSuccess" not in result and time.time() - instance["since"] < check["gracePeriodSeconds"]:
            return
        else:
            result = {**result, "alive": False, "consecutiveFailures": result["consecutiveFailures"] + 1, "lastFailure": now(), "lastFailureCause": reason}
            self.bus.publish("failed_health_check_event", appId=app["id"], healthCheck=check, taskId=name)
        changed = result["alive"] != (results[index]["alive"] if known else False)
        results[index] = {field: result[field] for field in ("alive", "consecutiveFailures", "firstSuccess", "instanceId", "lastFailure",
                                                             "lastFailureCause", "lastSuccess") if field in result}
        if changed:
            self.bus.publish("health_status_changed_event", appId=app["id"], instanceId=name, version=instance["taskVersion"], alive=result["alive"])
        if self.health(instance) != before:
            self.bus.publish("instance_health_changed_event", instanceId=name, runSpecId=app["id"], healthy=self.health(instance), runSpecVersion=instance["version"])
            self.changed()
        if reason and instance["goal"] == "Running" and 0 < check["maxConsecutiveFailures"] <= result["consecutiveFailures"]:
            self.bus.publish("unhealthy_instance_kill_event", appId=app["id"], taskId=task_id(instance), instanceId=name, version=instance["version"],
                             reason=reason, host=instance["host"], slaveId=instance["agentId"])
            self._unwatch(instance)
            self.kill(instance)

    # Keeping.

    def _save(self, instance):
        self.store.put("instance", instance["id"], instance)

    def _forget(self, instance):
        self._unwatch(instance)
        self.instances.pop(instance["id"], None)
        self.store.remove("instance", instance["id"])

    def _announce(self, instance):
        self.bus.publish("instance_changed_event", instanceId=instance["id"], condition=instance["condition"], runSpecId=instance["appId"],
                         agentId=instance["agentId"], host=instance["host"], runSpecVersion=instance["version"])


def _summary(attempts):
    """attempts: for each offer, the reasons why it did not fit. An offer is turned down by the first reason and seen by no later one."""
    summary = []
    for reason in REASONS:
        summary.append({"reason": reason, "declined": sum(reason in each for each in attempts), "processed": len(attempts)})
        attempts = [each for each in attempts if reason not in each]
    return summary


def _shown_offer(offer):
    resources = [{"name": each["name"], "role": each.get("role", "*"),
                  **({"scalar": each["scalar"]["value"]} if each["type"] == "SCALAR" else {"ranges": each["ranges"]["range"]})} for each in offer["resources"]]
    return {"id": offer["id"]["value"], "hostname": offer["hostname"], "agentId": offer["slave_id"]["value"], "resources": resources,
            "attributes": [{"name": each["name"], "text": attribute_value(each)} for each in offer.get("attributes", [])]}
