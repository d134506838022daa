// All queues at a glance.

import { createQueue } from './create.js';
import { h, setText, show } from './dom.js';
import { badges, bar, sparkline, tile } from './figures.js';
import { bound, bytes, count, plural, rate, span, whole } from './format.js';
import { Plot, agePlot } from './plots.js';
import { isCounted, isFull, isPaused, store } from './store.js';

/** How many rows there are before somebody asks for more: what is not there costs nothing. */
const ROWS = 100;
/** How much of its past the small line in a row shows, in seconds. */
const SPARK = 60;

const byName = (one, other) => (one.name < other.name ? -1 : 1);
const figure = (field) => (queue) => store.of(queue, field);

/** What a row shows and what it is sorted by. */
const COLUMNS = [
  { id: 'name', label: 'Queue' },
  { id: 'depth', label: 'Messages', by: (queue) => store.depth(queue) },
  { id: 'spark', label: 'Last minute' },
  { id: 'in', label: 'In /s', by: (queue) => store.rate(queue, 'sent') ?? 0 },
  { id: 'out', label: 'Out /s', by: (queue) => store.rate(queue, 'gone') ?? 0 },
  { id: 'oldest', label: 'Oldest', by: (queue) => store.age(queue) ?? -1 },
  { id: 'in_flight', label: 'In flight', by: figure('in_flight') },
  { id: 'delayed', label: 'Delayed', by: figure('delayed') },
  { id: 'waiting', label: 'Waiting', by: (queue) => waiting(queue)[0] + waiting(queue)[1],
    hint: 'Clients that wait: for a message ↓, for room ↑' },
  { id: 'dead', label: 'Dead', by: figure('dead_letters'),
    hint: 'Messages that were received too often, since the start' },
];

const waiting = (queue) =>
  [store.of(queue, 'waiting_receivers'), store.of(queue, 'waiting_senders')];

export class Overview {
  title = 'Queues';
  #rows = new Map();
  #most = ROWS;
  #sort = { id: 'name', down: false };
  #order = [];

  constructor() {
    this.tiles = {
      depth: tile('Messages', 'Ready, in flight and delayed, in all queues'),
      in: tile('In /s', 'Messages sent a second'),
      out: tile('Out /s', 'Acknowledged, taken, expired, dropped or purged'),
      oldest: tile('Oldest ready'),
      inFlight: tile('In flight', 'With consumers, under a lease'),
      waiting: tile('Waiting consumers', 'Receives that wait for a message'),
      requests: tile('Requests /s', 'Of all faces, this page among them'),
      memory: tile('Memory', 'Of all messages'),
    };
    this.memory = bar('memory');
    this.tiles.memory.add(this.memory.element);
    const ready = (figures, place) => figures[place.ready];
    this.plots = [
      new Plot({
        title: 'Throughput',
        lines: flow(),
        format: (value) => `${rate(value)}/s`,
        ticks: rate,
      }),
      new Plot({
        title: 'Messages',
        whole: true,
        lines: [
          { label: 'ready', colour: 'c-ready', value: ready },
          { label: 'in flight', colour: 'c-flight', value: (figures, place) => figures[place.in_flight] },
        ],
        format: count,
      }),
      agePlot(),
    ];
    this.filter = h('input', {
      type: 'search', placeholder: 'Filter queues', 'aria-label': 'Filter queues by name', id: 'filter',
      spellcheck: 'false', autocomplete: 'off',
      oninput: () => { this.#most = ROWS; this.update(); },
      onkeydown: (event) => {
        if (event.key === 'ArrowDown') { event.preventDefault(); this.#focusRow(0); }
      },
    });
    this.sorter = h('select', { 'aria-label': 'Sort by', class: 'sorter', onchange: () => this.#sortBy(this.sorter.value) },
      COLUMNS.filter((column) => column.by || column.id === 'name').map(({ id, label }) =>
        h('option', { value: id }, `Sort: ${label}`)));
    this.summary = h('p', { class: 'summary' });
    this.heads = COLUMNS.map((column) => this.#head(column));
    this.body = h('tbody', { onkeydown: (event) => this.#walk(event) });
    this.table = h('table', { class: 'queues' },
      h('caption', { class: 'hidden' }, 'Queues'), h('thead', {}, h('tr', {}, this.heads)), this.body);
    this.more = h('button', { type: 'button', class: 'more', onclick: () => { this.#most += ROWS; this.update(); } });
    this.empty = firstSteps();
    this.none = h('p', { class: 'none' });
    this.element = h('div', { class: 'page' },
      h('h1', { class: 'hidden' }, 'All queues'),
      h('section', { class: 'tiles eight', 'aria-label': 'Totals' }, Object.values(this.tiles).map((tile) => tile.element)),
      h('section', { class: 'plots', 'aria-label': 'Plots' }, this.plots.map((plot) => plot.element)),
      this.empty,
      h('section', { class: 'list', 'aria-label': 'Queues' },
        h('div', { class: 'list-head' },
          h('h2', {}, 'Queues'), this.summary, this.sorter, this.filter,
          h('button', { type: 'button', class: 'primary', id: 'create', onclick: createQueue }, 'New queue')),
        this.table, this.none, this.more));
  }

  destroy() {
    this.plots.forEach((plot) => plot.destroy());
  }

  update() {
    if (!store.head) return;
    this.plots.forEach((plot) => plot.update());
    this.#updateTiles();
    this.#updateTable();
    show(this.empty, store.total('sent') === 0);
  }

  #updateTiles() {
    const { tiles } = this;
    const depth = store.total('sent') - store.total('gone');
    const [used, limit] = store.head.memory;
    const delayed = store.total('delayed');
    tiles.depth.set(count(depth), delayed ? `${count(delayed)} delayed` : 'not yet gone');
    tiles.in.set(rate(store.rate(null, 'sent')), `${count(store.total('sent'))} in all`);
    tiles.out.set(rate(store.rate(null, 'gone')), `${count(store.total('gone'))} in all`);
    tiles.oldest.set(span(store.age()), store.age() == null ? 'nothing waits' : this.#oldestQueue());
    tiles.inFlight.set(count(store.total('in_flight')), `${count(store.total('lease_ends'))} leases ran out`);
    const senders = store.total('waiting_senders');
    tiles.waiting.set(count(store.total('waiting_receivers')), senders ? `${plural(senders, 'producer')} too` : 'for a message');
    const { requests } = store.head;
    tiles.requests.set(rate(store.requestRate), requests ? `${count(requests[1])} failed` : 'not counted');
    tiles.memory.set(bytes(used), `of ${bytes(limit)}`);
    tiles.memory.mark(store.head.out_of_memory ? 'bad' : '');
    this.memory.set(used / limit, `${bytes(used)} of ${bytes(limit)} used`);
  }

  #oldestQueue() {
    const at = store.total('oldest_at');
    for (const queue of store.queues.values()) {
      if (store.of(queue, 'oldest_at') === at) return `in ${queue.name}`;
    }
    return '';
  }

  #updateTable() {
    const wanted = this.filter.value.trim().toLowerCase();
    const all = [...store.queues.values()];
    const found = wanted ? all.filter((queue) => queue.name.toLowerCase().includes(wanted)) : all;
    // Rows keep their places while somebody is about to click one of them.
    const held = this.body.matches(':hover') || this.body.contains(document.activeElement);
    const shown = this.#arrange(found, held).slice(0, this.#most);
    const rows = shown.map((queue) => this.#row(queue));
    if (rows.length !== this.body.children.length || rows.some((row, index) => row.element !== this.body.children[index])) {
      const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
      this.body.replaceChildren(...rows.map((row) => row.element));
      if (focused?.isConnected) focused.focus();
    }
    rows.forEach((row) => row.update());
    if (this.#rows.size > 4 * this.#most) this.#forget(shown);

    const paused = all.filter(isPaused).length;
    const full = all.filter(isFull).length;
    setText(this.summary, [
      wanted ? `${whole(found.length)} of ${whole(all.length)}` : whole(all.length),
      paused && `${whole(paused)} paused`,
      full && `${whole(full)} full`,
    ].filter(Boolean).join(' · '));
    show(this.table, rows.length > 0);
    show(this.none, rows.length === 0);
    setText(this.none, wanted ? `No queue has “${this.filter.value.trim()}” in its name.` : 'There is no queue.');
    show(this.more, found.length > shown.length);
    setText(this.more, `Show ${whole(Math.min(ROWS, found.length - shown.length))} more of ${whole(found.length - shown.length)}`);
  }

  #arrange(queues, held) {
    if (held) {
      const place = new Map(this.#order.map((queue, index) => [queue, index]));
      queues.sort((one, other) => (place.get(one) ?? Infinity) - (place.get(other) ?? Infinity) || byName(one, other));
    } else {
      const { by } = COLUMNS.find((column) => column.id === this.#sort.id);
      const sign = this.#sort.down ? -1 : 1;
      const keys = by && new Map(queues.map((queue) => [queue, by(queue)]));
      queues.sort((one, other) =>
        (by ? sign * (keys.get(one) - keys.get(other)) || byName(one, other) : sign * byName(one, other)));
    }
    this.#order = queues;
    return queues;
  }

  #sortBy(id) {
    // Of figures, the largest are what one looks for.
    this.#sort = { id, down: this.#sort.id === id ? !this.#sort.down : id !== 'name' };
    this.heads.forEach((head, index) => {
      const sorted = COLUMNS[index].id === id;
      head.setAttribute('aria-sort', sorted ? (this.#sort.down ? 'descending' : 'ascending') : 'none');
    });
    this.sorter.value = id;
    this.#order = [];
    this.update();
  }

  #head({ id, label, by, hint }) {
    const head = h('th', { scope: 'col', class: `col-${id}`, title: hint });
    if (!by && id !== 'name') {
      head.append(label);
      return head;
    }
    head.setAttribute('aria-sort', id === 'name' ? 'ascending' : 'none');
    head.append(h('button', { type: 'button', onclick: () => this.#sortBy(id) }, label));
    return head;
  }

  #row(queue) {
    const known = this.#rows.get(queue.name);
    if (known?.queue === queue) return known;
    const row = new Row(queue);
    this.#rows.set(queue.name, row);
    return row;
  }

  #forget(shown) {
    const names = new Set(shown.map((queue) => queue.name));
    for (const name of this.#rows.keys()) if (!names.has(name)) this.#rows.delete(name);
  }

  #walk(event) {
    const links = [...this.body.querySelectorAll('a')];
    const at = links.indexOf(document.activeElement);
    const place = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (at < 0 || place === undefined) return;
    event.preventDefault();
    if (place < 0) this.filter.focus();
    else this.#focusRow(place);
  }

  #focusRow(index) {
    this.body.querySelectorAll('a')[index]?.focus();
  }

  focusFilter() {
    this.filter.focus();
    this.filter.select();
  }
}

/** One queue. */
class Row {
  constructor(queue) {
    this.queue = queue;
    this.badges = badges();
    this.bar = bar('');
    this.spark = sparkline();
    this.texts = Object.fromEntries(['depth', 'in', 'out', 'oldest', 'in_flight', 'delayed', 'waiting', 'dead']
      .map((id) => [id, h('span')]));
    const cell = (id, ...children) => {
      const { label } = COLUMNS.find((column) => column.id === id);
      return h('td', { class: `col-${id}`, 'data-label': label }, children);
    };
    const { texts } = this;
    const href = `#/queues/${encodeURIComponent(queue.name)}`;
    this.element = h('tr', {
      'data-queue': queue.name,
      onclick: (event) => { if (!event.target.closest('a') && !getSelection().toString()) location.hash = href; },
    },
    h('th', { scope: 'row', class: 'col-name' }, h('a', { href }, queue.name), this.badges.element),
    cell('depth', texts.depth, this.bar.element),
    cell('spark', this.spark.element),
    cell('in', texts.in), cell('out', texts.out), cell('oldest', texts.oldest),
    cell('in_flight', texts.in_flight), cell('delayed', texts.delayed),
    cell('waiting', texts.waiting), cell('dead', texts.dead));
  }

  update() {
    const { queue, texts } = this;
    const depth = store.depth(queue);
    const capacity = store.of(queue, 'capacity');
    const put = (id, text, quiet) => {
      setText(texts[id], text);
      if (texts[id].classList.contains('zero') !== quiet) texts[id].classList.toggle('zero', quiet);
    };
    this.badges.set(queue);
    put('depth', `${count(depth)} / ${bound(capacity)}`, depth === 0);
    this.bar.set(depth / capacity, `${count(depth)} of ${count(capacity)} places taken`);
    for (const [id, field] of [['in', 'sent'], ['out', 'gone']]) {
      const value = store.rate(queue, field);
      put(id, rate(value), !value);
    }
    const age = store.age(queue);
    put('oldest', span(age), age == null);
    for (const id of ['in_flight', 'delayed']) put(id, count(store.of(queue, id)), !store.of(queue, id));
    put('dead', count(store.of(queue, 'dead_letters')), !store.of(queue, 'dead_letters'));
    const [receivers, senders] = waiting(queue);
    const words = [receivers && `${count(receivers)} ↓`, senders && `${count(senders)} ↑`].filter(Boolean);
    put('waiting', words.join(' ') || '0', !words.length);
    const [times, values] = store.series(queue, [(figures, place) => figures[place.sent] - figures[place.gone]], SPARK);
    this.spark.set(times, values, store.head.time / 1000, SPARK);
  }
}

/** What comes and goes, as lines of a plot; what is received only where the server counts it. */
export const flow = () => [
  { label: 'in', colour: 'c-in', value: { rate: 'sent' } },
  ...([...store.queues.values()].some(isCounted) ? [{ label: 'received', colour: 'c-received', value: { rate: 'received' } }] : []),
  { label: 'out', colour: 'c-out', value: { rate: 'gone' } },
];

/** What to do with a server that nobody has sent anything to. */
function firstSteps() {
  const v1 = new URL('../v1', document.baseURI);
  const line = (text) => h('pre', { tabindex: '0' }, text);
  return h('section', { class: 'panel first', hidden: true },
    h('h2', {}, 'Nothing was sent yet'),
    h('p', {}, 'Send a message from a shell, and it appears here:'),
    line(`curl -X POST ${v1}/queues/default/messages -d 'hello'`),
    h('p', {}, 'Make a queue of your own, here or with:'),
    line(`curl -X PUT ${v1}/queues/orders -d '{"capacity":10000}'`));
}
