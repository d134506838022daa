"""boto3: making, finding, describing and emptying queues."""

import boto3

from boto import SETTINGS, arn, attribute, bodies, counts, create, delete, receive, receive_one
from boto import refused, send, sqs
from checks import check, equal, run, unique

NO_SUCH_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"


@check
def a_queue_lives_from_create_to_delete():
    name = unique("life")
    url = sqs.create_queue(
        QueueName=name,
        Attributes={"VisibilityTimeout": "7", "DelaySeconds": "0"},
        tags={"team": "orders"},
    )["QueueUrl"]
    assert url.startswith("http://") and url.endswith(f"/{name}"), url
    equal(sqs.get_queue_url(QueueName=name)["QueueUrl"], url)
    equal(attribute(url, "VisibilityTimeout"), "7")
    equal(sqs.list_queue_tags(QueueUrl=url)["Tags"], {"team": "orders"})
    send(url, "hello")
    message = receive_one(url)
    equal(message["Body"], "hello")
    delete(url, message)
    equal(counts(url), (0, 0, 0))
    sqs.delete_queue(QueueUrl=url)
    refused(NO_SUCH_QUEUE, sqs.get_queue_url, QueueName=name)
    refused(NO_SUCH_QUEUE, send, url, "late")


@check
def queues_are_listed_by_prefix_and_page_by_page():
    prefix = unique("page") + "-"
    names = [f"{prefix}{letter}" for letter in "edcba"]
    urls = sorted(sqs.create_queue(QueueName=name)["QueueUrl"] for name in names)
    equal(sorted(sqs.list_queues(QueueNamePrefix=prefix)["QueueUrls"]), urls)
    pages = list(
        sqs.get_paginator("list_queues").paginate(
            QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2}
        )
    )
    equal([len(page["QueueUrls"]) for page in pages], [2, 2, 1])
    equal(sorted(url for page in pages for url in page["QueueUrls"]), urls)
    equal(sqs.list_queues(QueueNamePrefix=prefix + "none").get("QueueUrls"), None)


@check
def creating_a_queue_again_gives_it_back_unless_attributes_differ():
    name = unique("again")
    first = sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "3"})
    equal(sqs.create_queue(QueueName=name)["QueueUrl"], first["QueueUrl"])
    equal(
        sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "3"})["QueueUrl"],
        first["QueueUrl"],
    )
    other = {"DelaySeconds": "4"}
    error = refused("QueueAlreadyExists", sqs.create_queue, QueueName=name, Attributes=other)
    assert isinstance(error, sqs.exceptions.QueueNameExists), type(error)
    assert "DelaySeconds" in str(error), error


@check
def attributes_have_the_defaults_of_the_service():
    found = sqs.get_queue_attributes(QueueUrl=create(), AttributeNames=["All"])["Attributes"]
    expected = {
        "VisibilityTimeout": "30",
        "DelaySeconds": "0",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0",
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
    }
    equal({name: found.get(name) for name in expected}, expected)
    assert found["QueueArn"].startswith("arn:aws:sqs:us-east-1:"), found
    assert abs(int(found["CreatedTimestamp"]) - int(found["LastModifiedTimestamp"])) <= 1, found
    assert "RedrivePolicy" not in found and "FifoQueue" not in found, found


@check
def attributes_are_set_and_checked():
    url = create()
    sqs.set_queue_attributes(
        QueueUrl=url,
        Attributes={"VisibilityTimeout": "43200", "ReceiveMessageWaitTimeSeconds": "20"},
    )
    names = ["VisibilityTimeout", "ReceiveMessageWaitTimeSeconds"]
    equal(
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"],
        {"VisibilityTimeout": "43200", "ReceiveMessageWaitTimeSeconds": "20"},
    )
    for attributes, shape in [
        ({"VisibilityTimeout": "43201"}, "InvalidAttributeValue"),
        ({"DelaySeconds": "-1"}, "InvalidAttributeValue"),
        ({"MaximumMessageSize": "1023"}, "InvalidAttributeValue"),
        ({"RedrivePolicy": "{"}, "InvalidParameterValue"),
        ({"NoSuchAttribute": "1"}, "InvalidAttributeName"),
        ({"QueueArn": "arn:aws:sqs:us-east-1:000000000000:q"}, "InvalidAttributeName"),
    ]:
        refused(shape, sqs.set_queue_attributes, QueueUrl=url, Attributes=attributes)
        refused(shape, sqs.create_queue, QueueName=unique("bad"), Attributes=attributes)
    equal(attribute(url, "VisibilityTimeout"), "43200")


@check
def names_are_checked():
    for name in ["a b", "é", "x" * 81, "a.b"]:
        refused("InvalidParameterValue", sqs.create_queue, QueueName=name)


@check
def a_missing_queue_is_an_exception_of_its_class():
    url = create()
    sqs.delete_queue(QueueUrl=url)
    for call, arguments in [
        (sqs.get_queue_url, {"QueueName": unique("missing")}),
        (sqs.send_message, {"QueueUrl": url, "MessageBody": "x"}),
        (sqs.receive_message, {"QueueUrl": url}),
        (sqs.delete_message, {"QueueUrl": url, "ReceiptHandle": "x"}),
        (sqs.get_queue_attributes, {"QueueUrl": url, "AttributeNames": ["All"]}),
        (sqs.purge_queue, {"QueueUrl": url}),
        (sqs.list_queue_tags, {"QueueUrl": url}),
        (sqs.list_dead_letter_source_queues, {"QueueUrl": url}),
        (sqs.delete_queue, {"QueueUrl": url}),
    ]:
        error = refused(NO_SUCH_QUEUE, call, **arguments)
        assert isinstance(error, sqs.exceptions.QueueDoesNotExist), type(error)


@check
def tags_are_set_replaced_and_removed():
    url = create(tags={"a": "1", "b": "2"})
    sqs.tag_queue(QueueUrl=url, Tags={"b": "3", "c": ""})
    equal(sqs.list_queue_tags(QueueUrl=url)["Tags"], {"a": "1", "b": "3", "c": ""})
    sqs.untag_queue(QueueUrl=url, TagKeys=["a", "unknown"])
    equal(sqs.list_queue_tags(QueueUrl=url)["Tags"], {"b": "3", "c": ""})
    sqs.untag_queue(QueueUrl=url, TagKeys=["b", "c"])
    equal(sqs.list_queue_tags(QueueUrl=url).get("Tags"), None)


@check
def a_purge_removes_what_is_ready_delayed_and_in_flight():
    url = create()
    for number in range(3):
        send(url, f"{number}")
    send(url, "later", DelaySeconds=900)
    equal(len(receive(url, MaxNumberOfMessages=1)), 1)
    equal(counts(url), (2, 1, 1))
    sqs.purge_queue(QueueUrl=url)
    equal(counts(url), (0, 0, 0))
    send(url, "after")
    equal(bodies(receive(url)), ["after"])


@check
def permissions_are_taken():
    url = create()
    sqs.add_permission(
        QueueUrl=url, Label="one", AWSAccountIds=["000000000000"], Actions=["SendMessage"]
    )
    sqs.remove_permission(QueueUrl=url, Label="one")


@check
def a_queue_is_found_by_url_whatever_its_host():
    url = create()
    name = url.rsplit("/", 1)[1]
    account = arn(url).split(":")[4]
    send(f"http://sqs.us-east-1.amazonaws.example:1/{account}/{name}", "by another host")
    equal(bodies(receive(url)), ["by another host"])


@check
def the_resource_interface_works_too():
    resource = boto3.resource("sqs", **SETTINGS)
    name = unique("resource")
    resource.create_queue(QueueName=name)
    queue = resource.get_queue_by_name(QueueName=name)
    queue.send_message(MessageBody="hello", MessageAttributes={
        "kind": {"DataType": "String", "StringValue": "greeting"},
    })
    (message,) = queue.receive_messages(MessageAttributeNames=["All"], WaitTimeSeconds=10)
    equal((message.body, message.message_attributes["kind"]["StringValue"]), ("hello", "greeting"))
    message.change_visibility(VisibilityTimeout=60)
    message.delete()
    queue.load()
    equal(queue.attributes["ApproximateNumberOfMessagesNotVisible"], "0")
    queue.delete()


run()
