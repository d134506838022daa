"""boto3: a queue with a bound, which the tag `capacity` sets, says that it is full."""

from botocore.config import Config

from boto import bodies, connect, counts, create, delete, receive, receive_one, refused, send, sqs
from checks import check, equal, run


def full():
    """A queue of three with three messages in it."""
    url = create("full", tags={"capacity": "3"})
    for number in range(3):
        send(url, f"{number}")
    return url


def entries(number):
    return [{"Id": f"{n}", "MessageBody": f"new {n}"} for n in range(number)]


def trying(attempts):
    """A client that tries no more often than that."""
    return connect(config=Config(retries={"total_max_attempts": attempts}))


def retried(error):
    return error.response["ResponseMetadata"]["RetryAttempts"]


@check
def the_bound_is_a_tag_like_any_other():
    url = create(tags={"capacity": "3", "team": "a"})
    equal(sqs.list_queue_tags(QueueUrl=url)["Tags"], {"capacity": "3", "team": "a"})


@check
def a_full_queue_is_throttling_which_the_sdk_tries_again():
    url = full()
    error = refused("RequestThrottled", send, url, "one too many", status=403)
    assert retried(error) >= 2, error.response
    equal(counts(url), (3, 0, 0))


@check
def what_is_in_flight_takes_room_until_it_is_deleted():
    url = full()
    message = receive_one(url, MaxNumberOfMessages=1)
    impatient = trying(1)
    refused(
        "RequestThrottled", impatient.send_message, QueueUrl=url, MessageBody="no", status=403
    )
    delete(url, message)
    send(url, "fits")
    equal(bodies(receive(url)), ["1", "2", "fits"])


@check
def the_sdks_own_retry_succeeds_when_room_comes_up():
    url = full()
    producer, seen = connect(), []

    def make_room(response, **_):
        """Between the refusal and the retry, another consumer takes one."""
        if response and response[0].status_code == 403 and not seen:
            seen.append(response[0].status_code)
            delete(url, receive_one(url, MaxNumberOfMessages=1))

    producer.meta.events.register("needs-retry.sqs.SendMessage", make_room)
    answer = producer.send_message(QueueUrl=url, MessageBody="patient")
    equal(seen, [403])
    equal(answer["ResponseMetadata"]["RetryAttempts"], 1)
    equal(bodies(receive(url)), ["1", "2", "patient"])


@check
def a_batch_that_fits_partly_is_answered_entry_by_entry():
    url = create("part", tags={"capacity": "3"})
    send(url, "old")
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries(4))
    equal([entry["Id"] for entry in answer["Successful"]], ["0", "1"])
    equal(
        [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]],
        [("2", "RequestThrottled", False), ("3", "RequestThrottled", False)],
    )
    equal(bodies(receive(url)), ["old", "new 0", "new 1"])


@check
def a_batch_of_which_nothing_fits_is_throttled_whole():
    url = full()
    producer = trying(2)
    error = refused(
        "RequestThrottled", producer.send_message_batch, QueueUrl=url, Entries=entries(2), status=403
    )
    equal(retried(error), 1)
    equal(counts(url), (3, 0, 0))


run()
