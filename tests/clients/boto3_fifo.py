"""boto3: FIFO queues."""

from boto import attribute, bodies, counts, create, delete, receive, receive_one, refused, send, show
from boto import sqs
from checks import check, equal, run, unique


def put(url, body, group="g", **arguments):
    """Sends under a deduplication id that is the body, unless told otherwise."""
    arguments = {"MessageDeduplicationId": body, **arguments}
    return send(url, body, MessageGroupId=group, **arguments)


@check
def a_fifo_queue_has_its_suffix_and_its_attributes():
    url = create(fifo=True, ContentBasedDeduplication="true")
    equal((attribute(url, "FifoQueue"), attribute(url, "ContentBasedDeduplication")), ("true",) * 2)
    equal(attribute(url, "DeduplicationScope"), "queue")
    equal(attribute(url, "FifoThroughputLimit"), "perQueue")
    fifo = {"FifoQueue": "true"}
    for name, attributes in [(unique("plain"), fifo), (unique("q", ".fifo"), {})]:
        answer = None
        try:
            answer = sqs.create_queue(QueueName=name, Attributes=attributes)
        except sqs.exceptions.ClientError as error:
            equal(error.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        equal(answer, None)


@check
def a_group_keeps_its_order_and_its_numbers_rise():
    url = create(fifo=True)
    sent = [int(put(url, f"{n}")["SequenceNumber"]) for n in range(10)]
    assert sorted(set(sent)) == sent, sent
    messages = receive(url)
    equal(bodies(messages), [f"{n}" for n in range(10)])
    equal([int(m["Attributes"]["SequenceNumber"]) for m in messages], sent)
    equal({m["Attributes"]["MessageGroupId"] for m in messages}, {"g"})
    equal([m["Attributes"]["MessageDeduplicationId"] for m in messages], bodies(messages))


@check
def a_group_is_locked_while_one_of_its_messages_is_in_flight():
    url = create(fifo=True)
    for group in "ab":
        for n in (1, 2):
            put(url, f"{group}{n}", group)
    first = receive_one(url, MaxNumberOfMessages=1)
    equal(first["Body"], "a1")
    equal(bodies(receive(url)), ["b1", "b2"])
    equal(receive(url), [])
    delete(url, first)
    equal(bodies(receive(url)), ["a2"])


@check
def a_message_that_comes_back_comes_before_its_group():
    url = create(fifo=True)
    for n in range(3):
        put(url, f"{n}")
    show(url, receive_one(url, MaxNumberOfMessages=1), 0)
    equal(bodies(receive(url)), ["0", "1", "2"])


@check
def the_same_id_is_stored_once():
    url = create(fifo=True)
    first = put(url, "one", MessageDeduplicationId="id")
    second = put(url, "another body", MessageDeduplicationId="id")
    equal(second["MessageId"], first["MessageId"])
    equal(second["SequenceNumber"], first["SequenceNumber"])
    message = receive_one(url)
    equal(message["Body"], "one")
    delete(url, message)
    put(url, "still remembered", MessageDeduplicationId="id")
    equal(counts(url), (0, 0, 0))


@check
def the_same_content_is_stored_once_where_the_queue_says_so():
    url = create(fifo=True, ContentBasedDeduplication="true")
    for body in ["one", "one", "two"]:
        send(url, body, MessageGroupId="g")
    send(url, "one", MessageGroupId="g", MessageDeduplicationId="own-id")
    equal(bodies(receive(url)), ["one", "two", "one"])


@check
def deduplication_may_be_for_each_group():
    url = create(
        fifo=True, DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId"
    )
    for group in "aab":
        put(url, f"for {group}", group, MessageDeduplicationId="id")
    equal(sorted(bodies(receive(url))), ["for a", "for b"])


@check
def a_receive_with_an_attempt_id_may_be_repeated():
    url = create(fifo=True)
    put(url, "x")
    first = receive_one(url, ReceiveRequestAttemptId="attempt")
    equal(receive(url, ReceiveRequestAttemptId="another"), [])
    again = receive_one(url, ReceiveRequestAttemptId="attempt")
    equal(again["MessageId"], first["MessageId"])
    delete(url, again)
    equal(counts(url), (0, 0, 0))


@check
def what_a_fifo_send_needs_is_asked_for():
    url = create(fifo=True)
    refused("MissingParameter", send, url, "x")
    refused("InvalidParameterValue", send, url, "x", MessageGroupId="g")
    refused("InvalidParameterValue", put, url, "x", DelaySeconds=5)


@check
def a_receipt_expires_with_the_visibility():
    url = create(fifo=True, VisibilityTimeout="1")
    put(url, "x")
    old = receive_one(url)
    new = receive_one(url, VisibilityTimeout=30)
    equal(new["MessageId"], old["MessageId"])
    refused("InvalidParameterValue", delete, url, old)
    delete(url, new)
    delete(url, new)


@check
def a_batch_to_a_fifo_queue_is_in_order():
    url = create(fifo=True)
    entries = [
        {"Id": f"{n}", "MessageBody": f"{n}", "MessageGroupId": "g", "MessageDeduplicationId": f"{n}"}
        for n in range(5)
    ]
    entries[3]["MessageDeduplicationId"] = "0"
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    numbers = [entry["SequenceNumber"] for entry in answer["Successful"]]
    equal((len(numbers), numbers[3]), (5, numbers[0]))
    equal(bodies(receive(url)), ["0", "1", "2", "4"])


run()
