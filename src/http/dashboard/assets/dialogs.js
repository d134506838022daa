// Questions before an act, and short notes after one.

import { field, freshId, h } from './dom.js';

/** Opens a dialog with these contents; gone when it closes, and the focus is where it was. */
function open(dialog) {
  const before = document.activeElement;
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (before?.isConnected) before.focus();
  });
  dialog.addEventListener('pointerdown', (event) => {
    // Its scroll bar is the dialog too; what is behind it is outside of its box.
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    const inside = event.clientX >= left && event.clientX <= right && event.clientY >= top && event.clientY <= bottom;
    if (event.target === dialog && !inside && !dialog.isBusy) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** A dialog that is called by its first line. */
function titled(title, makeForm) {
  const id = freshId('title');
  return h('dialog', { 'aria-labelledby': id }, makeForm(h('h2', { id }, title)));
}

/**
 * Asks whether to do something. `text` says what will happen; where `name` is given it has to be typed.
 * `act` does it: the dialog stays, and says why, where that fails. Done with what `act` answered, or
 * with `null` where the user thought better of it.
 */
export function ask({ title, text = [], body, confirm, danger = false, name, act }) {
  return new Promise((resolve) => {
    let result = null;
    const problem = h('p', { class: 'problem', role: 'alert' });
    const button = h('button', { class: danger ? 'danger' : 'primary', disabled: Boolean(name) }, confirm);
    const typed = name && h('input', { autocomplete: 'off', spellcheck: 'false', autofocus: true });
    typed?.addEventListener('input', () => busy(dialog.isBusy));
    const cancel = h('button', {
      type: 'button', autofocus: danger && !name, onclick: () => dialog.close(),
    }, 'Cancel');
    const submit = async (event) => {
      event.preventDefault();
      if (button.disabled) return;
      busy(true);
      problem.textContent = '';
      form.querySelectorAll('.field').forEach((box) => box.fail?.(''));
      try {
        result = (await act()) ?? true;
        dialog.close();
      } catch (error) {
        const box = error.field && form.querySelector(`[data-field="${CSS.escape(error.field)}"]`);
        if (box) {
          box.fail(error.message);
          box.querySelector('input, select, textarea').focus();
        } else {
          problem.textContent = explain(error);
        }
      } finally {
        busy(false);
      }
    };
    // What was begun cannot be taken back, so nobody leaves before it is known how it ended.
    const busy = (is) => {
      dialog.isBusy = is;
      button.disabled = is || Boolean(typed && typed.value !== name);
      cancel.disabled = is;
      // A button that is disabled has no focus, and what has none hears no key.
      if (is) form.focus();
      else if (document.activeElement === form) button.focus();
    };
    let form;
    const dialog = titled(title, (head) => form = h('form', { onsubmit: submit, novalidate: true, tabindex: '-1' },
      head,
      text.map((line) => h('p', {}, line)),
      body,
      typed && field(`Type ${name} to confirm`, typed),
      problem,
      h('footer', {}, cancel, button)));
    const stay = (event) => { if (dialog.isBusy) event.preventDefault(); };
    dialog.addEventListener('cancel', stay);
    // A second Escape cannot be refused there.
    dialog.addEventListener('keydown', (event) => { if (event.key === 'Escape') stay(event); });
    dialog.addEventListener('close', () => resolve(result));
    open(dialog);
  });
}

/** Shows something to read. */
export function tell(title, body) {
  const dialog = titled(title, (head) =>
    h('form', { onsubmit: (event) => { event.preventDefault(); dialog.close(); } },
      head, body,
      h('footer', {}, h('button', { class: 'primary', autofocus: true }, 'Close'))));
  open(dialog);
}

/** What went wrong, with the role that is missing where it is one. */
export function explain(error) {
  if (error.status === 403) {
    const role = error.role ? ` It takes the role “${error.role}”.` : '';
    return `Your token does not allow this: ${error.message}${role}`;
  }
  return error.message;
}

/** A note in the corner. One that tells of a failure stays longer. */
export function toast(text, { failed = false, action } = {}) {
  const note = h('div', { class: failed ? 'toast failed' : 'toast' }, h('span', {}, text));
  const close = () => note.remove();
  if (action) note.append(h('button', { type: 'button', class: 'quiet', onclick: action.act }, action.label));
  else note.append(h('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss', onclick: close }, '×'));
  document.getElementById('toasts').append(note);
  if (!action) setTimeout(close, failed ? 12_000 : 5_000);
  return close;
}

/** Does something and says how it went. */
export async function attempt(act, done) {
  try {
    const result = await act();
    if (done) toast(done(result));
    return result;
  } catch (error) {
    toast(explain(error), { failed: true });
    return null;
  }
}
