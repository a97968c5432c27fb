"""
Calls each method of LangGraph's Python client with each of its options, and prints as JSON what was sent and how the server answered.

The methods and options are those that the installed client declares, so that a newer client's are found. Usage: drive.py <url> <token>
"""

import inspect
import json
import sys
import uuid

from langgraph_sdk import get_sync_client

PLACES = ("threads", "runs", "assistants", "store", "crons")
# What each call can be given beside its options: it is sent as it is.
GENERAL = {"headers", "params"}
GRAPH = "saying"

CONFIG = {"tags": ["a"], "recursion_limit": 9, "configurable": {"a": 1}}
# By option, or by method and option: a value that asks for something. A function is called with the things that calls are about.
VALUES = {
    "metadata": {"a": 1},
    "config": CONFIG,
    "context": {"a": 1},
    "input": {"said": ["Other?"]},
    "command": {"update": {"said": ["Told."]}},
    "stream_mode": ["updates", "custom"],
    "stream_subgraphs": True,
    "stream_resumable": True,
    "checkpoint": lambda t: t["checkpoint"],
    "checkpoint_id": lambda t: t["checkpoint"]["checkpoint_id"],
    "checkpoint_during": True,
    "interrupt_before": ["say"],
    "interrupt_after": "*",
    "feedback_keys": ["a"],
    "on_disconnect": "continue",
    "on_completion": "delete",
    "webhook": "https://example.com",
    "multitask_strategy": "enqueue",
    "if_not_exists": "create",
    "after_seconds": 0.01,
    "langsmith_tracing": {"project_name": "a"},
    "on_run_created": lambda t: (lambda made: None),
    "durability": "sync",
    "strict_resume": True,
    "raise_error": False,
    "version": "v2",
    "limit": 3,
    "offset": 1,
    "status": "success",
    "action": "rollback",
    "wait": True,
    "select": ["metadata"],
    "sort_by": "created_at",
    "sort_order": "asc",
    "cancel_on_disconnect": True,
    "last_event_id": "0",
    "ttl": {"ttl": 5, "strategy": "keep_latest"},
    "thread_id": lambda t: str(uuid.uuid4()),
    "assistant_id": lambda t: str(uuid.uuid4()),
    "graph_id": GRAPH,
    "if_exists": "do_nothing",
    "name": "Ada",
    "description": "Adds.",
    "xray": 1,
    "recurse": True,
    "delete_threads": True,
    "refresh_ttl": True,
    "filter": {"a": 1},
    "query": "like this",
    "prefix": ["a"],
    "suffix": ["a"],
    "max_depth": 1,
    "index": ["a"],
    "run_ids": [],
    "as_node": "say",
    "include": ["ttl"],
    "extract": {"last": "values.said[-1]"},
    "return_minimal": True,
    "supersteps": [{"updates": [{"values": {"said": ["a"]}, "as_node": "say"}]}],
    "subgraphs": True,
    "response_format": "object",
    "run_start_timeout": 1.0,
    "transport": "sse",
    "assistants.get_subgraphs namespace": "a",
    "threads.prune strategy": "keep_latest",
    "threads.prune thread_ids": [],
    "threads.search status": "idle",
    "threads.search select": ["thread_id", "values"],
    "threads.search ids": lambda t: [t["thread"]],
    "threads.search values": {"said": ["What?"]},
    "threads.count status": "idle",
    "threads.count values": {"said": []},
    "threads.get_state select": ["values.said", "interrupts"],
    "threads.get_history select": ["values.said"],
    "threads.get_history before": lambda t: {"configurable": t["checkpoint"]},
    "threads.get_history metadata": {"source": "loop"},
    "threads.update_state values": {"said": ["b"]},
    "threads.join_stream stream_mode": "run_modes",
    "runs.join_stream stream_mode": ["values"],
    "runs.create_batch payloads": [{"assistant_id": GRAPH, "input": {"said": ["Both?"]}}],
    "runs.list select": ["run_id", "status"],
    "runs.cancel_many status": "running",
    "runs.cancel_many thread_id": lambda t: t["thread"],
    "assistants.search select": ["name"],
    "assistants.search sort_by": "name",
    "assistants.set_latest version": 1,
    "store.put_item value": {"a": 1},
    "store.put_item ttl": 5,
}


class Asker:
    """A client whose requests are recorded."""

    def __init__(self, url, token):
        self.client = get_sync_client(url=url, api_key=token, timeout=30)
        self.sent = []
        self.refusal = None
        hooks = {"request": [self.on_request], "response": [self.on_response]}
        self.client.http.client.event_hooks = hooks

    def on_request(self, request):
        fields = json.loads(request.read() or b"{}")
        first = (fields or [{}])[0] if isinstance(fields, list) else fields
        headers = [f"{name}: {request.headers[name]}" for name in ("last-event-id", "prefer") if name in request.headers]
        self.sent += [request.method, request.url.path, *map(str, request.url.params.multi_items()), *headers]
        self.sent += [json.dumps(entry) for entry in first.items()]

    def on_response(self, response):
        if response.status_code >= 400 and self.refusal is None:
            body = json.loads(response.read())
            self.refusal = {"status": response.status_code, "detail": body.get("detail", "")}


def make_things(client):
    def thread():
        made = client.threads.create(graph_id=GRAPH)["thread_id"]
        client.threads.update_state(made, {"said": ["Begun."]})
        return made

    def run(thread_id):
        made = client.runs.create(thread_id, GRAPH, input={"said": ["What?"]})["run_id"]
        client.runs.join(thread_id, made)
        return made

    new = thread()
    ran = run(new)
    checkpoint = client.threads.get_state(new)["checkpoint"]
    client.store.put_item(["a"], "k", {"a": 1})
    assistant = client.assistants.create(GRAPH)["assistant_id"]
    return {"thread": new, "run": ran, "checkpoint": checkpoint, "assistant": assistant, "cron": str(uuid.uuid4())}


# Arguments that a method cannot do without.
NEEDED = {
    "thread_id": lambda t: t["thread"],
    "run_id": lambda t: t["run"],
    "assistant_id": lambda t: t["assistant"],
    "cron_id": lambda t: t["cron"],
    "graph_id": lambda t: GRAPH,
    "schedule": lambda t: "0 0 * * *",
    "values": lambda t: {"said": ["a"]},
    "thread_ids": lambda t: [t["thread"]],
    "payloads": lambda t: [{"assistant_id": GRAPH}],
    "version": lambda t: 1,
    "key": lambda t: "k",
    "value": lambda t: {},
    "namespace": lambda t: ["a"],
    "namespace_prefix": lambda t: ["a"],
    "metadata": lambda t: {"a": 0},
}


def call(asker, method, option, things):
    place, name = method.split(".")
    function = getattr(getattr(asker.client, place), name)
    arguments = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is inspect.Parameter.empty:
            arguments[parameter.name] = NEEDED[parameter.name](things)
    if option == "supersteps":
        arguments["graph_id"] = GRAPH
    if method in ("runs.create", "runs.wait", "runs.stream"):
        arguments |= {"assistant_id": GRAPH, "input": {"said": ["What?"]}}
    if option is not None:
        value = VALUES.get(f"{method} {option}", VALUES.get(option))
        arguments[option] = value(things) if callable(value) else value
    asker.sent, asker.refusal = [], None
    positional = [
        arguments.pop(parameter.name)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY
    ]
    try:
        answer = function(*positional, **arguments)
        if method == "threads.stream":
            with answer as stream:
                stream.run.start(input={"said": ["What?"]})
        elif inspect.isgenerator(answer):
            for _ in answer:
                pass
    except Exception as error:  # The answer says why; without one it is told.
        if asker.refusal is None:
            asker.refusal = {"status": 0, "detail": f"{type(error).__name__}: {error}"}
    return {"sent": asker.sent, "refusal": asker.refusal}


def main(url, token):
    found = {}
    maker = get_sync_client(url=url, api_key=token, timeout=60)
    shared = make_things(maker)
    for place in PLACES:
        for name, function in inspect.getmembers(getattr(Asker(url, token).client, place), inspect.ismethod):
            if name.startswith("_"):
                continue
            method = f"{place}.{name}"
            asker = Asker(url, token)
            # A call may be the last one, or begin a run that goes on.
            is_last = name in ("delete", "prune", "create") and place != "store"
            things_now = lambda: make_things(maker) if is_last else shared
            result = {"without": call(asker, method, None, things_now()), "options": {}}
            found[method] = result
            if (result["without"]["refusal"] or {}).get("status") == 501:
                continue
            for parameter in inspect.signature(function).parameters.values():
                option = parameter.name
                is_known = option in VALUES or f"{method} {option}" in VALUES
                if option in GENERAL or (parameter.default is inspect.Parameter.empty and not is_known):
                    continue
                if not is_known:
                    result["options"][option] = None
                    continue
                if parameter.default is inspect.Parameter.empty and option in ("thread_id", "assistant_id"):
                    continue
                result["options"][option] = call(asker, method, option, things_now())
    json.dump(found, sys.stdout)


main(*sys.argv[1:])
