"""A boto3 client for the server under test, and what checks say again and again."""

import json

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from checks import ENDPOINT, unique

# The protocol that this botocore speaks to SQS is whatever its service model says.
PROTOCOL = boto3.client("sqs", "us-east-1").meta.service_model.metadata["protocol"]
SETTINGS = dict(
    region_name="us-east-1",
    endpoint_url=ENDPOINT,
    aws_access_key_id="test",
    aws_secret_access_key="secret",
)


def connect(**settings):
    config = Config(connect_timeout=5, read_timeout=40)
    return boto3.client("sqs", **{**SETTINGS, "config": config, **settings})


sqs = connect()


def create(stem="q", fifo=False, tags=None, **attributes):
    """A new queue of its own; its URL."""
    if fifo:
        attributes["FifoQueue"] = "true"
    attributes = {k: v if isinstance(v, str) else json.dumps(v) for k, v in attributes.items()}
    name = unique(stem, ".fifo" if fifo else "")
    return sqs.create_queue(QueueName=name, Attributes=attributes, tags=tags or {})["QueueUrl"]


def send(url, body, **arguments):
    return sqs.send_message(QueueUrl=url, MessageBody=body, **arguments)


def receive(url, **arguments):
    """The messages of one receive, up to ten."""
    arguments = {"MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["All"], **arguments}
    if PROTOCOL == "query":  # an older model, with the older name
        arguments["AttributeNames"] = arguments.pop("MessageSystemAttributeNames")
    return sqs.receive_message(QueueUrl=url, **arguments).get("Messages", [])


def receive_one(url, **arguments):
    messages = receive(url, **{"WaitTimeSeconds": 10, **arguments})
    assert len(messages) == 1, f"one message expected: {messages!r}"
    return messages[0]


def bodies(messages):
    return [message["Body"] for message in messages]


def delete(url, message):
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def show(url, message, seconds):
    """Changes a message's visibility."""
    sqs.change_message_visibility(
        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
    )


def attribute(url, name):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]


def arn(url):
    return attribute(url, "QueueArn")


def counts(url):
    """How many messages are ready, in flight and delayed."""
    names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return tuple(int(found[name]) for name in names)


def refused(code, call, *args, status=400, **kwargs):
    """Asserts that the call is refused with this code, and gives the error."""
    try:
        answer = call(*args, **kwargs)
    except ClientError as error:
        found = (error.response["Error"]["Code"], status_of(error))
        assert found == (code, status), f"{code} {status} expected: {error.response!r}"
        assert error.response["Error"]["Message"], error.response
        return error
    raise AssertionError(f"{code} expected: {answer!r}")


def status_of(error):
    return error.response["ResponseMetadata"]["HTTPStatusCode"]
