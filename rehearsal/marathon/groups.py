"""The tree of groups and apps: what should run. Every change of it is a new version and becomes a deployment."""
import math

from . import apps as definitions
from . import deployments
from .events import now, seconds, stamp
from .schema import Invalid, anything, array, boolean, number, read, record, string
from .store import key

NEVER = "1970-01-01T00:00:00.000Z"

_update = record({"id": string(definitions.ID), "apps": array(anything), "groups": array(anything), "dependencies": array(string(definitions.ID)),
                  "scaleBy": number(0), "version": string(), "enforceRole": boolean})


def _next(version):
    return stamp(seconds(version) + 0.001)


class Missing(Exception):
    """404, with a sentence."""


class Conflict(Exception):
    """409, with a sentence."""


class Groups:
    """apps: id -> definition; groups: id -> {"version", "dependencies", "enforceRole"}, the root included. Both are never changed
    in place: a change makes new ones, so that a plan can hold the old."""

    def __init__(self, options, store, bus):
        self.options, self.store, self.bus, self.deployments = options, store, bus, None
        root = store.get("group", "root") or {"version": NEVER, "apps": {}, "groups": {}}
        self.groups = root["groups"] or {"/": {"version": root["version"], "dependencies": []}}
        self.apps = {app_id: store.get("apps", key(app_id), version) for app_id, version in root["apps"].items()}

    def app(self, app_id):
        if app_id not in self.apps:
            raise Missing(f"App '{app_id}' does not exist")
        return self.apps[app_id]

    def find(self, app_id):
        """The definition, or None."""
        return self.apps.get(app_id)

    def app_version(self, app_id, version):
        self.app(app_id)
        stored = self.store.get("apps", key(app_id), version)
        if stored is None:
            raise Missing(f"App '{app_id}' does not exist in version {version}")
        return stored

    # Changing.

    def change(self, apps, groups=None, force=False, restart=()):
        """Make these the apps and groups (None: the groups stay); starts the deployment and returns its plan.

        restart: ids of apps whose tasks are to be replaced though nothing changed.
        Raises deployments.Locked, Invalid.
        """
        version, (apps, groups) = max(now(), _next(self.groups["/"]["version"])), self._prepared(apps, groups)
        apps = {app_id: self._versioned(app, version, app_id in restart) for app_id, app in apps.items()}
        if clash := next((each for each in apps if each in groups), None):
            raise Conflict(f"Groups and Applications may not have the same identifier: {clash}")
        plan = deployments.plan(self.apps, apps, groups, version)
        try:
            self.deployments.claim(plan, force)
        except deployments.Locked as error:
            self.bus.publish("group_change_failed", groupId="/", version=version, reason=str(error))
            raise
        self.apps, self.groups = apps, groups
        self._save(version)
        self.deployments.start(plan)
        self.bus.publish("group_change_success", groupId="/", version=version)
        return plan

    def dry_run(self, apps, groups):
        apps, groups = self._prepared(apps, groups)
        apps = {app_id: self._versioned(app, now(), False) for app_id, app in apps.items()}
        return deployments.plan(self.apps, apps, groups, now())["steps"]

    def _prepared(self, apps, groups):
        groups, taken = dict(self.groups if groups is None else groups), {port for app in apps.values() for port in definitions.service_ports(app)}
        for path in [*apps, *groups]:
            while path != "/":
                path = definitions.parent(path)
                groups.setdefault(path, {"version": None, "dependencies": []})
        numbered = {}
        for app_id, app in apps.items():
            numbered[app_id] = definitions.assign_service_ports(app, self.apps.get(app_id), taken, self.options.local_port_min, self.options.local_port_max)
            taken |= set(definitions.service_ports(numbered[app_id]))
        return numbered, groups

    def _versioned(self, app, version, restart):
        old = self.apps.get(app["id"])
        if old is not None and not restart:
            if not definitions.is_upgrade(old, app):
                if old["instances"] == app["instances"]:
                    return old
                info = {"lastScalingAt": version, "lastConfigChangeAt": old["versionInfo"]["lastConfigChangeAt"]}
                return definitions.ordered({**app, "version": version, "versionInfo": info})
        return definitions.ordered({**app, "version": version, "versionInfo": {"lastScalingAt": version, "lastConfigChangeAt": version}})

    def _save(self, version):
        for app in self.apps.values():
            if app["version"] == version:
                self.store.put("apps", key(app["id"]), app, version)
        self.groups = {path: {**group, "version": version if path == "/" or not group["version"] else group["version"]} for path, group in self.groups.items()}
        self.store.put("group", "root", {"version": version, "groups": self.groups, "apps": {each: app["version"] for each, app in self.apps.items()}}, version)

    def removed(self, app_id):
        """The last instance of an app that is gone from the tree has ended."""
        if app_id not in self.apps:
            self.store.remove("apps", key(app_id))

    def put_app(self, app, force=False):
        return self.change({**self.apps, app["id"]: app}, force=force)

    def remove_app(self, app_id, force):
        self.app(app_id)
        return self.change({each: app for each, app in self.apps.items() if each != app_id}, force=force)

    def remove_group(self, group_id, force):
        self.group(group_id)
        inside = lambda path: group_id == "/" or path == group_id or path.startswith(group_id + "/")
        groups = {path: group for path, group in self.groups.items() if path == "/" or not inside(path)}
        return self.change({each: app for each, app in self.apps.items() if not inside(each)}, groups, force)

    def updated(self, base, body):
        """(apps, groups) after a group update from JSON, read below base. Raises Invalid, Missing."""
        apps, groups = dict(self.apps), dict(self.groups)
        self._apply(read(_update, body), base, apps, groups)
        return apps, groups

    def _apply(self, update, base, apps, groups):
        group_id = definitions.path_id(update["id"], base) if "id" in update else base
        inside = lambda path: path.startswith(group_id.rstrip("/") + "/")
        if "version" in update:
            stored = self.store.get("group", "root", update["version"])
            if stored is None:
                raise Missing(f"Group '{group_id}' does not exist in version {update['version']}")
            for app_id in [each for each in apps if inside(each)]:
                del apps[app_id]
            apps.update({app_id: self.store.get("apps", key(app_id), version) for app_id, version in stored["apps"].items() if inside(app_id)})
            return
        if "scaleBy" in update:
            for app_id in filter(inside, list(apps)):
                apps[app_id] = {**apps[app_id], "instances": math.ceil(apps[app_id]["instances"] * update["scaleBy"])}
            return
        group = groups.get(group_id, {"version": None, "dependencies": []})
        if "dependencies" in update:
            group = {**group, "dependencies": [definitions.path_id(each, group_id) for each in update["dependencies"]]}
        if "enforceRole" in update:
            group = {**group, "enforceRole": update["enforceRole"]}
        groups[group_id] = {**group, "version": None}
        if "apps" in update:
            for app_id in [each for each in apps if inside(each) and definitions.parent(each) == group_id]:
                del apps[app_id]
            for index, body in enumerate(update["apps"]):
                try:
                    app = definitions.create(body, group_id, self.options.mesos_role)
                except Invalid as error:
                    raise Invalid(error.message, {f"/apps({index}){each['path'].rstrip('/')}": each["errors"] for each in error.details})
                if definitions.parent(app["id"]) != group_id:
                    raise Invalid("Object is not valid", {f"/apps({index})/id": [f"identifier {app['id']} is not child of '{group_id}'"]})
                app["dependencies"] = [definitions.path_id(each, group_id) for each in body.get("dependencies") or []]
                apps[app["id"]] = {name: value for name, value in app.items() if name != "dependencies" or value}
        if "groups" in update:
            named = {definitions.path_id(each["id"], group_id) for each in update["groups"] if isinstance(each, dict) and "id" in each}
            for tree in (apps, groups):
                for path in [each for each in tree if inside(each) and (tree is groups or definitions.parent(each) != group_id)]:
                    if not any(path == name or path.startswith(name + "/") for name in named):
                        del tree[path]
            for body in update["groups"]:
                self._apply(read(_update, body), group_id, apps, groups)

    # Showing.

    def group(self, group_id):
        if group_id not in self.groups:
            raise Missing(f"Group '{group_id}' does not exist")
        return self.groups[group_id]

    def shown(self, group_id, show_app, with_apps=True, with_groups=True):
        """A group with all in it, as /v2/groups answers."""
        group = self.group(group_id)
        children = sorted(path for path in self.groups if path != "/" and definitions.parent(path) == group_id)
        shown = {"id": group_id}
        if with_apps:
            shown["apps"] = [show_app(self.apps[each]) for each in sorted(self.apps) if definitions.parent(each) == group_id]
        shown["pods"] = []
        if with_groups:
            shown["groups"] = [self.shown(each, show_app, with_apps, with_groups) for each in children]
        shown.update(dependencies=group["dependencies"], version=group["version"])
        if group_id != "/":
            shown["enforceRole"] = group.get("enforceRole", False)
        return shown
