// The page: which view is shown, what the connection is like, keys, theme and sign-in.

import { onUnauthorized, token } from './api.js';
import { createQueue } from './create.js';
import { ask, tell } from './dialogs.js';
import { field, h, setText, show } from './dom.js';
import { whole } from './format.js';
import { Overview } from './overview.js';
import { redraw } from './plots.js';
import { QueuePage } from './queue.js';
import { isFull, store } from './store.js';
import { follow } from './stream.js';

const main = document.getElementById('main');
const live = document.getElementById('live');
const banners = document.getElementById('banners');
const fullness = document.getElementById('fullness');
/** For so long after it was, a queue is said to be full. */
const HOLD = 5_000;
let view = null;
let connection = 'connecting';
let refusal = null;

// Views.

function route() {
  // The first view is made once there is something to show.
  if (!store.head) return;
  const name = named(location.hash);
  const moved = view !== null;
  view?.destroy();
  view = name ? new QueuePage(name) : new Overview();
  document.title = `${view.title} · ringmq`;
  mount(moved);
}

/** The queue that an address names; none, where that cannot be read. */
function named(hash) {
  try {
    return decodeURIComponent(hash.match(/^#\/queues\/(.+)$/)?.[1] ?? '');
  } catch {
    return '';
  }
}

function mount(moved) {
  main.replaceChildren(view.element);
  view.update();
  if (moved) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
}

window.addEventListener('hashchange', route);

let pending = false;
store.addEventListener('change', () => {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => {
    pending = false;
    if (view) view.update();
    else route();
    setText(document.getElementById('version'), store.version);
    updateBanners();
  });
});

// The connection.

follow((name, data) => store.hear(name, data), (state, why) => {
  connection = state;
  refusal = why;
  updateBanners();
});

function updateBanners() {
  const words = { live: 'live', lost: 'reconnecting', asleep: 'asleep', refused: 'refused', connecting: 'connecting' };
  const draining = store.head?.draining;
  setText(live, connection === 'live' && draining ? 'stopping' : words[connection]);
  live.dataset.state = connection === 'live' && draining ? 'lost' : connection;
  const notes = [
    connection === 'lost' && ['bad', draining
      ? 'The server is stopping. What you see is from before; the page connects again when it is back.'
      : 'The server cannot be reached. What you see is from before; the page keeps trying.'],
    connection === 'refused' && ['bad', refusal],
    connection === 'live' && store.head?.out_of_memory
      && ['bad', 'Out of memory for messages: sends to every queue are refused.'],
  ];
  banner(banners, notes);
  const full = connection === 'live' && store.head ? fullQueues() : [];
  banner(fullness, [full.length > 0 && ['warn', full.length === 1
    ? `The queue ${full[0]} is full.`
    : `${whole(full.length)} queues are full: ${full.slice(0, 3).join(', ')}${full.length > 3 ? '…' : ''}.`]]);
}

function banner(place, notes) {
  const said = notes.filter(Boolean);
  const text = said.map(([, note]) => note).join();
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  place.replaceChildren(...said.map(([kind, note]) => h('p', { class: `banner ${kind}` }, note)));
}

/** When each queue was full last. One that is emptied and filled at once is full all the time. */
const filled = new Map();

function fullQueues() {
  const { time } = store.head;
  for (const queue of store.queues.values()) if (isFull(queue)) filled.set(queue.name, time);
  for (const [name, last] of filled) {
    if (!store.queues.has(name) || Math.abs(time - last) > HOLD) filled.delete(name);
  }
  return [...filled.keys()];
}

// Who we are.

let signingIn = null;

onUnauthorized((refused) => {
  signingIn ??= signIn(refused).finally(() => { signingIn = null; });
  return signingIn;
});

async function signIn(refused) {
  const input = h('input', { type: 'password', autocomplete: 'current-password', autofocus: true, name: 'token' });
  for (;;) {
    const typed = await ask({
      title: 'Sign in',
      text: [refused ? 'The server does not know this token.' : 'This server asks for a token.'],
      body: field('Token', input, 'Kept in this tab until it is closed'),
      confirm: 'Sign in',
      act: async () => {
        const typed = input.value.trim();
        if (!typed) throw new Error('Type a token.');
        if (!/^[!-~]+$/.test(typed)) throw new Error('A token has no blanks, and no characters beyond ASCII.');
        return typed;
      },
    });
    if (typed) {
      token.set(typed);
      show(document.getElementById('sign-out'), true);
      return;
    }
  }
}

const signOut = document.getElementById('sign-out');
show(signOut, Boolean(token.get()));
signOut.addEventListener('click', () => {
  token.forget();
  location.reload();
});

// The theme: as the system has it, light, dark.

const themes = ['auto', 'light', 'dark'];
const themeButton = document.getElementById('theme');

function applyTheme(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  setText(themeButton, `Theme: ${theme}`);
  themeButton.setAttribute('aria-label', `Theme: ${theme}. Press for ${themes[(themes.indexOf(theme) + 1) % 3]}`);
  redraw();
}

const chosen = () => document.documentElement.dataset.theme ?? 'auto';
applyTheme(chosen());
themeButton.addEventListener('click', () => {
  const theme = themes[(themes.indexOf(chosen()) + 1) % themes.length];
  try {
    localStorage.setItem('ringmq-theme', theme);
  } catch {
    // Storage is forbidden: it holds until the page is loaded again.
  }
  applyTheme(theme);
});

// Keys.

const KEYS = [
  ['/', 'Filter queues'], ['n', 'New queue'], ['o', 'Overview'], ['s', 'Send a message to this queue'],
  ['b', 'Look at its messages'], ['t', 'Theme'], ['?', 'This help'],
  ['↑ ↓', 'From queue to queue'], ['← →', 'Through time, on a plot'], ['Esc', 'Cancel'],
];

function help() {
  tell('Keys', h('dl', { class: 'keys-help' }, KEYS.map(([key, what]) =>
    h('div', {}, h('dt', {}, h('kbd', {}, key)), h('dd', {}, what)))));
}

document.getElementById('help').addEventListener('click', help);
document.getElementById('skip').addEventListener('click', (event) => {
  // The address is the view's.
  event.preventDefault();
  main.focus();
});

document.addEventListener('keydown', (event) => {
  const typing = event.target.closest?.('input, select, textarea');
  if (typing?.id === 'filter' && event.key === 'Escape') {
    typing.value = '';
    typing.dispatchEvent(new Event('input'));
    main.focus();
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (!view) return;
  const acts = {
    '/': () => view.focusFilter?.(),
    n: createQueue,
    o: () => { location.hash = '#/'; },
    s: () => view.send?.focus(),
    b: () => view.browser?.look(),
    t: () => themeButton.click(),
    '?': help,
  };
  if (!(event.key in acts)) return;
  event.preventDefault();
  acts[event.key]();
});
