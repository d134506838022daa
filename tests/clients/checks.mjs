// Named checks and what the scripts in Node.js share: the packages, the server, queues of one's own.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

// The packages lie where the tests installed them, not beside these files.
const require = createRequire(join(process.env.SQS_NODE_PROJECT, "package.json"));
export const sdk = require("@aws-sdk/client-sqs");
export const { Consumer } = require("sqs-consumer");

export const settings = {
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "secret" },
};
export const sqs = new sdk.SQSClient({ ...settings, endpoint: process.env.SQS_ENDPOINT });

// Calls an action by its name.
export const call = (action, input, client = sqs) => client.send(new sdk[`${action}Command`](input));

const checks = [];
let queues = 0;

// Registers a check; its name says what is true where it passes.
export const check = (name, body) => checks.push({ name, body });

// Runs the checks, or those whose names contain an argument, and ends the process.
export async function run() {
  const wanted = process.argv.slice(2);
  const chosen = checks.filter(({ name }) => !wanted.length || wanted.some((word) => name.includes(word)));
  let failed = 0;
  for (const { name, body } of chosen) {
    const began = performance.now();
    try {
      await body();
      console.log(`ok ${name} (${((performance.now() - began) / 1000).toFixed(2)} s)`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED ${name}\n${error.stack ?? error}`);
    }
  }
  console.log(`${chosen.length - failed} passed, ${failed} failed`);
  process.exit(failed || !chosen.length ? 1 : 0);
}

// The name of a queue that no other check uses, of this script or another.
export const unique = (stem) => `${stem}-${process.pid}-${(queues += 1)}`;

// A new queue; its URL.
export async function create(input = {}) {
  const { QueueUrl } = await call("CreateQueue", { QueueName: unique("node"), ...input });
  return QueueUrl;
}

export const send = (QueueUrl, MessageBody, more = {}) => call("SendMessage", { QueueUrl, MessageBody, ...more });

export async function receive(QueueUrl, more = {}) {
  const answer = await call("ReceiveMessage", { QueueUrl, MaxNumberOfMessages: 10, ...more });
  return answer.Messages ?? [];
}

export const remove = (QueueUrl, { ReceiptHandle }) => call("DeleteMessage", { QueueUrl, ReceiptHandle });

// How many messages are ready and in flight.
export async function counts(QueueUrl) {
  const names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
  const { Attributes } = await call("GetQueueAttributes", { QueueUrl, AttributeNames: names });
  return names.map((name) => Number(Attributes[name]));
}

export const bodies = (messages) => messages.map(({ Body }) => Body);

// A promise that fails where what it waits for takes too long.
export function within(seconds, promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export { assert };
