// Numbers, sizes and times as people read them: short, with units, and never wider than they need be.

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** A count in full: 12,345. */
export const whole = (number) => WHOLE.format(number);

/** A count in little room: 999, 12.3 k, 4.56 M. */
export function count(number) {
  if (number < 10_000) return whole(number);
  for (const [size, unit] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']]) {
    // 999,950 and above would be written 1000 k.
    if (number >= size * 0.99995) return `${three(number / size)} ${unit}`;
  }
  return whole(number);
}

/** A bound: in full as long as there is room, for it does not change. */
export const bound = (number) => (number < 1e6 ? whole(number) : count(number));

/** Three digits that mean something. */
function three(number) {
  if (number >= 99.95) return number.toFixed(0);
  return number >= 9.995 ? number.toFixed(1) : number.toFixed(2);
}

/** So many a second: 0, 0.4, 12, 3.4 k. */
export function rate(number) {
  if (number == null) return '–';
  if (number === 0) return '0';
  if (number < 9.95) return number.toFixed(1);
  return count(Math.round(number));
}

/** Bytes with binary units: 512 B, 1.5 KiB. */
export function bytes(number) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (number >= 1023.5 && unit < units.length - 1) {
    number /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? number : three(number)} ${units[unit]}`;
}

/** A span of milliseconds in its two largest units: 240 ms, 3.2 s, 4 m 10 s, 2 h 5 m, 3 d 4 h. */
export function span(ms) {
  if (ms == null) return '–';
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const parts = [['d', 86_400], ['h', 3600], ['m', 60], ['s', 1]];
  let rest = Math.round(seconds);
  const first = parts.findIndex(([, size]) => rest >= size);
  return parts
    .slice(first, first + 2)
    .map(([unit, size]) => {
      const amount = Math.floor(rest / size);
      rest -= amount * size;
      return amount ? `${amount} ${unit}` : '';
    })
    .filter(Boolean)
    .join(' ');
}

/** The time of day of a moment in milliseconds. */
export function clock(ms) {
  return new Date(ms).toLocaleTimeString('en-GB');
}

/** "1 message", "2 messages". */
export function plural(number, one, many = `${one}s`) {
  return `${whole(number)} ${number === 1 ? one : many}`;
}
