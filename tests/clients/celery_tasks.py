"""Celery: workers over kombu's SQS transport run 1,000 tasks, and one that a killed worker left."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from boto import counts, sqs
from checks import check, equal, eventually, run

TASKS = 1000
HERE = Path(__file__).parent

folder = tempfile.TemporaryDirectory()
os.environ["CHECKS_SOCKET"] = str(Path(folder.name) / "socket")
reports = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
reports.bind(os.environ["CHECKS_SOCKET"])
reports.settimeout(25)

from celery_app import app, count, survive  # noqa: E402: it reads what is set above


def next_report():
    return reports.recv(1000).decode().split()


@contextlib.contextmanager
def worker(pool, **variables):
    """A worker that ends with the block, if it has not before; its log is shown where that fails."""
    log = Path(folder.name) / f"worker-{pool}.log"
    command = [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "--pool", pool]
    options = ["--concurrency", "2", "--without-mingle", "--without-gossip", "--without-heartbeat"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, *options, "--loglevel", "INFO"],
            cwd=HERE,
            env={**os.environ, **variables},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    except BaseException:
        print(log.read_text(errors="replace")[-5000:])
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # it and the processes of its pool
        process.wait()


@check
def a_thousand_tasks_run_to_the_end_though_a_worker_is_killed():
    with worker("solo", TO_BE_KILLED="1") as victim:
        task = survive.delay()
        equal(next_report(), ["begun", task.id])
        with app.producer_or_acquire() as producer:
            for number in range(TASKS):
                count.apply_async((number,), producer=producer)
        victim.send_signal(signal.SIGKILL)
        equal(victim.wait(10), -signal.SIGKILL)

    counted, survived = Counter(), []
    with worker("prefork") as rescuer:
        while len(counted) < TASKS or not survived:
            kind, what = next_report()
            if kind == "counted":
                counted[int(what)] += 1
            else:
                survived.append(what)
        equal(sorted(counted), list(range(TASKS)))
        equal(survived, [task.id])
        url = sqs.get_queue_url(QueueName="celery-checks")["QueueUrl"]
        eventually(lambda: counts(url) == (0, 0, 0))
        rescuer.send_signal(signal.SIGTERM)
        equal(rescuer.wait(20), 0)
    # Delivered at least once: what the killed worker had taken ahead may have come twice, no more.
    assert sum(counted.values()) <= TASKS + 10, counted.most_common(20)


@check
def a_purge_discards_what_waits():
    for number in range(3):
        count.delay(number)
    url = sqs.get_queue_url(QueueName="celery-checks")["QueueUrl"]
    equal(counts(url), (3, 0, 0))
    assert app.control.purge() >= 3  # kombu adds up what it sees in several rounds
    equal(counts(url), (0, 0, 0))


run()
