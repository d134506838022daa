"""boto3: sending, receiving, receipts, batches and dead letters."""

import threading
import time

from boto import arn, bodies, connect, counts, create, delete, receive, receive_one
from boto import refused, send, show, sqs
from checks import check, equal, eventually, md5_of_attributes, md5_of_body, run

ATTRIBUTES = {
    "text": {"DataType": "String", "StringValue": "grün ✓"},
    "number": {"DataType": "Number", "StringValue": "-12.5e3"},
    "bytes": {"DataType": "Binary", "BinaryValue": bytes(range(256))},
    "own.kind": {"DataType": "String.uuid", "StringValue": "7c0c"},
    "price": {"DataType": "Number.eur", "StringValue": "3.50"},
    "picture": {"DataType": "Binary.png", "BinaryValue": b"\x89PNG"},
}
BATCH = "AWS.SimpleQueueService."


@check
def attributes_of_every_type_come_back_with_their_digests():
    url = create()
    body = 'grün ✓ <&>"\n\t\U0001f600'
    sent = send(url, body, MessageAttributes=ATTRIBUTES)
    equal(sent["MD5OfMessageBody"], md5_of_body(body))
    equal(sent["MD5OfMessageAttributes"], md5_of_attributes(ATTRIBUTES))
    message = receive_one(url, MessageAttributeNames=["All"])
    equal(message["MessageId"], sent["MessageId"])
    equal((message["Body"], message["MD5OfBody"]), (body, md5_of_body(body)))
    equal(message["MessageAttributes"], ATTRIBUTES)
    equal(message["MD5OfMessageAttributes"], md5_of_attributes(ATTRIBUTES))


@check
def only_the_attributes_asked_for_are_returned():
    url = create(VisibilityTimeout="0")
    send(url, "x", MessageAttributes=ATTRIBUTES)
    for asked, names in [
        (["text", "unknown"], ["text"]),
        (["own.*"], ["own.kind"]),
        ([".*"], sorted(ATTRIBUTES)),
        ([], []),
    ]:
        message = receive_one(url, MessageAttributeNames=asked)
        returned = {name: ATTRIBUTES[name] for name in names}
        equal(message.get("MessageAttributes", {}), returned)
        equal(message.get("MD5OfMessageAttributes"), returned and md5_of_attributes(returned) or None)
    equal(receive_one(url, MessageSystemAttributeNames=[]).get("Attributes"), None)


@check
def system_attributes_tell_the_story_of_a_message():
    url = create()
    began = time.time() * 1000
    trace = {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}
    sent = send(url, "x", MessageSystemAttributes={"AWSTraceHeader": trace})
    equal(sent["MD5OfMessageSystemAttributes"], md5_of_attributes({"AWSTraceHeader": trace}))
    first = receive_one(url)
    found = first["Attributes"]
    equal((found["ApproximateReceiveCount"], found["AWSTraceHeader"]), ("1", trace["StringValue"]))
    assert found["SenderId"], found
    for name in ["SentTimestamp", "ApproximateFirstReceiveTimestamp"]:
        assert abs(int(found[name]) - began) < 60_000, found
    show(url, first, 0)
    again = receive_one(url)["Attributes"]
    equal(again["ApproximateReceiveCount"], "2")
    for name in ["SentTimestamp", "ApproximateFirstReceiveTimestamp"]:
        equal(again[name], found[name])


@check
def a_long_poll_is_woken_by_a_send():
    url = create()
    poller, polling, answers = connect(), threading.Event(), []
    poller.meta.events.register("before-send.sqs.ReceiveMessage", lambda **_: polling.set())

    def poll():
        answers.append(poller.receive_message(QueueUrl=url, WaitTimeSeconds=20))

    thread = threading.Thread(target=poll, daemon=True)
    began = time.monotonic()
    thread.start()
    assert polling.wait(10)
    send(url, "wake up")
    thread.join(25)
    equal([bodies(answer["Messages"]) for answer in answers], [["wake up"]])
    assert time.monotonic() - began < 10, "the poll was not woken"


@check
def a_long_poll_waits_for_a_delayed_message_and_no_longer():
    url = create()
    began = time.monotonic()
    send(url, "later", DelaySeconds=1)
    equal(counts(url), (0, 0, 1))
    equal(receive(url), [])
    equal(bodies(receive(url, WaitTimeSeconds=20)), ["later"])
    assert 0.9 < time.monotonic() - began < 10, time.monotonic() - began


@check
def an_empty_long_poll_ends_when_its_time_is_over():
    url = create(ReceiveMessageWaitTimeSeconds="1")
    began = time.monotonic()
    equal(receive(url), [])
    assert time.monotonic() - began > 0.9


@check
def visibility_zero_returns_a_message_at_once():
    url = create()
    send(url, "x")
    first = receive_one(url)
    equal(receive(url), [])
    show(url, first, 0)
    second = receive_one(url, WaitTimeSeconds=0)
    equal(second["MessageId"], first["MessageId"])
    assert second["ReceiptHandle"] != first["ReceiptHandle"]


@check
def visibility_is_extended_by_a_change():
    url = create(VisibilityTimeout="1")
    send(url, "kept")
    send(url, "let go")
    kept, _ = receive(url)
    show(url, kept, 600)
    equal(bodies(receive(url, WaitTimeSeconds=10)), ["let go"])
    equal(receive(url, VisibilityTimeout=30, WaitTimeSeconds=0), [])
    delete(url, kept)


@check
def visibility_is_changed_for_a_batch():
    url = create()
    for body in "ab":
        send(url, body)
    entries = [
        {"Id": message["Body"], "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
        for message in receive(url)
    ]
    entries.append({"Id": "c", "ReceiptHandle": "garbage", "VisibilityTimeout": 0})
    answer = sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    equal(sorted(entry["Id"] for entry in answer["Successful"]), ["a", "b"])
    equal([(entry["Id"], entry["SenderFault"]) for entry in answer["Failed"]], [("c", True)])
    equal(sorted(bodies(receive(url))), ["a", "b"])


@check
def a_delete_may_be_repeated():
    url = create()
    send(url, "x")
    message = receive_one(url)
    delete(url, message)
    delete(url, message)
    equal(counts(url), (0, 0, 0))
    refused("InvalidParameterValue", show, url, message, 10)


@check
def a_receipt_deletes_until_the_message_is_delivered_again():
    url = create()
    send(url, "x")
    old = receive_one(url)
    show(url, old, 0)
    equal(counts(url), (1, 0, 0))
    new = receive_one(url)
    delete(url, old)
    equal(counts(url), (0, 1, 0))
    show(url, new, 0)
    delete(url, new)
    equal(counts(url), (0, 0, 0))
    equal(receive(url), [])


@check
def a_receipt_that_is_none_is_refused():
    url, other = create(), create()
    send(other, "x")
    for receipt in ["garbage", "ä", "x" * 300]:
        for call, more in [
            (sqs.delete_message, {}),
            (sqs.change_message_visibility, {"VisibilityTimeout": 0}),
        ]:
            arguments = {"QueueUrl": url, "ReceiptHandle": receipt, **more}
            try:
                call(**arguments)
            except sqs.exceptions.ReceiptHandleIsInvalid as error:
                assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 404), error
            else:
                raise AssertionError(f"{receipt} was taken")


@check
def a_batch_answers_for_each_entry():
    url = create()
    entries = [
        {"Id": "good", "MessageBody": "1", "MessageAttributes": ATTRIBUTES},
        {"Id": "bad", "MessageBody": "2", "DelaySeconds": 901},
        {"Id": "also-good", "MessageBody": "3"},
    ]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    sent = {entry["Id"]: entry for entry in answer["Successful"]}
    equal(sorted(sent), ["also-good", "good"])
    equal(sent["good"]["MD5OfMessageBody"], md5_of_body("1"))
    equal(sent["good"]["MD5OfMessageAttributes"], md5_of_attributes(ATTRIBUTES))
    (failed,) = answer["Failed"]
    equal(
        (failed["Id"], failed["SenderFault"], failed["Code"]),
        ("bad", True, "InvalidParameterValue"),
    )
    assert failed["Message"], failed
    messages = receive(url)
    equal(bodies(messages), ["1", "3"])
    equal([m["MessageId"] for m in messages], [sent[i]["MessageId"] for i in ("good", "also-good")])

    entries = [{"Id": m["Body"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages]
    entries.append({"Id": "x", "ReceiptHandle": "garbage"})
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    equal([entry["Id"] for entry in answer["Successful"]], ["1", "3"])
    (failed,) = answer["Failed"]
    equal(
        (failed["Id"], failed["SenderFault"], failed["Code"]),
        ("x", True, "ReceiptHandleIsInvalid"),
    )
    equal(counts(url), (0, 0, 0))


@check
def a_batch_that_is_none_is_refused_whole():
    url = create()

    def entries(ids, body="x"):
        return [{"Id": name, "MessageBody": body} for name in ids]

    cases = [
        (entries("abcdefghijk"), "TooManyEntriesInBatchRequest"),
        (entries(["a", "a"]), "BatchEntryIdsNotDistinct"),
        (entries(["a b"]), "InvalidBatchEntryId"),
        (entries("abcd", "x" * 300_000), "BatchRequestTooLong"),
        ([], "EmptyBatchRequest"),
    ]
    for batch, shape in cases:
        error = refused(BATCH + shape, sqs.send_message_batch, QueueUrl=url, Entries=batch)
        assert isinstance(error, getattr(sqs.exceptions, shape)), type(error)
    equal(counts(url), (0, 0, 0))


@check
def what_no_message_may_be_is_refused():
    url = create()
    with_attribute = lambda name, kind, value: {
        "MessageAttributes": {name: {"DataType": kind, "StringValue": value}}
    }
    for code, body, more in [
        ("MissingParameter", "", {}),
        ("InvalidMessageContents", "a\x01b", {}),
        ("InvalidParameterValue", "x" * (1024 * 1024 + 1), {}),
        ("InvalidParameterValue", "x", {"DelaySeconds": 901}),
        ("InvalidParameterValue", "x", with_attribute("AWS.x", "String", "1")),
        ("InvalidParameterValue", "x", with_attribute("n", "Text", "1")),
        ("InvalidParameterValue", "x", with_attribute("n", "Number", "one")),
        ("InvalidParameterValue", "x", with_attribute("n", "String", "")),
    ]:
        refused(code, send, url, body, **more)
    for arguments in [
        {"MaxNumberOfMessages": 0},
        {"MaxNumberOfMessages": 11},
        {"WaitTimeSeconds": 21},
        {"VisibilityTimeout": 43201},
    ]:
        refused("InvalidParameterValue", receive, url, **arguments)
    equal(counts(url), (0, 0, 0))


@check
def the_largest_message_fits():
    url = create()
    body = "é" * (512 * 1024)
    equal(send(url, body)["MD5OfMessageBody"], md5_of_body(body))
    equal(receive_one(url)["Body"], body)


@check
def a_message_received_too_often_is_a_dead_letter():
    dead = create("dead")
    url = create(RedrivePolicy={"deadLetterTargetArn": arn(dead), "maxReceiveCount": 2})
    send(url, "poison", MessageAttributes=ATTRIBUTES)
    for _ in range(2):
        show(url, receive_one(url), 0)
    equal(receive(url), [])
    letter = receive_one(dead, MessageAttributeNames=["All"])
    equal(letter["Body"], "poison")
    equal(letter["MessageAttributes"], ATTRIBUTES)
    equal(letter["Attributes"]["DeadLetterQueueSourceArn"], arn(url))
    equal(counts(url), (0, 0, 0))
    equal(sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"], [url])
    equal(sqs.list_dead_letter_source_queues(QueueUrl=url).get("queueUrls", []), [])


@check
def a_redrive_allow_policy_is_obeyed():
    dead = create("dead", RedriveAllowPolicy={"redrivePermission": "denyAll"})
    policy = {"deadLetterTargetArn": arn(dead), "maxReceiveCount": "3"}
    refused("InvalidParameterValue", create, RedrivePolicy=policy)


def with_dead_letters(number):
    """A queue, and its dead-letter queue with so many letters."""
    dead = create("dead")
    url = create(RedrivePolicy={"deadLetterTargetArn": arn(dead), "maxReceiveCount": 1})
    for letter in range(number):
        send(url, f"{letter}")
        show(url, receive_one(url), 0)
        equal(receive(url), [])
    eventually(lambda: counts(dead)[0] == number)
    return url, dead


def tasks(dead):
    return sqs.list_message_move_tasks(SourceArn=arn(dead), MaxResults=10)["Results"]


@check
def dead_letters_are_moved_back():
    url, dead = with_dead_letters(2)
    sqs.start_message_move_task(SourceArn=arn(dead))
    eventually(lambda: tasks(dead)[0]["Status"] == "COMPLETED")
    (task,) = tasks(dead)
    equal((task["SourceArn"], task["ApproximateNumberOfMessagesMoved"]), (arn(dead), 2))
    equal(bodies(receive(url)), ["0", "1"])
    equal(counts(dead), (0, 0, 0))


@check
def a_move_is_cancelled():
    _, dead = with_dead_letters(5)
    elsewhere = create("elsewhere")
    handle = sqs.start_message_move_task(
        SourceArn=arn(dead), DestinationArn=arn(elsewhere), MaxNumberOfMessagesPerSecond=1
    )["TaskHandle"]
    receive_one(elsewhere)
    moved = sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"]
    assert 1 <= moved < 5, moved
    eventually(lambda: tasks(dead)[0]["Status"] == "CANCELLED")
    equal(sum(counts(dead)) + sum(counts(elsewhere)), 5)
    assert counts(dead)[0] >= 1, counts(dead)


@check
def a_move_needs_a_dead_letter_queue():
    missing = arn(create()) + "-missing"
    refused("ResourceNotFoundException", sqs.start_message_move_task, SourceArn=missing, status=404)


run()
