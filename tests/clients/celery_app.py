"""A Celery application whose broker is the server under test, as README shows it.

Each task tells the checks what it does, over a socket, so that nobody has to look again and again.
"""

import os
import signal
import socket
from urllib.parse import urlsplit

from celery import Celery

VISIBILITY = 8  # seconds: how soon the task of a worker that was killed comes back

app = Celery("checks", broker=f"sqs://test:secret@{urlsplit(os.environ['SQS_ENDPOINT']).netloc}")
app.conf.update(
    broker_transport_options={
        "region": "us-east-1",
        "is_secure": False,
        "visibility_timeout": VISIBILITY,
        "wait_time_seconds": 2,
        "polling_interval": 0,  # after an empty receive, which has waited already
    },
    broker_connection_retry_on_startup=True,
    task_default_queue="celery-checks",
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=5,  # of two processes: ten, as many as a receive gives
    worker_enable_remote_control=False,  # it asks for fanout, which is not SQS
)


def report(*words):
    """One datagram, which is sent whole or not at all."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(" ".join(map(str, words)).encode(), os.environ["CHECKS_SOCKET"])


@app.task
def count(number):
    report("counted", number)


@app.task(bind=True)
def survive(self):
    """Never ends in the worker that is to be killed."""
    if "TO_BE_KILLED" in os.environ:
        report("begun", self.request.id)
        signal.pause()
    report("survived", self.request.id)
