"""prometheus_client: the parsers of Prometheus' own client library read both pages of /metrics."""

import os
import urllib.request

from prometheus_client import parser
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics

from checks import check, equal, run

SERVER = os.environ["SQS_ENDPOINT"]


def call(path, data=None, **headers):
    request = urllib.request.Request(SERVER + path, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def use():
    """Something of everything."""
    call("/v1/queues/default/messages", b"one")
    call("/v1/queues/default/receive", b"")
    call("/enqueue", b'{"event":"two"}')
    call("/dequeue")


def samples(families):
    return {(sample.name, *sorted(sample.labels.items())): sample.value
            for family in families for sample in family.samples}


SENT = ("ringmq_queue_sent_messages_total", ("queue", "default"))
LEASE = ("ringmq_queue_time_in_queue_seconds_count", ("queue", "default"))


@check
def openmetrics_is_read():
    use()
    content_type, text = call("/metrics", Accept="application/openmetrics-text;version=1.0.0")
    equal(content_type.split(";")[0], "application/openmetrics-text")
    families = list(read_openmetrics(text))
    kinds = {family.name: (family.type, family.unit) for family in families}
    equal(kinds["ringmq_queue_sent_messages"], ("counter", ""))
    equal(kinds["ringmq_queue_time_in_queue_seconds"], ("histogram", "seconds"))
    equal(kinds["ringmq_queue_bytes"], ("gauge", "bytes"))
    equal(kinds["ringmq_build"], ("info", ""))
    found = samples(families)
    equal((found[SENT], found[LEASE]), (2.0, 2.0))


@check
def the_older_format_is_read():
    content_type, text = call("/metrics")
    equal(content_type, "text/plain; version=0.0.4; charset=utf-8")
    families = list(parser.text_string_to_metric_families(text))
    equal({family.type for family in families}, {"counter", "gauge", "histogram"})
    found = samples(families)
    equal((found[SENT], found[LEASE]), (2.0, 2.0))


run()
