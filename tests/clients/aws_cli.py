"""The AWS command line: the usual commands, one process each, whose output is JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

from checks import ENDPOINT, check, equal, md5_of_attributes, md5_of_body, run, unique

AWS = Path(sys.executable).with_name("aws")
ENVIRONMENT = {
    **os.environ,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_PAGER": "",
}


def attempt(command, *arguments):
    """The ended process of one command."""
    words = [sys.executable, AWS, "--endpoint-url", ENDPOINT, "--output", "json", "sqs", command]
    return subprocess.run(
        [*words, *arguments], env=ENVIRONMENT, capture_output=True, text=True, timeout=25
    )


def aws(command, *arguments):
    """What a command says."""
    ended = attempt(command, *arguments)
    assert ended.returncode == 0, f"{command}: {ended.returncode}\n{ended.stderr}"
    return json.loads(ended.stdout) if ended.stdout.strip() else None


@check
def a_queue_is_used_from_create_to_delete():
    name = unique("cli")
    attributes = json.dumps({"VisibilityTimeout": "60"})
    url = aws(
        "create-queue", "--queue-name", name, "--attributes", attributes, "--tags", "team=orders"
    )["QueueUrl"]
    queue = ["--queue-url", url]
    equal(aws("get-queue-url", "--queue-name", name)["QueueUrl"], url)
    equal(aws("list-queues", "--queue-name-prefix", name)["QueueUrls"], [url])
    equal(aws("list-queue-tags", *queue)["Tags"], {"team": "orders"})

    attributes = {"kind": {"DataType": "String", "StringValue": "order"}}
    sent = aws("send-message", *queue, "--message-body", "grün ✓",
               "--message-attributes", json.dumps(attributes))
    equal(sent["MD5OfMessageBody"], md5_of_body("grün ✓"))
    equal(sent["MD5OfMessageAttributes"], md5_of_attributes(attributes))
    entries = [{"Id": "a", "MessageBody": "2"}, {"Id": "b", "MessageBody": "3"}]
    answer = aws("send-message-batch", *queue, "--entries", json.dumps(entries))
    equal([entry["Id"] for entry in answer["Successful"]], ["a", "b"])

    found = aws("get-queue-attributes", *queue, "--attribute-names", "All")["Attributes"]
    equal((found["VisibilityTimeout"], found["ApproximateNumberOfMessages"]), ("60", "3"))
    assert found["QueueArn"].endswith(f":{name}"), found

    messages = aws("receive-message", *queue, "--max-number-of-messages", "10",
                   "--wait-time-seconds", "5", "--attribute-names", "All",
                   "--message-attribute-names", "All")["Messages"]
    equal([message["Body"] for message in messages], ["grün ✓", "2", "3"])
    equal(messages[0]["MessageAttributes"], attributes)
    equal(messages[0]["Attributes"]["ApproximateReceiveCount"], "1")
    receipts = [message["ReceiptHandle"] for message in messages]
    equal(aws("delete-message", *queue, "--receipt-handle", receipts[0]), None)
    equal(aws("change-message-visibility", *queue, "--receipt-handle", receipts[1],
              "--visibility-timeout", "0"), None)
    equal(aws("delete-message-batch", *queue, "--entries",
              json.dumps([{"Id": "c", "ReceiptHandle": receipts[2]}]))["Successful"], [{"Id": "c"}])
    equal(aws("receive-message", *queue)["Messages"][0]["Body"], "2")
    equal(aws("receive-message", *queue), None)

    aws("set-queue-attributes", *queue, "--attributes", json.dumps({"DelaySeconds": "5"}))
    names = ["--attribute-names", "DelaySeconds", "ApproximateNumberOfMessagesNotVisible"]
    equal(aws("get-queue-attributes", *queue, *names)["Attributes"],
          {"DelaySeconds": "5", "ApproximateNumberOfMessagesNotVisible": "1"})
    equal(aws("purge-queue", *queue), None)
    equal(aws("delete-queue", *queue), None)


@check
def an_error_is_told_by_its_code():
    missing = attempt("get-queue-url", "--queue-name", unique("missing"))
    assert missing.returncode not in (0, None), missing
    assert "(AWS.SimpleQueueService.NonExistentQueue)" in missing.stderr, missing.stderr


@check
def a_full_queue_is_throttling():
    url = aws("create-queue", "--queue-name", unique("full"), "--tags", "capacity=1")["QueueUrl"]
    aws("send-message", "--queue-url", url, "--message-body", "fits")
    full = attempt("send-message", "--queue-url", url, "--message-body", "one too many")
    assert full.returncode != 0, full
    assert "(RequestThrottled)" in full.stderr and "max retries" in full.stderr, full.stderr


run()
