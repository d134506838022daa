// @aws-sdk/client-sqs, which checks the MD5 of every body by itself.

import { assert, bodies, call, check, counts, create, receive, remove, run, sdk, send, settings, sqs, unique } from "./checks.mjs";

const ATTRIBUTES = {
  text: { DataType: "String", StringValue: "grün ✓" },
  number: { DataType: "Number", StringValue: "12" },
  bytes: { DataType: "Binary", BinaryValue: Uint8Array.from([0, 1, 255]) },
};
const entries = (number, start = 0) =>
  Array.from({ length: number }, (_, n) => ({ Id: `${start + n}`, MessageBody: `✓ ${start + n}` }));
const full = async () => {
  const url = await create({ tags: { capacity: "2" } });
  await call("SendMessageBatch", { QueueUrl: url, Entries: entries(2) });
  return url;
};
const connect = (more = {}) => new sdk.SQSClient({ ...settings, endpoint: process.env.SQS_ENDPOINT, ...more });
const throttled = (attempts) => (error) => {
  assert.ok(error instanceof sdk.RequestThrottled, error.stack);
  assert.deepEqual([error.$metadata.httpStatusCode, error.$metadata.attempts], [403, attempts]);
  return true;
};

check("a message comes back with attributes and digests that hold", async () => {
  const url = await create();
  const sent = await send(url, "grün ✓ \u{1F600}", { MessageAttributes: ATTRIBUTES });
  const [message] = await receive(url, {
    MessageAttributeNames: ["All"],
    MessageSystemAttributeNames: ["ApproximateReceiveCount"],
    WaitTimeSeconds: 5,
  });
  assert.equal(message.Body, "grün ✓ \u{1F600}");
  assert.equal(message.MessageId, sent.MessageId);
  assert.equal(message.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  assert.deepEqual(message.Attributes, { ApproximateReceiveCount: "1" });
  assert.deepEqual(message.MessageAttributes.text, ATTRIBUTES.text);
  assert.deepEqual(Uint8Array.from(message.MessageAttributes.bytes.BinaryValue), ATTRIBUTES.bytes.BinaryValue);
  await remove(url, message);
  assert.deepEqual(await counts(url), [0, 0]);
});

check("batches are sent, received and deleted", async () => {
  const url = await create();
  const sent = await call("SendMessageBatch", { QueueUrl: url, Entries: entries(10) });
  assert.deepEqual(sent.Successful.map(({ Id }) => Id), entries(10).map(({ Id }) => Id));
  const messages = await receive(url);
  assert.deepEqual(bodies(messages), entries(10).map(({ MessageBody }) => MessageBody));
  const handles = messages.map(({ ReceiptHandle }, n) => ({ Id: `${n}`, ReceiptHandle }));
  const deleted = await call("DeleteMessageBatch", { QueueUrl: url, Entries: handles });
  assert.equal(deleted.Successful.length, 10);
  assert.deepEqual(deleted.Failed ?? [], []);
  assert.deepEqual(await counts(url), [0, 0]);
});

check("an empty receive is no message", async () => {
  const answer = await call("ReceiveMessage", { QueueUrl: await create() });
  assert.equal(answer.Messages, undefined);
});

check("a queue's url is the endpoint where none is given", async () => {
  const client = new sdk.SQSClient(settings); // useQueueUrlAsEndpoint is its default
  const url = await create();
  await call("SendMessage", { QueueUrl: url, MessageBody: "by url" }, client);
  const { Messages } = await call("ReceiveMessage", { QueueUrl: url }, client);
  assert.deepEqual(bodies(Messages), ["by url"]);
  client.destroy();
});

check("errors are exceptions of their class", async () => {
  const url = await create();
  const is = (kind, name) => (error) => error instanceof sdk[kind] && error.name === (name ?? kind) && !!error.message;
  const garbage = { QueueUrl: url, ReceiptHandle: "garbage" };
  await assert.rejects(call("GetQueueUrl", { QueueName: "none" }), is("QueueDoesNotExist"));
  await assert.rejects(call("DeleteMessage", garbage), is("ReceiptHandleIsInvalid"));
  await assert.rejects(call("SendMessageBatch", { QueueUrl: url, Entries: [] }), is("EmptyBatchRequest"));
  await assert.rejects(send(url, "a\u0001b"), is("InvalidMessageContents"));
  await assert.rejects(
    call("SetQueueAttributes", { QueueUrl: url, Attributes: { NoSuch: "1" } }),
    is("InvalidAttributeName"),
  );
});

check("a full queue is throttling, which is tried again", async () => {
  const url = await full();
  await assert.rejects(send(url, "one too many"), throttled(3));
  const batch = { QueueUrl: url, Entries: entries(2, 2) };
  const client = connect({ maxAttempts: 2 });
  await assert.rejects(call("SendMessageBatch", batch, client), throttled(2));
  client.destroy();
  assert.deepEqual(await counts(url), [2, 0]);
});

check("a retry succeeds when room comes up", async () => {
  const url = await full();
  const client = connect();
  let refusals = 0;
  // Sees each attempt: after the first refusal, another consumer takes a message.
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        if (error.name === "RequestThrottled" && refusals++ === 0) {
          const [message] = await receive(url, { MaxNumberOfMessages: 1 });
          await remove(url, message);
        }
        throw error;
      }
    },
    { step: "deserialize", priority: "high" },
  );
  const { $metadata } = await call("SendMessage", { QueueUrl: url, MessageBody: "patient" }, client);
  assert.deepEqual([refusals, $metadata.attempts], [1, 2]);
  assert.deepEqual(bodies(await receive(url)), ["✓ 1", "patient"]);
  client.destroy();
});

check("a batch that fits partly says which entries did not", async () => {
  const url = await create({ tags: { capacity: "2" } });
  const answer = await call("SendMessageBatch", { QueueUrl: url, Entries: entries(3) });
  assert.deepEqual(answer.Successful.map(({ Id }) => Id), ["0", "1"]);
  assert.deepEqual(answer.Failed.map(({ Id, Code, SenderFault }) => [Id, Code, SenderFault]), [["2", "RequestThrottled", false]]);
});

check("a fifo queue keeps its order", async () => {
  const url = await create({ QueueName: `${unique("node")}.fifo`, Attributes: { FifoQueue: "true", ContentBasedDeduplication: "true" } });
  for (const body of ["1", "2", "2", "3"]) await send(url, body, { MessageGroupId: "g" });
  assert.deepEqual(bodies(await receive(url)), ["1", "2", "3"]);
});

check("lists are paged", async () => {
  const prefix = unique("pages");
  const names = [..."abc"].map((letter) => `${prefix}-${letter}`);
  for (const QueueName of names) await create({ QueueName });
  const urls = [];
  for await (const page of sdk.paginateListQueues({ client: sqs, pageSize: 2 }, { QueueNamePrefix: prefix })) {
    urls.push(...page.QueueUrls);
  }
  assert.deepEqual(urls.map((url) => url.split("/").at(-1)).sort(), names);
});

await run();
