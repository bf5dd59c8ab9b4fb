"""Drives a Marathon with the public client `marathon` as one of its users would; prints what came of it, as JSON.

usage: drive.py URL
"""
import collections
import collections.abc
import json
import queue
import sys
import threading
import time

collections.Iterable = collections.abc.Iterable  # the client is older than Python 3.10, which took this name away

from marathon import MarathonClient
from marathon.exceptions import ConflictError, MarathonHttpError, NotFoundError
from marathon.models import MarathonApp, MarathonConstraint, MarathonGroup, MarathonHealthCheck

client = MarathonClient(sys.argv[1])
seen = {}


def until(what, ask, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.1)
    raise SystemExit(f"waited {seconds} s for {what}")


def deployed():
    until("the deployments to end", lambda: not client.list_deployments())


def raises(kind, action):
    try:
        action()
    except kind as error:
        return getattr(error, "error_message", str(error))
    raise SystemExit(f"no {kind.__name__}")


events = queue.Queue()
threading.Thread(target=lambda: [events.put(each) for each in client.event_stream(
    event_types=["status_update_event", "deployment_success", "app_terminated_event"])], daemon=True).start()
time.sleep(0.5)

info = client.get_info()
seen["ping"], seen["elected"], seen["leader"] = client.ping().decode().strip('"'), info.elected, client.get_leader()["leader"] == info.leader
seen["checkpoint"], seen["zk"] = info.marathon_config.checkpoint, info.zookeeper_config.zk_session_timeout

check = MarathonHealthCheck(protocol="TCP", port_index=0, grace_period_seconds=5, interval_seconds=1, timeout_seconds=1, max_consecutive_failures=3)
app = client.create_app("/client/app", MarathonApp(
    cmd="exec python3 -m http.server $PORT0 --bind $HOST", cpus=0.1, mem=32, instances=1, labels={"made": "by-client"},
    health_checks=[check], constraints=[MarathonConstraint("hostname", "LIKE", ".*")]))
seen["created"] = [app.id, app.instances, [each.id for each in client.list_deployments()] == [each.id for each in app.deployments]]
seen["twice"] = raises(ConflictError, lambda: client.create_app("/client/app", MarathonApp(cmd="sleep 1")))
deployed()
app = client.get_app("/client/app", embed_tasks=True)
seen["running"] = [app.tasks_running, app.tasks_healthy, len(app.tasks), app.tasks[0].started_at is not None, app.tasks[0].health_check_results[0].alive]
seen["listed"] = [each.id for each in client.list_apps(label="made==by-client", embed_tasks=True)]
seen["tasks"] = [each.app_id for each in client.list_tasks()]

client.scale_app("/client/app", instances=3)
deployed()
seen["scaled"] = len(client.list_tasks("/client/app"))
client.scale_app("/client/app", delta=-1)
deployed()
seen["scaled back"] = client.get_app("/client/app").instances
client.kill_task("/client/app", client.list_tasks("/client/app")[0].id, scale=True)
deployed()
seen["killed"] = [client.get_app("/client/app").instances, len(client.list_tasks("/client/app"))]

app = client.get_app("/client/app")
app.env = {"A": "b"}
client.update_app("/client/app", app)
deployed()
versions = client.list_versions("/client/app")
seen["changed"] = [client.get_app("/client/app").env["A"], client.get_version("/client/app", versions[-1]).env, len(versions)]
client.rollback_app("/client/app", versions[-1], force=True)
deployed()
seen["rolled back"] = [client.get_app("/client/app").env, client.get_app("/client/app").instances]
client.restart_app("/client/app")
deployed()

client.create_app("/client/big", MarathonApp(cmd="sleep 100", cpus=1000, mem=32))
# What waits in the queue has a "role" since Marathon 1.9, which this client cannot read from a real one either.
seen["queued"] = raises(TypeError, client.list_queue)
deployment = client.list_deployments()[0]
seen["deployment"] = [deployment.affected_apps, deployment.current_actions[0].action, len(deployment.steps)]
client.delete_app("/client/big", force=True)
deployed()

client.create_group(MarathonGroup(id="/made", apps=[MarathonApp(id="one", cmd="exec sleep 100", cpus=0.01, mem=32)]))
deployed()
seen["grouped"] = client.get_app("/made/one").tasks_running
seen["groups"] = raises(TypeError, client.list_groups)  # "enforceRole", likewise
client.delete_group("/made", force=True)
deployed()

seen["none"] = raises(NotFoundError, lambda: client.get_app("/none"))
seen["invalid"] = raises(MarathonHttpError, lambda: client.create_app("/x", MarathonApp(cmd="x")))
client.delete_app("/client/app")
deployed()
seen["queue"] = client.list_queue()
seen["left"] = [each.id for each in client.list_apps()]
until("its last event", lambda: any(each.event_type == "app_terminated_event" and each.app_id == "/client/app" for each in list(events.queue)))
kinds = [(each.event_type, getattr(each, "task_status", None)) for each in list(events.queue)]
seen["events"] = sorted({kind for kind, _ in kinds}), sorted({status for _, status in kinds if status})
print(json.dumps(seen))
