// The settings of a queue as a form: for one that is there, and for a new one.

import { field, h } from './dom.js';
import { store } from './store.js';

const SPAN = 'Such as 30s, 10m, 7d';

/** In the order of the form. What is left empty is the default. */
const FIELDS = [
  { name: 'capacity', label: 'Capacity', kind: 'number', hint: 'Most messages not gone' },
  { name: 'lease', label: 'Lease', kind: 'span', hint: 'Where a receive says none' },
  { name: 'max_receives', label: 'Most receives', kind: 'number', hint: 'Then a message is dead' },
  { name: 'dead_letter', label: 'Dead-letter queue', kind: 'queue', hint: 'Takes dead messages' },
  { name: 'overflow', label: 'When full', kind: 'choice', choices: { reject: 'Refuse sends', drop_oldest: 'Drop the oldest' } },
  { name: 'ttl', label: 'Time to live', kind: 'span', hint: SPAN },
  { name: 'delay', label: 'Delay', kind: 'span', hint: 'Before a message is ready' },
  { name: 'retry_delay', label: 'Retry delay', kind: 'span', hint: 'After a lease ran out' },
  { name: 'receive_wait', label: 'Receive wait', kind: 'span', hint: 'Where a receive says none' },
  { name: 'max_in_flight', label: 'Most in flight', kind: 'number' },
  { name: 'max_bytes', label: 'Most bytes', kind: 'number', hint: 'Of all messages' },
  { name: 'max_message_bytes', label: 'Most bytes of one', kind: 'number', hint: 'Of one message' },
  { name: 'idempotency_window', label: 'Idempotency window', kind: 'span', hint: 'How long a key is remembered' },
  { name: 'labels', label: 'Labels', kind: 'pairs', hint: 'One name=value a line' },
];

/** A list of all queues' names, for fields that name one. */
export function queueNames(id) {
  const names = [...store.queues.keys()].sort().slice(0, 500);
  return h('datalist', { id }, names.map((name) => h('option', { value: name })));
}

/** `name=value` lines as an object; a line without `=` is a fault. */
export function readPairs(text) {
  const pairs = {};
  for (const line of text.split('\n').map((line) => line.trim()).filter(Boolean)) {
    const at = line.indexOf('=');
    if (at < 1) throw new Error(`“${line}” is not name=value`);
    pairs[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return pairs;
}

const asText = (kind, value) => {
  if (value == null) return '';
  if (kind === 'pairs') return Object.entries(value).map(([name, text]) => `${name}=${text}`).join('\n');
  return String(value);
};

export class SettingsForm {
  #known = {};
  #inputs = new Map();

  /** `only` are the names of those to show at first; the others are behind a summary. */
  constructor(only = null) {
    const names = `queues-${Math.random().toString(36).slice(2)}`;
    const boxes = FIELDS.map((setting) => [setting, this.#box(setting, names)]);
    const isMain = ([{ name }]) => !only || only.includes(name);
    const main = boxes.filter(isMain).map(([, box]) => box);
    const rest = boxes.filter((box) => !isMain(box)).map(([, box]) => box);
    this.element = h('div', {}, queueNames(names), h('div', { class: 'fields' }, main),
      rest.length > 0 && h('details', {}, h('summary', {}, 'More settings'), h('div', { class: 'fields' }, rest)));
  }

  #box({ name, label, kind, hint, choices }, names) {
    let input;
    if (kind === 'choice') {
      input = h('select', {}, Object.entries(choices).map(([value, text]) => h('option', { value }, text)));
    } else if (kind === 'pairs') {
      input = h('textarea', { rows: '2', spellcheck: 'false' });
    } else {
      input = h('input', {
        inputmode: kind === 'number' ? 'numeric' : 'text', placeholder: 'none', autocomplete: 'off',
        spellcheck: 'false', list: kind === 'queue' && names,
      });
    }
    input.name = name;
    const box = field(label, input, hint);
    box.dataset.field = name;
    this.#inputs.set(name, { input, kind, box });
    return box;
  }

  /** What is in the fields now, for `fill` once it was saved. */
  typed() {
    return Object.fromEntries([...this.#inputs].map(([name, { input }]) => [name, input.value]));
  }

  /**
   * Shows what the server has, but where the user has typed something else. What was `saved` is no
   * longer being typed, though the server may write it in another way.
   */
  fill(settings, saved = {}) {
    for (const [name, { input, kind }] of this.#inputs) {
      const before = this.#known[name] ?? '';
      const now = asText(kind, settings[name]);
      if ([before, saved[name]].includes(input.value) || !(name in this.#known)) input.value = now;
      this.#known[name] = now;
    }
  }

  /** Forgets what was typed. */
  reset() {
    for (const [name, { input, box }] of this.#inputs) {
      input.value = this.#known[name] ?? '';
      box.fail('');
    }
  }

  /** What was changed, as the API takes it. */
  changes() {
    const changes = {};
    for (const [name, { input, kind, box }] of this.#inputs) {
      const text = input.value.trim();
      if (text === (this.#known[name] ?? '')) continue;
      if (kind === 'pairs') {
        try {
          changes[name] = readPairs(text);
        } catch (error) {
          box.fail(error.message);
          throw Object.assign(error, { field: name });
        }
      } else if (text === '') changes[name] = null;
      else changes[name] = kind === 'number' && /^\d+$/.test(text) ? Number(text) : text;
    }
    return changes;
  }

  /** Says what is wrong at the field that is to blame. Whether there is one. */
  fail(error) {
    const blamed = this.#inputs.get(error.field);
    blamed?.box.fail(error.message);
    blamed?.input.focus();
    return Boolean(blamed);
  }
}
