// sqs-consumer: consumers that run until everything is consumed.

import { assert, call, check, Consumer, counts, create, receive, run, send, sqs, within } from "./checks.mjs";

const MESSAGES = 200;
const names = Array.from({ length: MESSAGES }, (_, n) => `${n}`);

async function fill(url) {
  for (let start = 0; start < MESSAGES; start += 10) {
    const Entries = names.slice(start, start + 10).map((name) => ({ Id: name, MessageBody: name }));
    const { Successful } = await call("SendMessageBatch", { QueueUrl: url, Entries });
    assert.equal(Successful.length, 10);
  }
}

// Runs a consumer until `done` says so after a response is processed; `failing` are what its handler may throw.
async function consume(url, options, done, failing = []) {
  const consumer = Consumer.create({ queueUrl: url, sqs, waitTimeSeconds: 1, batchSize: 10, ...options });
  const [errors, failures] = [[], []];
  consumer.on("processing_error", (error) => failures.push(error));
  consumer.on("error", (error) => errors.push(error));
  consumer.on("timeout_error", (error) => errors.push(error));
  const ended = new Promise((resolve) => consumer.on("response_processed", () => done() && resolve()));
  consumer.start();
  try {
    await within(25, ended, "consuming");
  } finally {
    const stopped = new Promise((resolve) => consumer.on("stopped", resolve));
    consumer.stop({ abort: true });
    await within(5, stopped, "stopping");
  }
  assert.deepEqual(errors, []);
  assert.deepEqual(failures.map(({ message }) => message), failing);
  assert.deepEqual(await counts(url), [0, 0]);
}

const sorted = (list) => [...list].sort((a, b) => a - b);

check("each of 200 messages is handled once", async () => {
  const url = await create();
  await fill(url);
  const seen = [];
  const handleMessage = async (message) => (seen.push(message.Body), message);
  await consume(url, { handleMessage }, () => seen.length >= MESSAGES);
  assert.deepEqual(sorted(seen), names);
});

check("200 messages are handled in batches", async () => {
  const url = await create();
  await fill(url);
  const sizes = [];
  const seen = [];
  const handleMessageBatch = async (messages) => {
    sizes.push(messages.length);
    seen.push(...messages.map(({ Body }) => Body));
    return messages;
  };
  await consume(url, { handleMessageBatch }, () => seen.length >= MESSAGES);
  assert.deepEqual(sorted(seen), names);
  assert.ok(Math.max(...sizes) > 1, `${sizes}`);
});

check("a heartbeat keeps a message that takes longer than its visibility", async () => {
  const url = await create();
  await send(url, "slow");
  let deliveries = 0;
  const handleMessage = async (message) => {
    deliveries += 1;
    // Another consumer waits for it beyond the visibility timeout, and gets nothing.
    assert.deepEqual(await receive(url, { WaitTimeSeconds: 7 }), []);
    return message;
  };
  await consume(url, { handleMessage, visibilityTimeout: 5, heartbeatInterval: 1 }, () => deliveries > 0);
  assert.equal(deliveries, 1);
});

check("a message whose handler fails comes back", async () => {
  const url = await create();
  await send(url, "again");
  const received = [];
  const handleMessage = async (message) => {
    received.push(message.Attributes.ApproximateReceiveCount);
    if (received.length === 1) throw new Error("once");
    return message;
  };
  const options = {
    handleMessage,
    messageSystemAttributeNames: ["ApproximateReceiveCount"],
    terminateVisibilityTimeout: true, // visibility 0 when a handler fails
  };
  await consume(url, options, () => received.length === 2, ["Unexpected message handler failure: once"]);
  assert.deepEqual(received, ["1", "2"]);
});

await run();
