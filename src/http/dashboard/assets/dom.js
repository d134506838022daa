// Elements without markup: what comes from messages and names can only ever become text.

const SVG = 'http://www.w3.org/2000/svg';
const SVG_TAGS = new Set(['svg', 'path', 'circle', 'rect', 'line']);

/**
 * An element with attributes, properties and children. `on…` is a listener, `class` and the like are
 * attributes, `false`, `null` and `undefined` leave an attribute out, and strings become text.
 */
export function h(tag, attributes = {}, ...children) {
  const element = SVG_TAGS.has(tag)
    ? document.createElementNS(SVG, tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value') element.value = value;
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** Writes text where it differs: who reads the screen aloud is not told the same again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows or hides. */
export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

let ids = 0;

/** A name for an element that another refers to. */
export function freshId(prefix) {
  ids += 1;
  return `${prefix}-${ids}`;
}

/** A field with its label, a hint, and room for what is wrong with it. */
export function field(label, input, hint) {
  const id = freshId('field');
  input.id = id;
  const notes = h('small', { id: `${id}-hint`, class: 'hint' }, hint ?? '');
  const problem = h('small', { id: `${id}-problem`, class: 'problem' });
  input.setAttribute('aria-describedby', `${id}-hint ${id}-problem`);
  const box = h('div', { class: 'field' }, h('label', { for: id }, label), input, notes, problem);
  box.fail = (text) => {
    problem.textContent = text;
    if (text) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  };
  input.addEventListener('input', () => box.fail(''));
  return box;
}
