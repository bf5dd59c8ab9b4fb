"""Marathon's REST API, v2. Answers are made in the scheduler's thread, one at a time, so that each sees one state."""
import json
import queue
import re
import statistics
import time
from pathlib import Path

from . import OLD, VERSION
from . import apps as definitions
from .deployments import Locked
from .events import seconds, stamp
from .groups import Conflict, Missing
from .schema import Invalid
from .server import Answer
from .store import key
from .tasks import instance_of


_PAGE = (Path(__file__).parent / "page.html").read_text()


class Bad(Exception):
    """400: message and details."""


class Api:
    """framework_id() -> id or None; driver.master_ui; abdicate(): gives up leadership shortly."""

    def __init__(self, options, bus, process, groups, deployments, scheduler, driver, framework_id, abdicate):
        self.options, self.bus, self.process, self.groups, self.deployments = options, bus, process, groups, deployments
        self.scheduler, self.driver, self.framework_id, self.abdicate = scheduler, driver, framework_id, abdicate
        self._started = time.time()
        self._routes = [(re.compile(pattern), handlers) for pattern, handlers in (
            (r"/", {"GET": lambda _: Answer(None, 302, {"Location": "/ui/"})}),
            (r"/ui", {"GET": lambda _: Answer(None, 302, {"Location": "/ui/"})}),
            (r"/ui/(?:.*)", {"GET": lambda _: Answer(_PAGE, content_type="text/html; charset=utf-8")}),
            (r"/ping", {"GET": self.ping}), (r"/metrics", {"GET": self.metrics}),
            (r"/v2/info", {"GET": self.info}), (r"/v2/leader", {"GET": self.leader, "DELETE": self.delete_leader}),
            (r"/v2/plugins", {"GET": lambda _: Answer({"plugins": []})}),
            (r"/v2/apps", {"GET": self.list_apps, "POST": self.create_app, "PUT": self.put_apps, "PATCH": self.put_apps}),
            (r"/v2/apps/(?:(.+)/)?\*", {"GET": self.apps_below}),
            (r"/v2/apps/(.+)/restart", {"POST": self.restart_app}),
            (r"/v2/apps/(.+)/tasks", {"GET": self.app_tasks, "DELETE": self.kill_app_tasks}),
            (r"/v2/apps/(.+)/tasks/(.+)", {"DELETE": self.kill_app_task}),
            (r"/v2/apps/(.+)/versions", {"GET": self.app_versions}), (r"/v2/apps/(.+)/versions/(.+)", {"GET": self.app_version}),
            (r"/v2/apps/(.+)", {"GET": self.show_app, "PUT": self.put_app, "PATCH": self.put_app, "DELETE": self.delete_app}),
            (r"/v2/groups/(?:(.+)/)?versions", {"GET": self.group_versions}),
            (r"/v2/groups(?:/(.*))?", {"GET": self.show_group, "POST": self.create_group, "PUT": self.put_group, "DELETE": self.delete_group}),
            (r"/v2/deployments", {"GET": lambda _: Answer(self.deployments.shown())}),
            (r"/v2/deployments/(.+)", {"DELETE": self.cancel_deployment}),
            (r"/v2/tasks", {"GET": self.all_tasks}), (r"/v2/tasks/delete", {"POST": self.kill_tasks}),
            (r"/v2/queue", {"GET": self.queue}), (r"/v2/queue/(.+)/delay", {"DELETE": self.reset_delay}),
            (r"/v2/pods(?:/::status)?", {"GET": lambda _: Answer([]), "POST": self.no_pods}),
            (r"/v2/pods/(.+?)(?:::.+)?", {"GET": self.no_pod, "PUT": self.no_pods, "DELETE": self.no_pod}))]

    def answer(self, request):
        """Called in the HTTP server's threads; waits for the scheduler's."""
        box = queue.Queue()
        self.process.dispatch(lambda: box.put(self._route(request)))
        return box.get()

    def _route(self, request):
        path = "/" + re.sub("/+", "/", request.path).strip("/") + ("/" if request.path == "/ui/" else "")
        try:
            for pattern, handlers in self._routes:
                match = pattern.fullmatch(path)
                if match:
                    handler = handlers.get("GET" if request.method == "HEAD" else request.method)
                    if handler is None:
                        return Answer({"message": "Method Not Allowed"}, 405)
                    return handler(request, *match.groups())
            return Answer({"message": "URI not found"}, 500) if path.startswith("/v2") else Answer({"message": "Not Found"}, 404)
        except Bad as error:
            return Answer({"message": error.args[0], **({"details": error.args[1]} if len(error.args) > 1 else {})}, 400)
        except Invalid as error:
            return Answer({"message": error.message, "details": error.details}, 422)
        except ValueError as error:
            return Answer({"message": str(error)}, 422)
        except Missing as error:
            # The real one gives an empty list of details with what it looked up itself, none with what it threw.
            return Answer({"message": str(error), **({"details": []} if request.method == "GET" else {})}, 404)
        except Conflict as error:
            return Answer({"message": str(error)}, 409)
        except Locked as error:
            return Answer({"message": str(error), "deployments": [{"id": each} for each in error.identifiers]}, 409)
        except Exception as error:
            import traceback
            traceback.print_exc()
            return Answer({"message": str(error)}, 500)

    @staticmethod
    def _json(request):
        text = request.body.decode("utf-8", "replace")
        if not text.strip():
            raise Bad("Please specify data in JSON format", "No content to map due to end-of-input")
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            if error.pos >= len(text):
                raise Bad("Invalid JSON", "Unexpected end-of-input")
            found = text[error.pos]
            expected = ("double-quote to start field name" if "property name" in error.msg else
                        "comma to separate entries" if "delimiter" in error.msg else "a value")
            raise Bad("Invalid JSON", f"Unexpected character ('{found}' (code {ord(found)})): was expecting {expected}")

    @staticmethod
    def _deployed(plan, status=200, headers=None):
        return Answer({"deploymentId": plan["id"], "version": plan["version"]}, status, {"Marathon-Deployment-Id": plan["id"], **(headers or {})})

    # The server itself.

    def ping(self, request):
        if OLD or "text/plain" in (request.headers.get("Accept") or ""):
            return Answer("pong", content_type="text/plain;charset=utf-8")
        return Answer("pong")

    def info(self, _):
        return Answer({"name": "marathon", "version": VERSION, "buildref": "stand-in", "elected": True, "leader": self.options.host_port,
                       "frameworkId": self.framework_id(), **self.options.shown(self.driver.master_ui)})

    def leader(self, _):
        return Answer({"leader": self.options.host_port})

    def delete_leader(self, _):
        self.abdicate()
        return Answer({"message": "Leadership abdicated"})

    def metrics(self, _):
        running = [each for each in self.scheduler.instances.values() if each["condition"] == "Running"]
        gauges = {"marathon.apps.active.gauge": len(self.groups.apps), "marathon.deployments.active.gauge": len(self.deployments.running),
                  "marathon.instances.running.gauge": len(running), "marathon.instances.gauge": len(self.scheduler.instances),
                  "marathon.uptime.gauge.seconds": time.time() - self._started}
        return Answer({"version": "4.0.0", "gauges": {name: {"value": value} for name, value in gauges.items()},
                       "counters": {}, "histograms": {}, "meters": {}, "timers": {}})

    # Apps.

    def _shown(self, app, embeds=()):
        app_id = app["id"]
        shown = definitions.old_form(app) if OLD else dict(app)
        if "counts" in embeds:
            shown.update(self.scheduler.counts(app_id))
        if "deployments" in embeds:
            shown["deployments"] = [{"id": each} for each in self.deployments.of(app_id)]
        if "readiness" in embeds:
            shown["readinessCheckResults"] = []
        if "tasks" in embeds:
            shown["tasks"] = self._tasks_of(app_id)
        if "lastTaskFailure" in embeds and app_id in self.scheduler.failures:
            shown["lastTaskFailure"] = self.scheduler.failures[app_id]
        if "taskStats" in embeds:
            shown["taskStats"] = self._task_statistics(app)
        return shown

    @staticmethod
    def _embeds(request, prefix, defaults):
        embeds = set(defaults)
        for each in request.query.get("embed", []):
            name = each[len(prefix):] if each.startswith(prefix) else ""
            embeds |= {"tasks": {"tasks", "deployments"}, "failures": {"lastTaskFailure"}}.get(name, {name})
        return embeds

    def _tasks_of(self, app_id, service_ports=()):
        return [task for each in self.scheduler.of(app_id) if (task := self.scheduler.task(each, service_ports))]

    def _task_statistics(self, app):
        present, info = [each for each in self.scheduler.of(app["id"]) if each.get("stagedAt")], app["versionInfo"]
        groups = {"startedAfterLastScaling": lambda each: each["stagedAt"] >= info["lastScalingAt"],
                  "withLatestConfig": lambda each: each["version"] >= info["lastConfigChangeAt"],
                  "withOutdatedConfig": lambda each: each["version"] < info["lastConfigChangeAt"], "totalSummary": lambda each: True}
        result = {}
        for name, belongs in groups.items():
            members = [each for each in present if belongs(each)]
            if members:
                running = [each for each in members if each["condition"] == "Running"]
                counts = {"staged": len(members) - len(running), "running": len(running),
                          "healthy": sum(self.scheduler.health(each) is True for each in running),
                          "unhealthy": sum(self.scheduler.health(each) is False for each in running)}
                ages = [time.time() - seconds(each["startedAt"]) for each in running if each.get("startedAt")]
                times = {"lifeTime": {"averageSeconds": statistics.mean(ages), "medianSeconds": statistics.median(ages)}} if ages else {}
                result[name] = {"stats": {"counts": counts, **times}}
        return result

    def list_apps(self, request):
        apps = [self.groups.apps[each] for each in sorted(self.groups.apps)]
        for name in ("id", "cmd"):
            wanted = request.value(name)
            if wanted is not None:
                apps = [app for app in apps if wanted.lower() in (app.get(name) or "").lower()]
        for selector in filter(None, [request.value("label")]):
            apps = [app for app in apps if _selected(selector, app["labels"])]
        embeds = self._embeds(request, "apps.", {"counts", "deployments"})
        return Answer({"apps": [self._shown(app, embeds) for app in apps]})

    def apps_below(self, request, group):
        group_id = definitions.path_id(group or "/")
        self.groups.group(group_id)
        embeds = self._embeds(request, "apps.", {"counts", "deployments", "tasks", "lastTaskFailure"})
        return Answer({"*": [self._shown(app, embeds) for each, app in sorted(self.groups.apps.items()) if each.startswith(group_id.rstrip("/") + "/")]})

    def create_app(self, request):
        app = definitions.create(self._json(request), role=self.options.mesos_role)
        if app["id"] in self.groups.apps:
            raise Conflict(f"An app with id [{app['id']}] already exists.")
        plan = self.groups.put_app(app, request.flag("force"))
        shown = definitions.ordered({**app, "version": plan["version"]})  # service ports and versionInfo are not in this answer
        shown.pop("versionInfo", None)
        self.bus.publish("api_post_event", clientIp=request.client, uri=request.path, appDefinition=shown)
        answer = {**self._shown(shown), "tasksStaged": 0, "tasksRunning": 0, "tasksHealthy": 0, "tasksUnhealthy": 0, "deployments": [{"id": plan["id"]}]}
        location = f"http://{request.headers.get('Host') or self.options.host_port}{app['id']}"
        return Answer(answer, 201, {"Location": location, "Marathon-Deployment-Id": plan["id"]})

    def show_app(self, request, name):
        embeds = self._embeds(request, "app.", {"counts", "deployments", "tasks", "lastTaskFailure"})
        return Answer({"app": self._shown(self.groups.app(definitions.path_id("/" + name)), embeds)})

    def _changed_app(self, app_id, body, partial, create):
        existing = self.groups.apps.get(app_id)
        if existing is None and not create:
            raise Missing(f"App '{app_id}' does not exist")
        if existing is None or not partial:
            return definitions.create({**body, "id": app_id} if isinstance(body, dict) else body, role=self.options.mesos_role)
        changed = definitions.update(existing, body)
        if isinstance(body, dict) and body.get("version"):
            return self.groups.app_version(app_id, _version(body["version"]))
        return changed

    def put_app(self, request, name):
        app_id = definitions.path_id("/" + name)
        patch, created = request.method == "PATCH", app_id not in self.groups.apps
        app = self._changed_app(app_id, self._json(request), patch or request.flag("partialUpdate", True), not patch)
        plan = self.groups.put_app(app, request.flag("force"))
        self.bus.publish("api_post_event", clientIp=request.client, uri=request.path, appDefinition=self.groups.apps[app_id])
        location = f"http://{request.headers.get('Host') or self.options.host_port}{app_id}"
        return self._deployed(plan, 201, {"Location": location}) if created else self._deployed(plan)

    def put_apps(self, request):
        bodies, apps = self._json(request), dict(self.groups.apps)
        if not isinstance(bodies, list) or not all(isinstance(each, dict) and each.get("id") for each in bodies):
            raise Invalid("Invalid JSON", {"": ["error.expected.jsarray"]})
        patch = request.method == "PATCH"
        for body in bodies:
            app_id = definitions.path_id(body["id"])
            apps[app_id] = self._changed_app(app_id, body, patch or request.flag("partialUpdate", True), not patch)
        return self._deployed(self.groups.change(apps, force=request.flag("force")))

    def delete_app(self, request, name):
        return self._deployed(self.groups.remove_app(definitions.path_id("/" + name), request.flag("force", True)))

    def restart_app(self, request, name):
        app = self.groups.app(definitions.path_id("/" + name))
        return self._deployed(self.groups.change(dict(self.groups.apps), force=request.flag("force"), restart=[app["id"]]))

    def app_versions(self, _, name):
        app = self.groups.app(definitions.path_id("/" + name))
        return Answer({"versions": self.groups.store.versions("apps", key(app["id"]))})

    def app_version(self, _, name, version):
        return Answer(self.groups.app_version(definitions.path_id("/" + name), _version(version)))

    # Tasks.

    def all_tasks(self, request):
        wanted = {each.lower() for name in ("status", "status[]") for each in request.query.get(name, [])}
        tasks = []
        for app_id, app in sorted(self.groups.apps.items()):
            for task in self._tasks_of(app_id, definitions.service_ports(app)):
                staging = task["state"] in ("TASK_STAGING", "TASK_STARTING")
                if not wanted or ("running" in wanted and task["state"] == "TASK_RUNNING") or ("staging" in wanted and staging):
                    tasks.append(task)
        return Answer({"tasks": tasks})

    def app_tasks(self, request, name):
        if name == "*" or name.endswith("/*"):
            group = definitions.path_id("/" + name[:-1])
            self.groups.group(group)
            return Answer({"tasks": [task for each in sorted(self.groups.apps) if each.startswith(group.rstrip("/") + "/") for task in self._tasks_of(each)]})
        return Answer({"tasks": self._tasks_of(self.groups.app(definitions.path_id("/" + name))["id"])})

    def kill_app_tasks(self, request, name):
        app, host = self.groups.app(definitions.path_id("/" + name)), request.value("host")
        chosen = [each for each in self.scheduler.of(app["id"]) if host in (None, "*", each["host"])]
        killed = self._kill(request, {app["id"]: chosen})
        return killed if isinstance(killed, Answer) else Answer({"tasks": killed})

    def kill_app_task(self, request, name, task):
        app = self.groups.app(definitions.path_id("/" + name))
        chosen = [each for each in self.scheduler.of(app["id"]) if each["id"] == instance_of(task)]
        if not chosen:
            raise Missing(f"Task '{task}' does not exist")
        killed = self._kill(request, {app["id"]: chosen})
        return killed if isinstance(killed, Answer) else Answer({"task": killed[0] if killed else None})

    def kill_tasks(self, request):
        body = self._json(request)
        identifiers = body.get("ids") if isinstance(body, dict) else None
        if not isinstance(identifiers, list):
            raise Invalid("Invalid JSON", {"/ids": ["error.path.missing"]})
        chosen = {}
        for identifier in identifiers:
            instance = self.scheduler.instances.get(instance_of(str(identifier)))
            if instance and instance["appId"] in self.groups.apps:
                chosen.setdefault(instance["appId"], []).append(instance)
        killed = self._kill(request, chosen)
        return killed if isinstance(killed, Answer) else Answer({"tasks": killed})

    def _kill(self, request, chosen):
        """Kill instances (app id -> instances): with ?scale the apps shrink (an Answer), else others take their place (their tasks)."""
        if request.flag("scale") and request.flag("wipe"):
            raise Bad("You cannot use scale and wipe at the same time.")
        if request.flag("scale"):
            apps = dict(self.groups.apps)
            for app_id, instances in chosen.items():
                apps[app_id] = {**apps[app_id], "instances": max(0, apps[app_id]["instances"] - len(instances))}
            plan = self.groups.change(apps, force=request.flag("force"))
            for instance in [each for instances in chosen.values() for each in instances]:
                self.scheduler.decommission(instance)
            return self._deployed(plan)
        killed = []
        for instance in [each for instances in chosen.values() for each in instances]:
            if instance["condition"] != "Scheduled":
                killed.append(self.scheduler.task(instance))
                self.scheduler.kill(instance)
        return killed

    # Groups.

    def _group_id(self, name):
        return definitions.path_id("/" + (name or ""))

    def show_group(self, request, name=None):
        name = name or ""
        if match := re.fullmatch(r"(?:(.*)/)?versions/(.+)", name):
            return self._group_version(self._group_id(match[1]), _version(match[2]))
        if name == "*" or name.endswith("/*"):
            return self.apps_below(request, name[:-2])
        wanted = request.query.get("embed", [])
        embeds = {part for each in wanted if "apps." in each for part in self._embeds_of_group(each)}
        return Answer(self.groups.shown(self._group_id(name), lambda app: self._shown(app, embeds),
                                        not wanted or any(each.startswith(("group.apps", "group.groups.apps")) for each in wanted),
                                        not wanted or any(each.startswith("group.groups") for each in wanted)))

    @staticmethod
    def _embeds_of_group(embed):
        name = embed.rpartition("apps.")[2]
        return {"tasks": {"tasks", "deployments"}, "failures": {"lastTaskFailure"}}.get(name, {name})

    def _group_version(self, group_id, version):
        stored = self.groups.store.get("group", "root", version)
        if stored is None:
            raise Missing(f"Group '{group_id}' does not exist in version {version}")
        past = type(self.groups)(self.options, _Past(self.groups.store, stored), self.bus)
        return Answer(past.shown(group_id, lambda app: app))

    def group_versions(self, _, name):
        self.groups.group(self._group_id(name))
        return Answer(self.groups.store.versions("group", "root"))

    def create_group(self, request, name=None):
        base, body = self._group_id(name), self._json(request)
        apps, groups = self.groups.updated(base, body)
        group_id = definitions.path_id(body.get("id") or "", base)
        if group_id in self.groups.groups:
            raise Conflict(f"Group {group_id} is already created. Use PUT to change this group.")
        if group_id in self.groups.apps:
            raise Conflict(f"An app with the path {group_id} already exists.")
        plan = self.groups.change(apps, groups, request.flag("force"))
        return self._deployed(plan, 201, {"Location": f"http://{request.headers.get('Host') or self.options.host_port}{group_id}"})

    def put_group(self, request, name=None):
        apps, groups = self.groups.updated(self._group_id(name), self._json(request))
        if request.flag("dryRun"):
            return Answer({"steps": self.groups.dry_run(apps, groups)})
        return self._deployed(self.groups.change(apps, groups, request.flag("force")))

    def delete_group(self, request, name=None):
        return self._deployed(self.groups.remove_group(self._group_id(name), request.flag("force")))

    # Deployments and the queue.

    def cancel_deployment(self, request, identifier):
        deployment = self.deployments.running.get(identifier)
        if deployment is None:
            return Answer({"message": f"DeploymentPlan {identifier} does not exist", "details": []}, 404)
        if request.flag("force"):
            self.deployments.cancel(identifier)
            return Answer(None, 202)
        apps = dict(self.groups.apps)
        for app_id, app in deployment["original"].items():
            apps.pop(app_id, None)
            if app is not None:
                apps[app_id] = app
        return self._deployed(self.groups.change(apps, force=True, restart=[
            each for each in deployment["original"] if deployment["original"][each] and deployment["target"][each]
            and definitions.is_upgrade(deployment["original"][each], deployment["target"][each])]))

    def queue(self, request):
        return Answer({"queue": self.scheduler.queue("lastUnusedOffers" in request.query.get("embed", []))})

    def reset_delay(self, _, name):
        app_id = definitions.path_id("/" + name)
        if not any(each["condition"] == "Scheduled" for each in self.scheduler.of(app_id)):
            return Answer({"message": f"Application {app_id} not found in tasks queue.", "details": []}, 404)
        self.scheduler.reset_delay(app_id)
        return Answer(None, 204)

    # Pods are not stood in for.

    def no_pods(self, _):
        raise Invalid("Object is not valid", {"/": ["This is a stand-in for Marathon: it runs apps, not pods."]})

    def no_pod(self, _, name):
        raise Missing(f"Pod '{definitions.path_id('/' + name)}' does not exist")


class _Past:
    """A store that shows the root group as it once was."""

    def __init__(self, store, root):
        self._store, self._root = store, root

    def get(self, category, identifier, version=None):
        return self._root if category == "group" else self._store.get(category, identifier, version)


def _version(text):
    try:
        return stamp(seconds(text))
    except (ValueError, TypeError, AttributeError):
        raise ValueError(f"Invalid timestamp provided '{text}'. Expecting ISO-8601 datetime string.")


def _selected(selector, labels):
    """`a==b, c!=d, e in (f, g), h notin (i), j, !k`: all must hold."""
    for term in re.split(r",\s*(?![^(]*\))", selector):
        term = term.strip()
        if match := re.fullmatch(r"(\S+)\s+(in|notin)\s*\(([^)]*)\)", term):
            values = [each.strip() for each in match[3].split(",")]
            if match[1] not in labels or (labels[match[1]] in values) != (match[2] == "in"):
                return False
        elif match := re.fullmatch(r"(.+?)\s*(==|!=|=)\s*(.*)", term):
            if (labels.get(match[1]) == match[3]) == (match[2] == "!="):
                return False
        elif term.startswith("!"):
            if term[1:] in labels:
                return False
        elif term not in labels:
            return False
    return True
