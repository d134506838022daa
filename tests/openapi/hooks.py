"""What schemathesis cannot know from the document.

Durations have bounds that no schema can tell (`x-range`), and most requests are about something that has to
be there before: a queue, a message, a lease.
"""

import os
import re

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.generation.meta import TestPhase

URL = os.environ["RINGMQ_URL"]
UNITS = {"ms": 1, "s": 1000, "": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
# What waits waits no longer than this.
PATIENCE_MS = 50
LONGEST_WAIT_MS = 60_000
DEAD_LETTERS = "dead.letters.of.all"

session = requests.Session()


def milliseconds(text):
    number, unit = re.fullmatch(r"([0-9.]+)(ms|s|m|h|d)?", text).groups()
    return int(float(number) * UNITS[unit or ""])


def spans(least, most):
    """Durations within bounds, in every unit."""
    if most == LONGEST_WAIT_MS:
        most = PATIENCE_MS

    def written(pair):
        value, unit = pair
        whole = value // UNITS[unit]
        return f"{whole}{unit}" if whole * UNITS[unit] >= least else f"{value}ms"

    return st.tuples(st.integers(least, most), st.sampled_from(sorted(UNITS))).map(written)


def teach(node):
    """Gives each duration a format whose strategy keeps to its bounds."""
    if isinstance(node, dict):
        if "x-range" in node:
            least, most = (milliseconds(node["x-range"][bound]) for bound in ("minimum", "maximum"))
            node["format"] = f"span-{least}-{most}"
            schemathesis.openapi.format(node["format"], spans(least, most))
        for value in node.values():
            teach(value)
    elif isinstance(node, list):
        for value in node:
            teach(value)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    session.put(f"{URL}/v1/queues/{DEAD_LETTERS}", json={}).raise_for_status()
    teach(raw_schema)


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


def settle(body):
    """Of settings, what depends on what is there: the queue of dead letters has to be, FIFO stays what it was."""
    if isinstance(body.get("dead_letter"), str):
        body["dead_letter"] = DEAD_LETTERS
    if body.get("fifo"):
        body["fifo"] = False
    if isinstance(body.get("to"), str):
        body["to"] = DEAD_LETTERS
    wait = body.get("receive_wait")
    if isinstance(wait, (int, float)):
        body["receive_wait"] = min(wait, PATIENCE_MS / 1000)


def lease(queue):
    """Sends a message to a queue, which is made where it is not there, and receives it: receipt and id."""
    session.put(f"{URL}/v1/queues/{queue}", json={"max_message_bytes": 100, "max_bytes": None})
    session.post(f"{URL}/v1/queues/{queue}/resume")
    session.post(f"{URL}/v1/queues/{queue}/purge")
    session.post(f"{URL}/v1/queues/{queue}/messages", data="leased", headers={"Queue-Delay": "0"})
    answer = session.post(f"{URL}/v1/queues/{queue}/receive", params={"wait": "1s", "lease": "30s"})
    messages = answer.json().get("messages")
    return messages and messages[0]


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes what a good request needs; every second one about a message or a lease is about one that is there."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    if isinstance(case.body, dict):
        settle(case.body)
    parameters = case.path_parameters or {}
    queue = parameters.get("queue")
    if not isinstance(queue, str):
        return
    if case.operation.path.endswith(("/receive", "/messages")) and case.method == "POST":
        session.put(f"{URL}/v1/queues/{queue}", json={})
    if case.operation.path.endswith("/receive"):
        session.post(f"{URL}/v1/queues/{queue}/messages", data="waiting", headers={"Queue-Delay": "0"})
        # A lease of nothing gives no receipt, and then nothing leads on from here.
        if case.meta.phase.name == TestPhase.STATEFUL and case.query:
            case.query.pop("lease", None)
    for name in parameters.keys() & {"receipt", "id"}:
        if case.meta.phase.name != TestPhase.STATEFUL and int(parameters[name][-1], 16) % 2 == 0:
            if message := lease(queue):
                parameters[name] = message[name]
