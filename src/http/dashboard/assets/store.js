// What the server told, and the last minutes of it.
//
// A queue's figures are an array that is never changed: a change makes a new one, and the old one
// stays in the queue's history. So a queue in which nothing happens costs nothing, however long one looks.

/** How long the history goes back, in seconds; less where there are many queues. */
const LONGEST = 300;
const SHORTEST = 60;
/** About how many figures' arrays may be kept. */
const MOST_KEPT = 300_000;
/** What only grows while there is the queue. */
const COUNTERS = ['sent', 'gone', 'expired', 'dropped', 'dead_letters', 'lease_ends', 'received', 'acked', 'refused'];
/** After a longer silence, lines are interrupted. */
const GAP = 3_500;

export class Queue {
  constructor(name, figures, time) {
    this.name = name;
    this.figures = figures;
    this.past = [[time, figures]];
  }

  change(figures, time, oldest) {
    this.figures = figures;
    this.past.push([time, figures]);
    // One that is older is what was there when the history begins.
    let extra = 0;
    while (extra + 1 < this.past.length && this.past[extra + 1][0] <= oldest) extra += 1;
    if (extra > 32 || this.past.length > LONGEST * 2) this.past.splice(0, extra);
  }
}

class Store extends EventTarget {
  /** By name. */
  queues = new Map();
  /** Where a figure lies in an array, by its name. */
  place = {};
  /** When the server spoke: milliseconds, the oldest first. */
  times = [];
  head = null;
  version = '';
  #byNumber = new Map();
  #started = 0;
  /** How many requests were answered, at the last few times. */
  #requests = [];
  /** Sums over all queues, one array for each of `times`. */
  #totals = [];
  /** What queues that are no more had counted, by figure: without it, sums would fall. */
  #departed = {};

  /** Takes an event of the stream. */
  hear(name, data) {
    const { time } = data;
    if (name === 'whole') this.#restart(data);
    else if (!this.head) return;
    this.head = data;
    if (data.requests) this.#requests = [...this.#requests, [time, data.requests[0]]].slice(-4);
    const keep = this.history * 1000;
    for (const [number, queueName, ...figures] of data.new) {
      const known = this.queues.get(queueName);
      const queue = known ?? new Queue(queueName, figures, time);
      if (known) queue.change(figures, time, time - keep);
      this.queues.set(queueName, queue);
      this.#byNumber.set(number, queue);
    }
    for (const [number, mask, ...values] of data.changed ?? []) {
      const queue = this.#byNumber.get(number);
      const figures = queue.figures.slice();
      let next = 0;
      for (let field = 0; field < figures.length; field += 1) {
        if (mask & (1 << field)) figures[field] = values[next++];
      }
      queue.change(figures, time, time - keep);
    }
    for (const number of data.gone ?? []) {
      const queue = this.#byNumber.get(number);
      this.#byNumber.delete(number);
      if (queue) this.#depart(queue);
    }
    // Who connects again may meet the look he has.
    if (time !== this.times.at(-1)) this.times.push(time);
    this.#totals[this.times.length - 1] = this.#sum();
    const old = this.times.findIndex((moment) => moment > time - keep);
    if (old > 0) {
      this.times.splice(0, old);
      this.#totals.splice(0, old);
    }
    this.dispatchEvent(new Event('change'));
  }

  /** The server begins anew: who is not in its list is gone, who is keeps its history. */
  #restart(data) {
    this.version = data.version;
    this.place = Object.fromEntries(data.fields.map((field, index) => [field, index]));
    const present = new Set(data.new.map((row) => row[1]));
    for (const queue of [...this.queues.values()]) {
      if (!present.has(queue.name)) this.#depart(queue);
    }
    this.#byNumber.clear();
    this.#requests = [];
    // Another server counts from zero.
    if (data.started !== this.#started) this.#departed = {};
    this.#started = data.started;
    // A server whose clock is behind the last one's has another history.
    if (data.time < this.times.at(-1)) {
      this.times = [];
      this.#totals = [];
      this.queues.clear();
    }
  }

  /** A queue is deleted, and with it whatever was in it. */
  #depart({ name, figures }) {
    this.queues.delete(name);
    for (const field of COUNTERS) {
      const counted = figures[this.place[field === 'gone' ? 'sent' : field]];
      this.#departed[field] = (this.#departed[field] ?? 0) + counted;
    }
  }

  /** How many seconds of history there are at most. */
  get history() {
    const each = Math.floor(MOST_KEPT / Math.max(1, this.queues.size));
    return Math.min(LONGEST, Math.max(SHORTEST, each));
  }

  #sum() {
    const sums = Object.fromEntries(Object.keys(this.place).map((field) => [field, this.#departed[field] ?? 0]));
    const fields = Object.entries(this.place);
    let oldest = 0;
    for (const { figures } of this.queues.values()) {
      for (const [field, index] of fields) sums[field] += figures[index];
      const at = figures[this.place.oldest_at];
      if (at && (!oldest || at < oldest)) oldest = at;
    }
    sums.oldest_at = oldest;
    return fields.map(([field]) => sums[field]);
  }

  /** A figure of a queue as it is now. */
  of(queue, field) {
    return queue.figures[this.place[field]];
  }

  /** The sum over all queues of a figure as it is now; of `oldest_at` the least. */
  total(field) {
    return this.#totals.at(-1)?.[this.place[field]] ?? 0;
  }

  /** The age of a queue's oldest ready message, or of the oldest of all queues; null if there is none. */
  age(queue) {
    const at = queue ? this.of(queue, 'oldest_at') : this.total('oldest_at');
    return at ? Math.max(0, this.head.time - at) : null;
  }

  /** Not gone, wherever they are. */
  depth(queue) {
    return this.of(queue, 'sent') - this.of(queue, 'gone');
  }

  /** How many requests a second were answered lately; null where nobody counts. */
  get requestRate() {
    const [first, last] = [this.#requests[0], this.#requests.at(-1)];
    if (!last || last[1] < first[1] || last[0] === first[0]) return null;
    return ((last[1] - first[1]) * 1000) / (last[0] - first[0]);
  }

  /** How many a second a total grew lately, over the last few seconds so that it can be read. */
  rate(queue, field) {
    const last = this.times.length - 1;
    const span = 3;
    let first = Math.max(0, last - span);
    while (first < last && this.times[last] - this.times[first] > span * 1000 + GAP) first += 1;
    if (first >= last) return null;
    const values = queue ? null : this.#totals;
    const index = this.place[field];
    const now = queue ? queue.figures[index] : values[last][index];
    const then = queue ? figuresAt(queue, this.times[first])?.[index] : values[first][index];
    if (then == null || now < then) return null;
    return ((now - then) * 1000) / (this.times[last] - this.times[first]);
  }

  /**
   * Lines of the last `seconds`, for plots: `[times in seconds, ...values]`. `lines` are functions of an
   * array of figures and the time at which they held; or `{ rate: field }` for how fast a total grew.
   */
  series(queue, lines, seconds = LONGEST) {
    const end = this.times.at(-1) ?? 0;
    const start = this.times.findIndex((time) => time >= end - seconds * 1000);
    const result = [[], ...lines.map(() => [])];
    if (start < 0) return result;
    let place = 0;
    let before = null;
    for (let index = start; index < this.times.length; index += 1) {
      const time = this.times[index];
      let figures;
      if (queue) {
        while (place + 1 < queue.past.length && queue.past[place + 1][0] <= time) place += 1;
        figures = queue.past[place][0] <= time ? queue.past[place][1] : null;
      } else {
        figures = this.#totals[index];
      }
      const elapsed = before ? time - before.time : 0;
      if (elapsed > GAP) {
        result[0].push((before.time + 1) / 1000);
        for (let line = 0; line < lines.length; line += 1) result[line + 1].push(null);
        before = null;
      }
      result[0].push(time / 1000);
      lines.forEach((line, at) => {
        result[at + 1].push(valueOf(line, this.place, figures, time, before, elapsed));
      });
      before = { time, figures };
    }
    return result;
  }
}

function valueOf(line, place, figures, time, before, elapsed) {
  if (!figures) return null;
  if (typeof line === 'function') return line(figures, place, time);
  if (!before?.figures) return null;
  const index = place[line.rate];
  const grown = figures[index] - before.figures[index];
  return grown < 0 ? null : (grown * 1000) / elapsed;
}

function figuresAt(queue, time) {
  for (let index = queue.past.length - 1; index >= 0; index -= 1) {
    if (queue.past[index][0] <= time) return queue.past[index][1];
  }
  return null;
}

export const store = new Store();

export const isPaused = (queue) => Boolean(store.of(queue, 'flags') & 1);
export const isFifo = (queue) => Boolean(store.of(queue, 'flags') & 2);
/** Whether the server counts what was received, acknowledged and refused. */
export const isCounted = (queue) => Boolean(store.of(queue, 'flags') & 4);
export const isFull = (queue) => store.depth(queue) >= store.of(queue, 'capacity');
