// Shows /openapi.json: operations by tag, their parameters, bodies and answers, and a form to try each.
'use strict';

const METHODS = ['post', 'put', 'get', 'delete', 'patch'];
const TOKEN = 'ringmq-token';
const $ = (id) => document.getElementById(id);

// What is kept, for as long as this page lives where storage is forbidden: `kind` is localStorage or sessionStorage.
const memory = {};
function kept(kind, name, value) {
  try {
    if (value === '') window[kind].removeItem(name);
    else if (value !== undefined) window[kind].setItem(name, value);
    return window[kind].getItem(name) ?? '';
  } catch {
    return memory[name] = value ?? memory[name] ?? '';
  }
}

// An element. Text is never markup.
function el(name, properties, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'class') element.className = value;
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ''));
  return element;
}

// `code` in a line of text.
function inline(text) {
  return text.split('`').map((part, number) => (number % 2 ? el('code', null, part) : part));
}

// Paragraphs, and lists of lines that begin with a dash.
function prose(text) {
  const out = [];
  let list = null;
  for (const line of (text ?? '').split('\n').filter((line) => line.trim())) {
    if (line.startsWith('- ')) {
      if (!list) out.push(list = el('ul'));
      list.append(el('li', null, inline(line.slice(2))));
    } else {
      list = null;
      out.push(el('p', null, inline(line)));
    }
  }
  return out;
}

// Schemas.

let spec;

function resolve(schema) {
  if (!schema?.$ref) return { schema: schema ?? {}, name: '' };
  const name = schema.$ref.split('/').pop();
  return { schema: { ...spec.components.schemas[name], ...(schema.description && { description: schema.description }) }, name };
}

// What a value is, in few words.
function kind(raw) {
  const { schema, name } = resolve(raw);
  if (schema.enum) return schema.enum.length > 6 ? `one of ${schema.enum.length} codes` : schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants && !name) return [...new Set(variants.map((one) => kind(one)))].join(' or ');
  if (schema.type === 'array') return `array of ${kind(schema.items)}`;
  const types = [schema.type ?? (schema.allOf || schema.properties ? 'object' : 'any')].flat();
  let said = name && types[0] === 'object' ? name : types.join(' or ');
  if (schema['x-range']) return `duration, ${spoken(schema['x-range'].minimum)} to ${spoken(schema['x-range'].maximum)}`;
  const [least, most] = [schema.minimum ?? schema.exclusiveMinimum, schema.maximum];
  if (least !== undefined && most !== undefined && most < 1e15) said += least === most ? `, ${most}` : `, ${least} to ${most}`;
  else if (least > 0) said += `, from ${least}`;
  if (schema.minItems && schema.maxItems) said += `, ${schema.minItems} to ${schema.maxItems} of them`;
  if (schema.pattern === '^[0-9a-f]{32}$' || schema.pattern === '^[0-9a-f]{36}$') said += `, ${schema.pattern.match(/\d\d/)[0]} hexadecimal digits`;
  if (schema.default !== undefined && schema.default !== null) said += `, default ${JSON.stringify(schema.default)}`;
  return said;
}

// A duration in the largest unit that says it in whole numbers.
function spoken(text) {
  const seconds = /^(\d+)s$/.exec(text)?.[1];
  for (const [unit, size] of [['d', 86400], ['h', 3600], ['m', 60]]) {
    if (seconds > size && seconds % size === 0) return `${seconds / size} ${unit}`;
  }
  return text.replace(/(ms|s)$/, ' $1');
}

function properties(schema) {
  const parts = [schema, ...(schema.allOf ?? [])].map((part) => resolve(part).schema);
  const nested = parts.flatMap((part) => (part.allOf && part !== schema ? properties(part) : []));
  const found = new Map(nested.map((one) => [one.name, one]));
  for (const part of parts) {
    for (const [name, value] of Object.entries(part.properties ?? {})) {
      found.set(name, { name, value });
    }
  }
  return [...found.values()];
}

// What is inside a schema, as a tree; nothing where there is no more to say.
function tree(raw, depth = 0) {
  const { schema } = resolve(raw);
  if (depth > 6) return null;
  if (schema.type === 'array') return tree(schema.items, depth + 1);
  const variants = (schema.oneOf ?? schema.anyOf ?? []).map((one) => tree(one, depth + 1)).filter(Boolean);
  if (variants.length) return el('div', null, ...variants.flatMap((one, number) => (number ? [el('p', { class: 'muted' }, 'or'), one] : [one])));
  const fields = properties(schema);
  if (!fields.length) return null;
  return el('ul', { class: 'tree' }, fields.map(({ name, value }) => {
    const said = resolve(value).schema.description;
    return el('li', null, el('code', null, name), el('span', { class: 'kind' }, kind(value)), said ? el('p', null, inline(said)) : null, tree(value, depth + 1));
  }));
}

const pretty = (value) => (typeof value === 'string' ? value : JSON.stringify(value, null, 2));

function copyable(text) {
  const pre = el('pre', { tabindex: '0' }, text);
  const button = el('button', {
    type: 'button',
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(pre.textContent);
        button.textContent = 'Copied';
      } catch {
        getSelection().selectAllChildren(pre);
        button.textContent = 'Selected';
      }
      setTimeout(() => { button.textContent = 'Copy'; }, 1500);
    },
  }, 'Copy');
  return { whole: el('div', { class: 'copy' }, pre, button), pre };
}

// One operation.

function verb(method) {
  return el('span', { class: 'verb', 'data-m': method.toUpperCase() }, method.toUpperCase());
}

function parameters(operation) {
  if (!operation.parameters?.length) return [];
  const rows = operation.parameters.map((one) => el('div', { class: 'row' },
    el('div', null, el('code', null, one.name), ' ', one.required ? el('span', { class: 'must' }, 'required') : null, el('small', null, `in the ${one.in}`)),
    el('div', null, inline(one.description ?? ''), el('span', { class: 'kind' }, kind(one.schema)))));
  return [el('h4', null, 'Parameters'), el('div', { class: 'rows' }, rows)];
}

function body(operation) {
  const request = operation.requestBody;
  if (!request) return [];
  const parts = Object.entries(request.content).map(([type, content]) => el('div', { class: 'row' },
    el('div', null, el('code', null, type), ' ', request.required ? el('span', { class: 'must' }, 'required') : null),
    el('div', null, el('span', { class: 'kind' }, kind(content.schema)), tree(content.schema))));
  return [el('h4', null, 'Body'), ...prose(request.description), el('div', { class: 'rows' }, parts)];
}

function answers(operation) {
  const all = Object.entries(operation.responses).map(([status, raw]) => {
    const answer = raw.$ref ? spec.components.responses[raw.$ref.split('/').pop()] : raw;
    const headers = Object.entries(answer.headers ?? {}).map(([name, header]) => el('li', null,
      el('code', null, name), el('span', { class: 'kind' }, kind(header.schema)), el('p', null, inline(header.description ?? ''))));
    const content = Object.entries(answer.content ?? {}).flatMap(([type, one]) => [
      el('h4', null, type), tree(one.schema), one.example === undefined ? null : el('pre', { tabindex: '0' }, pretty(one.example))]);
    const summary = answer.description.split('\n').map((line) => line.replace(/^- `(\w+)`.*/, '$1').replaceAll('`', '')).join(', ');
    return el('details', { class: 'answer' },
      el('summary', null, el('span', { class: 'code', 'data-bad': status >= 400 }, status), el('span', null, summary)),
      el('div', null, el('div', { class: 'says' }, prose(answer.description)),
        headers.length ? [el('h4', null, 'Headers'), el('ul', { class: 'tree' }, headers)] : [], content));
  });
  return [el('h4', null, 'Answers'), ...all];
}

// Trying it.

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
// What takes messages or queues away, or moves them; a lease of 0 takes for good.
const risky = (method, path, fields) => method === 'delete' && path === '/v1/queues/{queue}'
  || /\/(purge|redrive|dequeue)$/.test(path)
  || path.endsWith('/receive') && fields.some(({ one, input }) => one.name === 'lease' && parseFloat(input.value) === 0);

function tryIt(path, method, operation) {
  const fields = (operation.parameters ?? []).map((one) => {
    const id = `${operation.operationId}-${one.name}`;
    const input = el('input', { id, autocomplete: 'off', spellcheck: 'false', value: one.name === 'queue' ? 'orders' : undefined });
    const row = el('div', null, el('label', { for: id }, one.name, one.required ? '' : el('span', null, ' optional')), input);
    return { one, input, row };
  });
  const types = Object.entries(operation.requestBody?.content ?? {}).filter(([type]) => type !== '*/*');
  const type = el('select', { id: `${operation.operationId}-type` }, types.map(([name]) => el('option', null, name)));
  const text = el('textarea', { id: `${operation.operationId}-body`, rows: '5', spellcheck: 'false' });
  // The first that says how it looks.
  type.selectedIndex = Math.max(0, types.findIndex(([, content]) => content.example !== undefined));
  const example = () => { text.value = pretty(types[type.selectedIndex]?.[1].example ?? ''); };
  example();
  const token = () => kept('sessionStorage', TOKEN);

  const request = () => {
    let target = path;
    const query = new URLSearchParams();
    const headers = [];
    for (const { one, input } of fields) {
      if (one.in === 'path') target = target.replace(`{${one.name}}`, encodeURIComponent(input.value));
      else if (input.value && one.in === 'query') query.append(one.name, input.value);
      else if (input.value) headers.push([one.name.replace('*', 'Name'), input.value]);
    }
    if (types.length) headers.push(['Content-Type', type.value]);
    const url = new URL(`.${target}${query.size ? `?${query}` : ''}`, location.href);
    return { url, headers, body: types.length ? text.value : undefined };
  };
  const curl = copyable('');
  const show = () => {
    const { url, headers, body } = request();
    const words = ['curl', '-i', ...(method === 'get' ? [] : ['-X', method.toUpperCase()]), quoted(url.href)];
    for (const [name, value] of headers) words.push('-H', quoted(`${name}: ${value}`));
    if (token() && operation.security) words.push('-H', '"Authorization: Bearer $RINGMQ_TOKEN"');
    if (body) words.push('--data-binary', quoted(body));
    curl.pre.textContent = words.join(' ');
  };
  const output = el('output');
  const result = el('pre', { hidden: true, tabindex: '0' });
  const press = el('button', { type: 'submit', class: 'primary' }, 'Send');
  let sure = false;
  const calm = () => { sure = false; press.classList.remove('sure'); press.textContent = 'Send'; };
  const send = async (event) => {
    event.preventDefault();
    if (risky(method, path, fields) && !sure) {
      sure = true;
      press.classList.add('sure');
      press.textContent = `Yes, ${operation.summary.toLowerCase()}`;
      return;
    }
    calm();
    const missing = fields.find(({ one, input }) => one.required && !input.value);
    if (missing) {
      output.textContent = `${missing.one.name} is missing`;
      missing.input.focus();
      return;
    }
    const { url, headers, body } = request();
    if (token()) headers.push(['Authorization', `Bearer ${token()}`]);
    press.disabled = true;
    output.textContent = 'waiting';
    const began = performance.now();
    try {
      const answer = await fetch(url, { method: method.toUpperCase(), headers, body: body || undefined, cache: 'no-store' });
      const said = await answer.text();
      output.replaceChildren(el('span', { class: 'code', 'data-bad': answer.status >= 400 }, `${answer.status} ${answer.statusText}`), ` in ${Math.round(performance.now() - began)} ms`);
      const lines = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
      let shown = said;
      try { shown = JSON.stringify(JSON.parse(said), null, 2); } catch { /* It is no JSON. */ }
      result.textContent = said ? `${lines}\n\n${shown.slice(0, 100000)}` : lines;
      result.hidden = false;
    } catch (error) {
      output.textContent = `no answer: ${error.message}`;
    }
    press.disabled = false;
  };
  type.addEventListener('change', example);
  const form = el('form', { class: 'form', onsubmit: send, oninput: () => { calm(); show(); }, onchange: show },
    fields.map(({ row }) => row),
    types.length ? el('div', null, el('label', { for: text.id }, 'Body'), text) : null,
    types.length > 1 ? el('div', null, el('label', { for: type.id }, 'Content-Type'), type) : null,
    el('div', { class: 'send' }, press, output));
  show();
  addEventListener('token', show);
  return el('div', { class: 'try' }, el('h4', null, 'Try it'), form, result, el('h4', null, 'On the command line'), curl.whole);
}

function operationCard(path, method, operation) {
  const marked = path.split(/(\{\w+\})/).map((part) => (part.startsWith('{') ? el('i', null, part) : part));
  const card = el('details', { class: 'op', id: operation.operationId },
    el('summary', null, verb(method), el('code', null, marked), el('span', null, operation.summary)));
  // Made when it is opened: most never are.
  card.addEventListener('toggle', () => {
    if (!card.open || card.children.length > 1) return;
    const role = operation.security?.flatMap((one) => one.token ?? [])[0];
    const head = spec.paths[path].head && method === 'get';
    const needs = operation.security ? 'Any role on the queue will do, where the server asks for a token.' : 'Needs no token.';
    const notes = [role ? ['Needs the role ', el('code', null, role), '.'] : needs, head ? [' ', el('code', null, 'HEAD'), ' works too.'] : []].flat();
    card.append(el('div', { class: 'inside' },
      el('div', null, el('div', { class: 'says' }, prose(operation.description)), el('p', { class: 'needs' }, notes),
        parameters(operation), body(operation), answers(operation)),
      tryIt(path, method, operation)));
  });
  return card;
}

// The page.

function problems(rows) {
  const table = el('table', null,
    el('thead', null, el('tr', null, ['Code', 'Status', 'What it means', 'Retry'].map((title) => el('th', { scope: 'col' }, title)))),
    el('tbody', null, rows.map((row) => el('tr', null, el('td', null, el('code', null, row.code)),
      el('td', null, el('span', { class: 'code', 'data-bad': true }, String(row.status))), el('td', null, inline(row.meaning)),
      el('td', null, row.retry ? ['after ', el('code', null, 'Retry-After')] : 'not as it is')))));
  return el('section', { id: 'errors' }, el('h2', null, 'Errors'),
    el('p', null, inline('Each has its own `code`, which stays what it is; `type` is `urn:ringmq:problem:` and the code.')),
    el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Errors' }, table));
}

function tokenField() {
  const input = el('input', {
    id: 'token', type: 'password', autocomplete: 'new-password', placeholder: 'none',
    oninput: () => {
      kept('sessionStorage', TOKEN, input.value.trim());
      dispatchEvent(new Event('token'));
    },
  });
  input.value = kept('sessionStorage', TOKEN);
  return el('form', { class: 'token', onsubmit: (event) => event.preventDefault() }, el('label', { for: 'token' }, 'Token, where the server asks for one'), input,
    el('p', { class: 'needs' }, 'Kept in this tab until it is closed, and sent to this server alone.'));
}

function draw() {
  $('version').textContent = spec.info.version;
  const main = $('main');
  const index = $('index');
  main.replaceChildren(el('div', { class: 'about' }, el('h1', null, 'The API of ringmq'), prose(spec.info.description)), tokenField());
  const entries = [];
  for (const tag of spec.tags) {
    const section = el('section', { id: `tag-${tag.name}` }, el('h2', null, tag.name), el('p', null, inline(tag.description)));
    const list = el('ul');
    for (const [path, item] of Object.entries(spec.paths)) {
      for (const method of METHODS.filter((method) => item[method]?.tags?.includes(tag.name))) {
        const operation = item[method];
        const card = operationCard(path, method, operation);
        const link = el('a', { href: `#${operation.operationId}` }, verb(method), operation.summary);
        const entry = el('li', null, link);
        entries.push({ card, entry, link, section, words: `${method} ${path} ${operation.summary} ${operation.operationId}`.toLowerCase() });
        section.append(card);
        list.append(entry);
      }
    }
    main.append(section);
    index.append(el('div', null, el('h3', null, tag.name), list));
  }
  main.append(problems(spec['x-problems']));
  index.append(el('div', null, el('h3', null, 'Reference'), el('ul', null, el('li', null, el('a', { href: '#errors' }, 'Errors')))));

  $('find').addEventListener('input', () => {
    const words = $('find').value.toLowerCase().split(/\s+/);
    for (const one of entries) one.entry.hidden = one.card.hidden = !words.every((word) => one.words.includes(word));
    for (const one of entries) one.section.hidden = [...one.section.querySelectorAll('.op')].every((card) => card.hidden);
    for (const group of index.children) group.hidden = [...group.querySelectorAll('li')].every((entry) => entry.hidden);
    index.toggleAttribute('data-found', $('find').value !== '');
  });
  const go = () => {
    let id = '';
    try {
      id = decodeURIComponent(location.hash.slice(1));
    } catch {
      // It names nothing.
    }
    for (const { card, link } of entries) {
      if (card.id === id) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
    }
    const place = id && $(id);
    if (!place || place === main) return;
    if (place.tagName === 'DETAILS') place.open = true;
    place.scrollIntoView();
    place.querySelector('summary')?.focus({ preventScroll: true });
  };
  addEventListener('hashchange', go);
  // A link to where one is already.
  index.addEventListener('click', (event) => { if (event.target.closest('a')?.hash === location.hash) go(); });
  go();
}

function theme() {
  const root = document.documentElement;
  const names = ['auto', 'light', 'dark'];
  const set = (name) => {
    if (name === 'auto') delete root.dataset.theme;
    else root.dataset.theme = name;
    $('theme').textContent = `Theme: ${name}`;
    $('theme').setAttribute('aria-label', `Theme: ${name}`);
  };
  let now = kept('localStorage', 'ringmq-theme') || 'auto';
  set(names.includes(now) ? now : now = 'auto');
  $('theme').addEventListener('click', () => {
    now = names[(names.indexOf(now) + 1) % names.length];
    kept('localStorage', 'ringmq-theme', now === 'auto' ? '' : now);
    set(now);
  });
}

document.addEventListener('keydown', (event) => {
  const typing = event.target.closest?.('input, textarea, select');
  if (event.key === '/' && !typing) { event.preventDefault(); $('find').focus(); }
  if (event.key === 'Escape' && event.target === $('find')) { $('find').value = ''; $('find').dispatchEvent(new Event('input')); $('find').blur(); }
});

(async () => {
  theme();
  fetch('ui/', { method: 'HEAD' }).then((answer) => { $('dashboard').hidden = !answer.ok; }, () => {});
  try {
    const answer = await fetch('openapi.json');
    if (!answer.ok) throw new Error(`${answer.status}`);
    spec = await answer.json();
    draw();
  } catch (error) {
    $('state').textContent = `The document could not be read: ${error.message}`;
  }
})();
