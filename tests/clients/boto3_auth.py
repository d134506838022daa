"""boto3: a server with keys checks signatures; it has the key `test` with the secret `secret`."""

from boto import connect, create, refused, send, sqs, receive_one
from checks import check, equal, run


@check
def the_right_keys_are_let_in():
    url = create()
    send(url, "grün & ✓", MessageAttributes={"a": {"DataType": "String", "StringValue": "=+/ ~"}})
    equal(receive_one(url, MessageAttributeNames=["All"])["Body"], "grün & ✓")


@check
def a_wrong_secret_is_a_wrong_signature():
    stranger = connect(aws_secret_access_key="wrong")
    refused("SignatureDoesNotMatch", stranger.list_queues, status=403)


@check
def an_unknown_key_is_named():
    stranger = connect(aws_access_key_id="stranger")
    refused("InvalidClientTokenId", stranger.list_queues, status=403)


@check
def nothing_is_done_for_a_stranger():
    url = create()
    stranger = connect(aws_secret_access_key="wrong")
    refused("SignatureDoesNotMatch", stranger.delete_queue, QueueUrl=url, status=403)
    equal(sqs.get_queue_url(QueueName=url.rsplit("/", 1)[1])["QueueUrl"], url)


run()
