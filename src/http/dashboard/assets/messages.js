// Looking at messages, and sending one to try things out.

import { api } from './api.js';
import { explain } from './dialogs.js';
import { field, h } from './dom.js';
import { bytes, plural, span } from './format.js';
import { readPairs } from './settings.js';

/** More of a body than this is shown only when somebody asks. */
const LONG = 16 * 1024;

/** Messages in line, without receiving or counting them. */
export class Browser {
  #queue;

  constructor(queue) {
    this.#queue = queue;
    this.list = h('ol', { class: 'messages' });
    this.note = h('p', { class: 'none', role: 'status' }, 'Looks at what is ready, first in line first. Nothing is received or counted.');
    this.max = h('select', { 'aria-label': 'How many' }, [10, 50, 200, 1000].map((max) =>
      h('option', { value: max }, `first ${max}`)));
    this.button = h('button', { type: 'button', id: 'browse', onclick: () => this.look() }, 'Look');
    this.element = h('section', { class: 'panel', 'aria-labelledby': 'messages-title' },
      h('div', { class: 'panel-head' }, h('h2', { id: 'messages-title' }, 'Messages'), this.max, this.button),
      this.note, this.list);
  }

  async look() {
    this.button.disabled = true;
    try {
      const { messages } = await api.browse(this.#queue, this.max.value);
      this.looked = true;
      const open = new Set([...this.list.querySelectorAll('details[open]')].map((it) => it.dataset.id));
      this.list.replaceChildren(...messages.map((message) => h('li', {}, entry(message, open.has(message.id)))));
      this.note.textContent = messages.length
        ? `${plural(messages.length, 'message')}, first in line first, as of ${new Date().toLocaleTimeString('en-GB')}.`
        : 'Nothing is ready.';
    } catch (error) {
      this.note.textContent = explain(error);
    } finally {
      this.button.disabled = false;
    }
  }
}

function entry(message, isOpen) {
  const binary = message.body_base64 !== undefined;
  const data = binary ? fromBase64(message.body_base64) : null;
  const size = binary ? data.length : new TextEncoder().encode(message.body).length;
  const preview = binary ? hex(data.subarray(0, 16)) : message.body.slice(0, 160).replaceAll(/\s+/g, ' ');
  const content = h('div', { class: 'content' });
  const details = h('details', { 'data-id': message.id },
    h('summary', {},
      h('code', { class: 'preview' }, preview || '(empty)'),
      h('small', {}, `${span(message.age_ms)} old · ${bytes(size)}${message.receive_count ? ` · received ${message.receive_count}×` : ''}`)),
    content);
  details.addEventListener('toggle', () => {
    if (details.open && !content.hasChildNodes()) content.append(...parts(message, data));
  });
  details.open = isOpen;
  return details;
}

function parts(message, data) {
  const facts = [
    ['Id', message.id],
    ['Content type', message.content_type],
    ['Sent', new Date(Date.now() - message.age_ms).toLocaleString('en-GB')],
    ['Received', `${message.receive_count}×`],
    ...Object.entries(message.attributes ?? {}),
  ];
  const text = data ? '' : pretty(message);
  return [
    h('dl', {}, facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)))),
    ...(data ? block(data.length, (end) => dump(data.subarray(0, end))) : block(text.length, (end) => text.slice(0, end))),
  ];
}

/** A body in a box of its own; of long ones the beginning, until somebody asks for all. */
function block(size, upTo) {
  const pre = h('pre', { tabindex: '0', class: 'body' }, upTo(LONG));
  if (size <= LONG) return [pre];
  const all = h('button', {
    type: 'button',
    onclick: () => { pre.textContent = upTo(size); all.remove(); },
  }, `Show all ${bytes(size)}`);
  return [pre, all];
}

/** JSON set out to be read, and everything else as it is. */
function pretty({ body }) {
  if (!/^\s*[[{]/.test(body)) return body || '(empty)';
  try {
    JSON.parse(body);
  } catch {
    return body;
  }
  return setOut(body);
}

/** JSON with other blanks and nothing else changed: no digit of a number, and no name that is there twice. */
function setOut(json) {
  let depth = 0;
  const line = (change) => {
    depth += change;
    return `\n${'  '.repeat(Math.min(depth, 40))}`;
  };
  return json.replaceAll(/"(?:[^"\\]|\\.)*"|\s+|[[{]\s*[\]}]|[[{]|[\]}]|[,:]/g, (part) => {
    if (part[0] === '"') return part;
    if ('[{'.includes(part[0])) return part.length > 1 ? part[0] + part.at(-1) : part + line(1);
    if ('}]'.includes(part)) return line(-1) + part;
    return { ',': `,${line(0)}`, ':': ': ' }[part] ?? '';
  });
}

const fromBase64 = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
const hex = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

/** Sixteen bytes a line: where, what, and what of it is ASCII. */
function dump(data) {
  const lines = [];
  for (let at = 0; at < data.length; at += 16) {
    const row = data.subarray(at, at + 16);
    const ascii = Array.from(row, (byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '·')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex(row).padEnd(48)} ${ascii}`);
  }
  return lines.join('\n');
}

/** Sends one message. `sent` is told when it was. */
export class SendForm {
  constructor(queue, sent) {
    this.body = h('textarea', { rows: '4', name: 'body', spellcheck: 'false', id: 'send-body' });
    this.type = h('select', { name: 'content_type' },
      ['text/plain; charset=utf-8', 'application/json'].map((type) => h('option', { value: type }, type.split(';')[0])));
    this.delay = h('input', { name: 'delay', placeholder: 'as the queue has it', autocomplete: 'off' });
    this.ttl = h('input', { name: 'ttl', placeholder: 'as the queue has it', autocomplete: 'off' });
    this.attributes = h('textarea', { name: 'attributes', rows: '2', spellcheck: 'false' });
    this.status = h('p', { class: 'status', role: 'status' });
    const boxed = (input, label, hint) => {
      const box = field(label, input, hint);
      box.dataset.field = input.name;
      return box;
    };
    this.form = h('form', { onsubmit: (event) => this.#submit(event, queue, sent), novalidate: true },
      boxed(this.body, 'Body'),
      h('div', { class: 'fields' },
        boxed(this.type, 'Content type'),
        boxed(this.delay, 'Delay', 'Such as 5s'),
        boxed(this.ttl, 'Time to live', 'Such as 10m')),
      boxed(this.attributes, 'Attributes', 'One name=value a line'),
      h('footer', {}, this.status, h('button', { class: 'primary', id: 'send' }, 'Send message')));
    this.element = h('section', { class: 'panel', 'aria-labelledby': 'send-title' },
      h('div', { class: 'panel-head' }, h('h2', { id: 'send-title' }, 'Send a test message')), this.form);
  }

  async #submit(event, queue, sent) {
    event.preventDefault();
    const button = this.form.querySelector('#send');
    button.disabled = true;
    this.status.textContent = '';
    try {
      const item = { body: this.body.value, content_type: this.type.value };
      if (this.delay.value.trim()) item.delay = this.delay.value.trim();
      if (this.ttl.value.trim()) item.ttl = this.ttl.value.trim();
      item.attributes = this.#readAttributes();
      // As a batch of one: there, attributes are JSON and may be any text.
      const { results: [result] } = await api.sendBatch(queue, [item]);
      if (!result.id) throw Object.assign(new Error(result.detail), { field: result.field, status: result.status });
      this.status.textContent = `Sent as ${result.id.slice(-8)}`;
      sent();
    } catch (error) {
      const blamed = error.field && this.form.querySelector(`[data-field="${CSS.escape(error.field)}"]`);
      if (blamed) blamed.fail(error.message);
      else this.status.textContent = explain(error);
    } finally {
      button.disabled = false;
    }
  }

  #readAttributes() {
    try {
      return readPairs(this.attributes.value);
    } catch (error) {
      throw Object.assign(error, { field: 'attributes' });
    }
  }

  focus() {
    this.body.focus();
  }
}
