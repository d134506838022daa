// The stream of events, read with fetch so that the token goes along in a header.

import { request } from './api.js';

/** How long to wait before the next attempt: at first hardly, then longer, each time a little else. */
const FIRST_WAIT = 250;
const LONGEST_WAIT = 5_000;
/** A server that says nothing for this long is taken for gone: it speaks every second. */
const SILENCE = 10_000;
/** A tab that nobody sees stops watching after this long. */
const HIDDEN = 60_000;

/**
 * Follows `ui/events` for ever. `heard(name, data)` is told each event, `changed(state, why)` whether
 * the connection is `live`, `lost`, `asleep`, or `refused`, and then why.
 */
export function follow(heard, changed) {
  let wait = FIRST_WAIT;
  let abort = null;
  let asleep = false;
  let refusal = null;
  let wake = () => {};

  async function once() {
    abort = new AbortController();
    refusal = null;
    let watchdog;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => abort.abort(), SILENCE);
    };
    try {
      const answer = await request('ui/events', { signal: abort.signal, cache: 'no-store' });
      if (answer.status === 403) refusal = (await answer.json()).detail;
      if (!answer.ok) throw new Error(String(answer.status));
      alive();
      for await (const event of events(answer.body)) {
        alive();
        wait = FIRST_WAIT;
        changed('live');
        heard(event.name, JSON.parse(event.data));
      }
    } finally {
      clearTimeout(watchdog);
    }
  }

  (async () => {
    for (;;) {
      try {
        await once();
      } catch {
        // Told below, and tried again.
      }
      changed(asleep ? 'asleep' : refusal ? 'refused' : 'lost', refusal);
      await new Promise((resolve) => {
        wake = resolve;
        if (!asleep) setTimeout(resolve, wait * (0.75 + Math.random() / 2));
      });
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  })();

  let hiding;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(hiding);
    if (document.hidden) {
      hiding = setTimeout(() => {
        asleep = true;
        abort?.abort();
      }, HIDDEN);
    } else if (asleep) {
      asleep = false;
      wait = FIRST_WAIT;
      wake();
    }
  });
  window.addEventListener('online', () => wake());
}

/** The events of a body, as the HTML standard has them; only the fields that this server sends. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let pieces = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    // An event may come in many pieces; they are joined once its end is there.
    pieces.push(value);
    const tail = pieces.length > 1 ? pieces.at(-2).slice(-1) + value : value;
    if (!tail.includes('\n\n')) continue;
    const blocks = pieces.join('').split('\n\n');
    pieces = [blocks.pop()];
    for (const block of blocks) {
      const event = { name: 'message', data: '' };
      for (const line of block.split('\n')) {
        if (line.startsWith('event: ')) event.name = line.slice(7);
        else if (line.startsWith('data: ')) event.data += line.slice(6);
      }
      yield event;
    }
  }
}
