// The v1 API, and who we are to it.

const TOKEN = 'ringmq-token';

/** The token the user typed, kept for as long as this tab lives; where storage is forbidden, as this page. */
let typed = null;
const stored = (act) => {
  try {
    return act(sessionStorage);
  } catch {
    return null;
  }
};
export const token = {
  get: () => typed ?? stored((storage) => storage.getItem(TOKEN)),
  set(value) {
    typed = value;
    stored((storage) => storage.setItem(TOKEN, value));
  },
  forget() {
    typed = null;
    stored((storage) => storage.removeItem(TOKEN));
  },
};

/** What a request came to grief on, as the server told it (RFC 9457). */
export class Problem extends Error {
  constructor(status, document) {
    super(document.detail ?? document.title ?? `The server answered ${status}.`);
    this.status = status;
    this.code = document.code;
    this.field = document.field;
    this.role = document.role;
  }
}

/** Where the server's paths begin: the page is at `ui/`, perhaps behind a proxy's prefix. */
const base = new URL('../', document.baseURI);

/** Asks somebody for a token; set by the page. Done once there is a new one. */
let signIn = async () => {};
export const onUnauthorized = (ask) => {
  signIn = ask;
};

/**
 * A request with the token, repeated once a new one was typed where the server asked for that. `asking` is
 * told each time it is sent, `answered` when there is an answer.
 */
export async function request(path, { asking, answered, ...options } = {}) {
  for (;;) {
    const headers = new Headers(options.headers);
    const used = token.get();
    if (used) headers.set('Authorization', `Bearer ${used}`);
    asking?.();
    const answer = await fetch(new URL(path, base), { ...options, headers, credentials: 'same-origin' });
    answered?.();
    if (answer.status !== 401) return answer;
    // Another request may have asked in the meantime.
    if (token.get() === used) await signIn(Boolean(used));
  }
}

/** A call of the API: its JSON, or a `Problem`. */
export async function call(method, path, { body, headers, signal } = {}) {
  let answer;
  try {
    answer = await request(path, { method, body, headers, signal });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(0, { detail: 'The server cannot be reached.' });
  }
  const text = await answer.text();
  let document = {};
  try {
    if (text) document = JSON.parse(text);
  } catch {
    document = { detail: text.trim() };
  }
  if (!answer.ok) throw new Problem(answer.status, document);
  return document;
}

const json = (document) => ({
  body: JSON.stringify(document),
  headers: { 'Content-Type': 'application/json' },
});

const at = (queue, rest = '') => `v1/queues/${encodeURIComponent(queue)}${rest}`;

export const api = {
  describe: (queue) => call('GET', at(queue)),
  change: (queue, settings) => call('PUT', at(queue), json(settings)),
  remove: (queue) => call('DELETE', at(queue)),
  purge: (queue) => call('POST', at(queue, '/purge')),
  pause: (queue) => call('POST', at(queue, '/pause')),
  resume: (queue) => call('POST', at(queue, '/resume')),
  redrive: (queue, what, signal) => call('POST', at(queue, '/redrive'), { ...json(what), signal }),
  exists: async (queue) => (await call('GET', `v1/queues?prefix=${encodeURIComponent(queue)}`))
    .queues.some(({ name }) => name === queue),
  browse: (queue, max) => call('GET', at(queue, `/messages?max=${max}`)),
  sendBatch: (queue, items) => call('POST', at(queue, '/messages/batch'), json(items)),
};
