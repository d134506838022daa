// A new queue.

import { api } from './api.js';
import { ask, toast } from './dialogs.js';
import { field, h } from './dom.js';
import { SettingsForm } from './settings.js';
import { store } from './store.js';

export async function createQueue() {
  const name = h('input', { autocomplete: 'off', spellcheck: 'false', autofocus: true, required: true, name: 'name' });
  const fifo = h('input', { type: 'checkbox', id: 'new-fifo' });
  const settings = new SettingsForm(['capacity', 'lease', 'max_receives', 'dead_letter']);
  const nameField = field('Name', name, 'Letters, digits, - _ and .');
  const made = await ask({
    title: 'New queue',
    text: ['What is left empty is as the server has it by default.'],
    body: h('div', {}, nameField, settings.element,
      h('label', { class: 'check', for: 'new-fifo' }, fifo, ' FIFO: messages of a group keep their order, whatever happens')),
    confirm: 'Create',
    act: async () => {
      const wanted = name.value.trim();
      const fail = (text) => {
        nameField.fail(text);
        name.focus();
        throw new Error('');
      };
      if (!/^[A-Za-z0-9._-]{1,80}$/.test(wanted) || /^\.\.?$/.test(wanted)) {
        fail('A name has 1 to 80 letters, digits, - _ and .');
      }
      // The same request would change one that is there, and the page may not know it yet.
      if (store.queues.has(wanted) || await api.exists(wanted)) fail('There is a queue of this name.');
      const document = settings.changes();
      if (fifo.checked) document.fifo = true;
      return api.change(wanted, document);
    },
  });
  if (made) {
    toast(`Made ${made.name}`);
    location.hash = `#/queues/${encodeURIComponent(made.name)}`;
  }
}
