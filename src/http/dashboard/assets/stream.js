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
  let isLive = false;
  let wake = () => {};

  async function once() {
    const own = new AbortController();
    abort = own;
    refusal = null;
    let watchdog;
    const calm = () => clearTimeout(watchdog);
    const alive = () => {
      calm();
      watchdog = setTimeout(() => own.abort(), SILENCE);
    };
    let goesOn = false;
    const began = Date.now();
    try {
      // Whoever types a token may take his time.
      const answer = await request('ui/events', { signal: own.signal, cache: 'no-store', asking: alive, answered: calm });
      alive();
      if (answer.status === 403) {
        refusal = `Your token does not allow this page: ${(await answer.json()).detail}. Sign out to use another.`;
      } else if (answer.status === 503) refusal = `The server answered: ${(await answer.json()).detail}.`;
      if (!answer.ok) throw new Error(String(answer.status));
      for await (const event of events(answer.body)) {
        alive();
        const data = JSON.parse(event.data);
        // A server that stops tells so whoever comes, and leaves: that is no connection.
        goesOn = !data.draining;
        if (goesOn) {
          wait = FIRST_WAIT;
          isLive = true;
          changed('live');
        }
        heard(event.name, data);
      }
    } finally {
      calm();
      own.abort();
    }
    return goesOn && Date.now() - began > SILENCE;
  }

  (async () => {
    for (;;) {
      let goesOn = false;
      try {
        if (!asleep) goesOn = await once();
      } catch {
        // Told below, and tried again.
      }
      // The server ends a stream now and then, to see who is there.
      if (goesOn && !asleep) continue;
      isLive = false;
      changed(asleep ? 'asleep' : refusal ? 'refused' : 'lost', refusal);
      await new Promise((resolve) => {
        wake = resolve;
        if (!asleep) setTimeout(resolve, wait * (0.75 + Math.random() / 2));
      });
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  })();

  let hiding;
  const look = () => {
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
  };
  document.addEventListener('visibilitychange', look);
  look();
  window.addEventListener('online', () => {
    if (isLive) return;
    wait = FIRST_WAIT;
    abort?.abort();
    wake();
  });
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
