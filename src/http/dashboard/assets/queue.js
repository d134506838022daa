// One queue in depth.

import { api } from './api.js';
import { ask, attempt, explain, toast } from './dialogs.js';
import { field, freshId, h, setText, show } from './dom.js';
import { badges, bar, tile } from './figures.js';
import { bytes, count, plural, rate, span, whole } from './format.js';
import { Browser, SendForm } from './messages.js';
import { flow } from './overview.js';
import { Plot, agePlot } from './plots.js';
import { SettingsForm, queueNames } from './settings.js';
import { isCounted, isPaused, store } from './store.js';

export class QueuePage {
  #described = null;
  #describing = false;

  constructor(name) {
    this.name = name;
    this.title = name;
    this.badges = badges();
    this.tiles = {
      depth: tile('Messages', 'Ready, in flight and delayed'),
      in: tile('In /s', 'Messages sent a second'),
      out: tile('Out /s', 'Acknowledged, taken, expired, dropped or purged'),
      oldest: tile('Oldest ready'),
      inFlight: tile('In flight', 'With consumers, under a lease'),
      delayed: tile('Delayed', 'Not yet ready'),
      receivers: tile('Waiting consumers', 'Receives that wait for a message'),
      senders: tile('Waiting producers', 'Sends that wait for room'),
      lost: tile('Dead letters', 'Received too often'),
      refused: tile('Refused sends', 'Full, too large, or no memory'),
    };
    this.bar = bar('');
    this.tiles.depth.add(this.bar.element);
    this.pause = h('button', { type: 'button', id: 'pause', onclick: () => this.#pause() }, 'Pause');
    this.redrive = h('button', { type: 'button', id: 'redrive', onclick: () => this.#redrive() }, 'Redrive…');
    this.purge = h('button', { type: 'button', id: 'purge', class: 'danger-quiet', onclick: () => this.#purge() }, 'Purge…');
    this.remove = h('button', {
      type: 'button', id: 'delete', class: 'danger-quiet', disabled: name === 'default',
      title: name === 'default' && 'The queue “default” cannot be deleted', onclick: () => this.#remove(),
    }, 'Delete…');
    this.missing = h('section', { class: 'panel first', hidden: true },
      h('h2', {}, 'There is no such queue'), h('p', {}, h('a', { href: '#/' }, 'All queues')));
    this.settings = new SettingsForm();
    this.save = h('button', { class: 'primary', id: 'save' }, 'Save settings');
    this.status = h('p', { class: 'status', role: 'status' });
    this.browser = new Browser(name);
    this.send = new SendForm(name, () => this.#looked());
    this.present = h('div', { class: 'page', hidden: true }, this.#parts());
    this.element = h('div', { class: 'page' },
      h('div', { class: 'queue-head' },
        h('a', { href: '#/', class: 'back' }, '← Queues'),
        h('h1', {}, name), this.badges.element,
        h('div', { class: 'actions', role: 'group', 'aria-label': 'Actions' },
          this.pause, this.redrive, this.purge, this.remove)),
      this.missing, this.present);
  }

  #parts() {
    const figure = (name) => (figures, place) => figures[place[name]];
    const { name } = this;
    const queue = store.queues.get(name) ?? null;
    this.plots = [
      new Plot({
        title: 'Messages', queue, whole: true, format: count,
        lines: [
          { label: 'ready', colour: 'c-ready', value: figure('ready') },
          { label: 'in flight', colour: 'c-flight', value: figure('in_flight') },
          { label: 'delayed', colour: 'c-delayed', value: figure('delayed') },
        ],
      }),
      new Plot({
        title: 'Throughput', queue, format: (value) => `${rate(value)}/s`, ticks: rate,
        lines: flow(),
      }),
      agePlot(queue),
    ];
    const form = h('form', { onsubmit: (event) => this.#save(event), novalidate: true },
      this.settings.element,
      h('footer', {}, this.status,
        h('button', { type: 'button', onclick: () => this.settings.reset() }, 'Undo'), this.save));
    return [
      h('section', { class: 'tiles ten', 'aria-label': 'Figures' }, Object.values(this.tiles).map((tile) => tile.element)),
      h('section', { class: 'plots', 'aria-label': 'Plots' }, this.plots.map((plot) => plot.element)),
      h('div', { class: 'columns' },
        h('div', {}, this.browser.element, this.send.element),
        h('section', { class: 'panel', 'aria-labelledby': 'settings-title' },
          h('div', { class: 'panel-head' }, h('h2', { id: 'settings-title' }, 'Settings')), form)),
    ];
  }

  destroy() {
    this.plots.forEach((plot) => plot.destroy());
  }

  update() {
    if (!store.head) return;
    const queue = store.queues.get(this.name);
    show(this.missing, !queue);
    show(this.present, Boolean(queue));
    for (const button of [this.pause, this.redrive, this.purge]) button.disabled = !queue;
    this.remove.disabled = !queue || this.name === 'default';
    if (!queue) return;
    this.badges.set(queue);
    this.#updateTiles(queue);
    for (const plot of this.plots) {
      plot.queue = queue;
      plot.update();
    }
    setText(this.pause, isPaused(queue) ? 'Resume' : 'Pause…');
    this.redrive.disabled = store.of(queue, 'ready') === 0;
    if (store.of(queue, 'modified_at') !== this.#described) this.#describe(queue);
  }

  #updateTiles(queue) {
    const { tiles } = this;
    const of = (name) => store.of(queue, name);
    const depth = store.depth(queue);
    tiles.depth.set(count(depth), `of ${whole(of('capacity'))} · ${bytes(of('bytes'))}`);
    this.bar.set(depth / of('capacity'), `${whole(depth)} of ${whole(of('capacity'))} places taken`);
    tiles.in.set(rate(store.rate(queue, 'sent')), `${count(of('sent'))} in all`);
    tiles.out.set(rate(store.rate(queue, 'gone')), isCounted(queue) ? `${count(of('acked'))} acknowledged` : `${count(of('gone'))} in all`);
    tiles.oldest.set(span(store.age(queue)), store.age(queue) == null ? 'nothing is ready' : `of ${count(of('ready'))} ready`);
    tiles.inFlight.set(count(of('in_flight')), `${count(of('lease_ends'))} leases ran out`);
    tiles.delayed.set(count(of('delayed')), 'not yet ready');
    tiles.receivers.set(count(of('waiting_receivers')), 'for a message');
    tiles.senders.set(count(of('waiting_senders')), 'for room');
    tiles.lost.set(count(of('dead_letters')), of('dying') ? `${count(of('dying'))} on their way` : 'received too often');
    const gone = `${count(of('expired'))} expired, ${count(of('dropped'))} dropped`;
    tiles.refused.set(isCounted(queue) ? count(of('refused')) : '–', gone);
  }

  /** Settings are asked for when they changed. */
  async #describe(queue) {
    if (this.#describing) return;
    this.#describing = true;
    const modified = store.of(queue, 'modified_at');
    try {
      const { settings } = await api.describe(this.name);
      this.settings.fill(settings);
      this.#described = modified;
    } catch (error) {
      setText(this.status, explain(error));
    } finally {
      this.#describing = false;
    }
  }

  /** Where somebody looks at messages, he sees what an act changed. */
  #looked() {
    if (this.browser.looked) this.browser.look();
  }

  async #save(event) {
    event.preventDefault();
    setText(this.status, '');
    let changes;
    try {
      changes = this.settings.changes();
    } catch (error) {
      this.settings.fail(error);
      return;
    }
    if (!Object.keys(changes).length) {
      setText(this.status, 'Nothing was changed.');
      return;
    }
    const apply = async () => {
      const typed = this.settings.typed();
      const { settings } = await api.change(this.name, changes);
      this.settings.fill(settings, typed);
      return settings;
    };
    const queue = store.queues.get(this.name);
    const capacity = store.of(queue, 'capacity');
    // None is the server's default, which only the server knows.
    if (changes.capacity === null || (typeof changes.capacity === 'number' && changes.capacity < capacity)) {
      const known = changes.capacity !== null;
      const left = changes.capacity - store.depth(queue);
      const saved = await ask({
        title: `Shrink ${this.name}?`,
        text: [
          `Its capacity goes from ${whole(capacity)} to ${known ? plural(changes.capacity, 'message') : 'what the server has by default'}; it holds ${whole(store.depth(queue))} now.`,
          !known && 'Where that is less, there is less room; where the queue holds more, the server will refuse.',
          known && (left > 0
            ? `There will be room for ${plural(left, 'more message')}, then sends are refused or wait, or the oldest is dropped.`
            : left < 0 ? 'It holds more than that, so the server will refuse: let it be emptied first.'
              : 'There will be no room: sends are refused or wait, or the oldest is dropped.'),
        ].filter(Boolean),
        confirm: known ? `Shrink to ${whole(changes.capacity)}` : 'Set to the default', danger: true, act: apply,
      });
      if (saved) setText(this.status, 'Saved.');
      return;
    }
    try {
      await apply();
      setText(this.status, 'Saved.');
    } catch (error) {
      if (!this.settings.fail(error)) setText(this.status, explain(error));
    }
  }

  async #pause() {
    const queue = store.queues.get(this.name);
    if (isPaused(queue)) {
      await attempt(() => api.resume(this.name), () => `${this.name} goes on`);
      return;
    }
    const room = store.of(queue, 'capacity') - store.depth(queue);
    const waiting = store.of(queue, 'waiting_receivers');
    const paused = await ask({
      title: `Pause ${this.name}?`,
      text: [
        `Receives find nothing until somebody resumes it${waiting ? `; ${plural(waiting, 'consumer waits', 'consumers wait')} on` : ''}. Sends go on.`,
        `There is room for ${plural(room, 'more message')}.`,
      ],
      confirm: 'Pause', danger: true,
      act: () => api.pause(this.name),
    });
    if (paused) toast(`${this.name} is paused`);
  }

  async #purge() {
    const queue = store.queues.get(this.name);
    const done = await ask({
      title: `Purge ${this.name}?`,
      text: [
        `${plural(store.depth(queue), 'message')} will be gone for good: ${whole(store.of(queue, 'ready'))} ready, `
          + `${whole(store.of(queue, 'in_flight'))} in flight, ${whole(store.of(queue, 'delayed'))} delayed. Consumers lose their leases.`,
      ],
      confirm: `Purge ${plural(store.depth(queue), 'message')}`, danger: true, name: this.name,
      act: () => api.purge(this.name),
    });
    if (!done) return;
    toast(`${plural(done.purged, 'message')} purged`);
    this.#looked();
  }

  async #remove() {
    const queue = store.queues.get(this.name);
    const waiting = store.of(queue, 'waiting_receivers') + store.of(queue, 'waiting_senders');
    const done = await ask({
      title: `Delete ${this.name}?`,
      text: [
        `The queue, its settings and ${plural(store.depth(queue), 'message')} in it will be gone for good.`,
        waiting > 0 && `${plural(waiting, 'client that waits is', 'clients that wait are')} told so.`,
      ].filter(Boolean),
      confirm: 'Delete queue', danger: true, name: this.name,
      act: () => api.remove(this.name),
    });
    if (!done) return;
    toast(`${this.name} deleted, with ${plural(done.deleted_messages, 'message')}`);
    location.hash = '#/';
  }

  async #redrive() {
    const queue = store.queues.get(this.name);
    const ready = store.of(queue, 'ready');
    const names = freshId('targets');
    const input = (name, more) => {
      const element = h('input', { name, autocomplete: 'off', spellcheck: 'false', ...more });
      return element;
    };
    const to = input('to', { list: names, placeholder: 'where each came from' });
    const max = input('max', { inputmode: 'numeric', placeholder: `all ${whole(ready)}` });
    const speed = input('rate', { inputmode: 'decimal', placeholder: 'as fast as it goes' });
    const boxed = (element, label, hint) => {
      const box = field(label, element, hint);
      box.dataset.field = element.name;
      return box;
    };
    const number = (element) => (element.value.trim() === '' ? undefined : Number(element.value));
    const what = await ask({
      title: `Redrive ${this.name}?`,
      text: [`Up to ${plural(ready, 'ready message')} will be moved out of this queue, the oldest first. What was moved stays moved.`],
      body: h('div', {}, queueNames(names),
        boxed(to, 'To', 'A queue; empty sends dead letters back'),
        h('div', { class: 'fields' }, boxed(max, 'At most'), boxed(speed, 'Messages a second'))),
      confirm: 'Redrive', danger: true,
      act: async () => {
        const wanted = { to: to.value.trim() || undefined, max: number(max), rate: number(speed) };
        for (const name of ['max', 'rate']) {
          if (Number.isNaN(wanted[name])) throw Object.assign(new Error('This is no number.'), { field: name });
        }
        if (wanted.to && !store.queues.has(wanted.to)) {
          throw Object.assign(new Error('There is no queue of this name.'), { field: 'to' });
        }
        return wanted;
      },
    });
    if (!what) return;
    const stop = new AbortController();
    const close = toast(`Redriving ${this.name}…`, { action: { label: 'Stop', act: () => stop.abort() } });
    try {
      const { moved, stopped_by: reason } = await api.redrive(this.name, what, stop.signal);
      toast(`${plural(moved, 'message')} moved${reason ? `, then: ${reason.detail}` : ''}`, { failed: Boolean(reason) });
    } catch (error) {
      if (error.name === 'AbortError') toast('Redrive stopped; what was moved stays moved');
      else toast(explain(error), { failed: true });
    } finally {
      close();
      this.#looked();
    }
  }
}
