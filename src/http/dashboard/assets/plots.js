// Plots over time, drawn by uPlot, with a read-out for the mouse, for touch and for the keyboard.

/* global uPlot */

import { h, setText } from './dom.js';
import { clock, span } from './format.js';
import { store } from './store.js';

/** What is shown at least, in seconds, so that a fresh page does not stretch two points over all of it. */
const LEAST = 60;
/** How often the text that stands for a plot is said anew. */
const TELL_EVERY = 10_000;

const plots = new Set();

/** Colours are the page's, which change with the theme. */
const colours = matchMedia('(prefers-color-scheme: dark)');
export const redraw = () => plots.forEach((plot) => plot.redraw());
colours.addEventListener('change', redraw);

export class Plot {
  #uplot = null;
  #told = 0;
  #observer;

  /**
   * `lines` have a `label`, a `colour` (a class of the style sheet) and a `value` as `Store.series` takes
   * it; `format` writes a value, `ticks` one at the axis.
   */
  constructor({ title, queue = null, lines, format, ticks = format, whole = false, steps }) {
    Object.assign(this, { title, queue, lines, format, ticks, whole, steps });
    this.values = lines.map(() => h('b', {}, '–'));
    this.keys = lines.map(({ label, colour }, index) =>
      h('span', { class: `key ${colour}` }, h('i'), `${label} `, this.values[index]));
    this.when = h('time', {}, 'now');
    this.host = h('div', {
      class: 'plot', tabindex: '0', role: 'img', 'aria-label': title,
      onkeydown: (event) => this.#walk(event), onblur: () => this.#leave(),
    });
    this.element = h('figure', { class: 'panel' },
      h('figcaption', {}, h('h3', {}, title), h('span', { class: 'keys' }, this.keys), this.when),
      this.host);
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(this.host);
    plots.add(this);
  }

  destroy() {
    plots.delete(this);
    this.#observer.disconnect();
    this.#uplot?.destroy();
  }

  update() {
    this.data = store.series(this.queue, this.lines.map((line) => line.value));
    if (this.#uplot) this.#uplot.setData(this.data);
    else this.#fit();
    this.#readOut();
    this.#tell();
  }

  redraw() {
    this.#uplot?.redraw(false, true);
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (!width || !height || !this.data) return;
    if (this.#uplot) this.#uplot.setSize({ width, height });
    else this.#uplot = new uPlot(this.#options(width, height), this.data, this.host);
  }

  #options(width, height) {
    const style = (element, property) => getComputedStyle(element)[property];
    const text = () => style(this.when, 'color');
    const rule = () => style(this.host, 'borderTopColor');
    const font = `11px ${style(this.host, 'fontFamily')}`;
    const axis = { stroke: text, font, ticks: { show: false } };
    return {
      width,
      height,
      padding: [10, 8, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false, setScale: false },
        sync: { key: 'time', setSeries: false },
        points: { size: 7, width: 0 },
      },
      scales: {
        x: {
          time: true,
          range: (_, first, last) => [Math.min(first, last - LEAST), last],
        },
        y: { range: (_, least, most) => [0, headroom(most, this.whole)] },
      },
      axes: [
        {
          ...axis,
          size: 24,
          gap: 4,
          grid: { show: false },
          space: 74,
          incrs: [10, 15, 30, 60, 120, 300],
          // Half of a label at the very edge would be over the other axis, or cut off.
          values: (plot, moments) => moments.map((moment) => {
            const left = plot.valToPos(moment, 'x');
            return left < 20 || left > plot.over.clientWidth - 24 ? '' : clock(moment * 1000);
          }),
        },
        {
          ...axis,
          size: 58,
          gap: 6,
          space: 34,
          ...(this.steps && { incrs: this.steps }),
          grid: { stroke: rule, width: 1 },
          values: (_, values) => values.map((value) =>
            (this.whole && value % 1 ? '' : this.ticks(value))),
        },
      ],
      series: [
        {},
        ...this.lines.map((line, index) => ({
          label: line.label,
          width: 1.6,
          points: { show: false },
          stroke: () => style(this.keys[index], 'color'),
          fill: () => translucent(style(this.keys[index], 'color')),
        })),
      ],
      hooks: { setCursor: [() => this.#readOut()] },
    };
  }

  /** The values under the cursor, or the newest. */
  #readOut() {
    const under = this.#uplot?.cursor.idx;
    const index = under ?? this.data[0].length - 1;
    setText(this.when, under == null ? 'now' : clock(this.data[0][index] * 1000));
    this.values.forEach((value, line) => {
      const number = this.data[line + 1][index];
      setText(value, number == null ? '–' : this.format(number));
    });
  }

  /** Arrow keys move the cursor from moment to moment. */
  #walk(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -1e9, End: 1e9 };
    if (event.key === 'Escape') this.#leave();
    if (!(event.key in steps) || !this.#uplot) return;
    event.preventDefault();
    const last = this.data[0].length - 1;
    const index = (this.#uplot.cursor.idx ?? last) + steps[event.key];
    const moment = this.data[0][Math.min(last, Math.max(0, index))];
    this.#uplot.setCursor({ left: this.#uplot.valToPos(moment, 'x'), top: 10 });
    this.#tell(true);
  }

  #leave() {
    this.#uplot?.setCursor({ left: -10, top: -10 });
  }

  /** Says the plot in words. */
  #tell(now = false) {
    if (!now && Date.now() - this.#told < TELL_EVERY) return;
    this.#told = Date.now();
    const words = this.lines.map((line, index) => {
      const known = this.data[index + 1].filter((value) => value != null);
      const most = known.length ? `, at most ${this.format(Math.max(...known))}` : '';
      return `${line.label} ${this.values[index].textContent}${most}`;
    });
    this.host.setAttribute('aria-label',
      `${this.title}, ${this.when.textContent}: ${words.join('; ')}. Arrow keys move through time.`);
  }
}

const SECOND = 1000;
const HOUR = 3600 * SECOND;
/** Ages are read in seconds, minutes and hours, not in hundreds. */
const AGES = [
  1, 2, 5, 10, 20, 50, 100, 200, 500,
  ...[1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800].map((seconds) => seconds * SECOND),
  ...[1, 2, 6, 12, 24, 48, 120, 240, 1200, 2400].map((hours) => hours * HOUR),
];

/** How old the oldest ready message of a queue is, or of all of them. */
export const agePlot = (queue = null) => new Plot({
  title: 'Oldest ready',
  queue,
  lines: [{
    label: 'age',
    colour: 'c-age',
    value: (figures, place, time) => {
      const at = figures[place.oldest_at];
      return at ? Math.max(0, time - at) : 0;
    },
  }],
  format: span,
  ticks: (value) => (value === 0 ? '0' : span(value).replace('.0 s', ' s')),
  steps: AGES,
});

/** A round number a little above. */
function headroom(most, whole) {
  if (!(most > 0)) return whole ? 4 : 1;
  const size = 10 ** Math.floor(Math.log10(most));
  const step = [1.2, 1.6, 2, 2.5, 3, 4, 5, 6, 8, 10].find((step) => step * size >= most * 1.08) ?? 12;
  return Math.max(step * size, whole ? 4 : 0);
}

function translucent(colour) {
  return colour.replace(/^rgb\((.*)\)$/, 'rgb($1 / 9%)').replaceAll(',', '');
}
