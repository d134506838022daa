// Small parts of both pages: a figure with its name, a bar, badges, a line without axes.

import { h, setText } from './dom.js';
import { isFifo, isFull, isPaused } from './store.js';

/** A figure with its name above it and a note below. */
export function tile(label, hint) {
  const value = h('b', {}, '–');
  const note = h('small');
  const element = h('div', { class: 'tile', title: hint }, h('span', {}, label), value, note);
  return {
    element,
    set(text, more = '') {
      setText(value, text);
      setText(note, more);
    },
    mark(kind) {
      element.dataset.mark = kind ?? '';
    },
    add: (child) => element.append(child),
  };
}

/** How much of something is taken. */
export function bar(label) {
  const fill = h('rect', { width: '0', height: '4', rx: '2' });
  const element = h('svg', {
    class: 'meter', viewBox: '0 0 100 4', preserveAspectRatio: 'none', role: 'img', 'aria-label': label,
  }, h('rect', { class: 'track', width: '100', height: '4', rx: '2' }), fill);
  let shown;
  return {
    element,
    set(part, text) {
      // A little is seen as a little, and only all as all.
      const width = part > 0 ? Math.min(100, Math.max(1.5, Math.round(part * 1000) / 10)) : 0;
      if (width === shown) return;
      shown = width;
      fill.setAttribute('width', width);
      element.dataset.level = part >= 1 ? 'full' : part >= 0.8 ? 'high' : '';
      element.setAttribute('aria-label', text);
    },
  };
}

/** The states of a queue that are out of the ordinary. */
export function badges() {
  const element = h('span', { class: 'badges' });
  let shown = '';
  return {
    element,
    set(queue) {
      const words = [
        isPaused(queue) && 'paused', isFull(queue) && 'full', isFifo(queue) && 'FIFO',
      ].filter(Boolean);
      if (words.join() === shown) return;
      shown = words.join();
      element.replaceChildren(...words.map((word) => h('span', { class: `badge ${word}` }, word)));
    },
  };
}

/** A line without axes. */
export function sparkline() {
  const line = h('path', { class: 'line', 'vector-effect': 'non-scaling-stroke' });
  const area = h('path', { class: 'area' });
  const element = h('svg', {
    class: 'spark', viewBox: '0 0 100 24', preserveAspectRatio: 'none', 'aria-hidden': 'true',
  }, area, line);
  let shown = '';
  return {
    element,
    /** Of the last `seconds`, which end at `end`. */
    set(times, values, end, seconds) {
      const most = Math.max(1, ...values);
      const points = values.map((value, index) => {
        const x = 100 - ((end - times[index]) / seconds) * 100;
        return `${x.toFixed(1)} ${(22.5 - ((value ?? 0) / most) * 21).toFixed(1)}`;
      });
      const path = points.length > 1 ? `M${points.join('L')}` : '';
      if (path === shown) return;
      shown = path;
      line.setAttribute('d', path);
      const first = points[0]?.split(' ')[0];
      area.setAttribute('d', path && `${path}V24H${first}Z`);
    },
  };
}
