// The script of the analytics page, as browsers get it: no build step, nothing from other hosts. It asks for the list of
// questions and draws each answer by the plot that the list names, with a table of the same numbers for whoever cannot see it.
export const analyticsPageScript = String.raw`'use strict';
(() => {
  const classes = ['one', 'two', 'three'];
  const width = 960;
  const height = 260;
  const margin = { left: 64, right: 12, top: 12, bottom: 34 };
  let token = '';

  const byId = (id) => document.getElementById(id);

  function element(name, attributes = {}, ...children) {
    const isSvg = svgNames.has(name);
    const made = isSvg ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }
  const svgNames = new Set(['svg', 'path', 'rect', 'line', 'text', 'g']);

  function say(place, text, isBad = false) {
    place.textContent = text;
    place.classList.toggle('bad', isBad);
  }

  async function ask(path, options = {}) {
    const headers = token === '' ? {} : { authorization: 'Bearer ' + token };
    if (options.body) headers['content-type'] = 'application/json';
    const response = await fetch(path, { ...options, headers });
    const body = await response.json().catch(() => ({}));
    if (response.ok) return body;
    const wait = body.retryAfterMs ? ' Try again in ' + Math.ceil(body.retryAfterMs / 1000) + ' s.' : '';
    throw new Error((body.detail || body.title || 'The server answered ' + response.status) + wait);
  }

  byId('sign-in').addEventListener('submit', async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const status = byId('status');
    const cards = byId('questions');
    cards.replaceChildren();
    say(status, 'Asking …');
    try {
      token = String(form.get('token')).trim();
      if (token === '') {
        const login = { handle: form.get('handle'), password: form.get('password') };
        if (form.get('tenant')) login.tenant = form.get('tenant');
        token = (await ask('v1/sessions', { method: 'POST', body: JSON.stringify(login) })).token;
      }
      const { questions } = await ask('v1/analytics');
      say(status, questions.length + ' questions.');
      for (const question of questions) cards.append(card(question));
    } catch (error) {
      say(status, error.message, true);
    }
  });

  function card(question) {
    const status = element('p', { role: 'status' });
    const answer = element('div');
    const form = element('form', { 'aria-label': question.title });
    for (const parameter of question.parameters) form.append(field(parameter));
    form.append(element('button', {}, 'Ask'));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void show();
    });
    async function show() {
      const wanted = new URLSearchParams();
      for (const [name, value] of new FormData(form)) {
        if (value !== '') wanted.set(name, /^\d+-\d+-\d+T\d+:\d+$/.test(value) ? value + 'Z' : value);
      }
      say(status, 'Asking …');
      try {
        const result = await ask('v1/analytics/' + question.name + '?' + wanted);
        answer.replaceChildren(...drawn(question, result));
        const counted = result.countedThroughMs ? ' Counted through ' + timeText(result.countedThroughMs) + '.' : '';
        say(status, result.rows.length + ' rows.' + counted);
      } catch (error) {
        answer.replaceChildren();
        say(status, error.message, true);
      }
    }
    const heading = element('h2', { id: 'q-' + question.name }, question.title);
    const made = element('section', { 'aria-labelledby': heading.id, 'data-question': question.name });
    made.append(heading, element('p', {}, question.description), form, status, answer);
    if (question.parameters.every((parameter) => parameter.byDefault !== undefined)) void show();
    return made;
  }

  function field({ name, type, description, byDefault, choices = [], min, max }) {
    const text = type === 'time' ? name : name + ': ' + description;
    if (type === 'choice') {
      const select = element('select', { name });
      for (const choice of choices) select.append(element('option', choice === byDefault ? { selected: '' } : {}, choice));
      return element('label', {}, text, select);
    }
    const types = { time: 'datetime-local', integer: 'number', conversation: 'text' };
    const input = element('input', { name, type: types[type] });
    if (type === 'integer') {
      input.min = min;
      input.max = max;
      if (byDefault !== undefined) input.value = byDefault;
    }
    if (byDefault === undefined) input.required = true;
    return element('label', {}, text, input);
  }

  function drawn(question, { columns, rows }) {
    const shown = table(columns, rows);
    if (question.plot === 'table' || rows.length === 0) return [shown];
    const plot = { lines, bars, grid }[question.plot](question.title, columns, rows);
    const numbers = element('details', {}, element('summary', {}, 'The numbers'), shown);
    return question.plot === 'grid' ? [plot, numbers] : [legend(columns.slice(1, 4)), plot, numbers];
  }

  function table(columns, rows) {
    const head = element('tr', {}, ...columns.map((column) => element('th', { scope: 'col' }, words(column))));
    const body = rows.map((row) => element('tr', {}, ...row.map((value, at) => element('td', {}, shownValue(columns[at], value)))));
    return element('div', { class: 'wide', tabindex: '0' }, element('table', {}, element('thead', {}, head), element('tbody', {}, ...body)));
  }

  function legend(names) {
    const marks = names.map((name, at) => {
      const mark = element('path', { class: classes[at], d: 'M0 5H26' });
      return element('li', {}, element('svg', { viewBox: '0 0 26 10', 'aria-hidden': 'true' }, mark), ' ' + words(name));
    });
    return element('ul', { class: 'legend' }, ...marks);
  }

  function frame(title, columns, rows, top) {
    const first = shownValue(columns[0], rows[0][0]);
    const last = shownValue(columns[0], rows.at(-1)[0]);
    const label = title + ', from ' + first + ' to ' + last + ', at most ' + number(top) + '.';
    const svg = element('svg', { viewBox: '0 0 ' + width + ' ' + height, role: 'img', 'aria-label': label });
    for (const part of [0, 0.5, 1]) {
      const y = yOf(part);
      svg.append(element('line', { class: 'axis', x1: margin.left, x2: width - margin.right, y1: y, y2: y }));
      svg.append(element('text', { x: margin.left - 6, y: y + 4, 'text-anchor': 'end' }, number(top * part)));
    }
    return svg;
  }

  const yOf = (part) => height - margin.bottom - part * (height - margin.top - margin.bottom);
  const xOf = (part) => margin.left + part * (width - margin.left - margin.right);

  function underneath(svg, columns, rows, placeOf) {
    const every = Math.max(1, Math.ceil(rows.length / 7));
    rows.forEach((row, at) => {
      if (at % every > 0) return;
      svg.append(element('text', { x: placeOf(at), y: height - 12, 'text-anchor': 'middle' }, shownValue(columns[0], row[0])));
    });
  }

  const topOf = (rows, count) => Math.max(...rows.map((row) => Math.max(...row.slice(1, 1 + count).map(Number))), 0) || 1;

  function lines(title, columns, rows) {
    const count = Math.min(columns.length - 1, classes.length);
    const top = topOf(rows, count);
    const svg = frame(title, columns, rows, top);
    const placeOf = (at) => xOf(rows.length === 1 ? 0.5 : at / (rows.length - 1));
    for (let series = 0; series < count; series += 1) {
      const points = rows.map((row, at) => placeOf(at).toFixed(1) + ' ' + yOf(Number(row[series + 1]) / top).toFixed(1));
      const path = rows.length === 1 ? 'M' + points[0] + 'h2' : 'M' + points.join('L');
      svg.append(element('path', { class: classes[series], d: path }));
    }
    underneath(svg, columns, rows, placeOf);
    return svg;
  }

  function bars(title, columns, rows) {
    const count = Math.min(columns.length - 1, classes.length);
    const top = topOf(rows, count);
    const svg = frame(title, columns, rows, top);
    const slot = (xOf(1) - xOf(0)) / rows.length;
    const thick = Math.max(1, (slot * 0.8) / count);
    rows.forEach((row, at) => {
      for (let series = 0; series < count; series += 1) {
        const y = yOf(Number(row[series + 1]) / top);
        const x = xOf(0) + at * slot + slot * 0.1 + series * thick;
        const rest = { x: x.toFixed(1), y: y.toFixed(1), width: Math.max(1, thick - 1).toFixed(1), height: (yOf(0) - y).toFixed(1) };
        svg.append(element('rect', { class: classes[series], ...rest }));
      }
    });
    underneath(svg, columns, rows, (at) => xOf(0) + (at + 0.5) * slot);
    return svg;
  }

  /** First column down, second across, the last as a share of the first of its line. */
  function grid(title, columns, rows) {
    const across = Math.max(...rows.map((row) => Number(row[1]))) + 1;
    const lines = new Map();
    for (const [line, at, count, share] of rows) {
      if (!lines.has(line)) lines.set(line, []);
      lines.get(line)[at] = { count, share };
    }
    const head = element('tr', {}, element('th', { scope: 'col' }, words(columns[0])));
    for (let at = 0; at < across; at += 1) head.append(element('th', { scope: 'col' }, String(at)));
    const body = [...lines].map(([line, cells]) => {
      const made = element('tr', {}, element('th', { scope: 'row' }, line));
      for (let at = 0; at < across; at += 1) {
        const cell = cells[at];
        const share = cell ? Math.round(100 * cell.share) : 0;
        const shade = 'background: color-mix(in srgb, var(--one) ' + Math.round(share * 0.35) + '%, transparent)';
        made.append(cell ? element('td', { style: shade, title: number(cell.count) + ' users' }, share + ' %') : element('td'));
      }
      return made;
    });
    const caption = element('caption', {}, title + ', weeks across');
    return element('div', { class: 'wide', tabindex: '0' }, element('table', {}, caption, element('thead', {}, head), element('tbody', {}, ...body)));
  }

  const words = (name) => name.replace(/_ms(_max)?$/, '').replaceAll('_', ' ');
  const number = (value) => Number(value).toLocaleString('en', { maximumFractionDigits: 3 });
  const timeText = (ms) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');

  function shownValue(column, value) {
    if (column === 'at_ms') return timeText(Number(value));
    if (column === 'delay_ms_max') return delayText(Number(value));
    return typeof value === 'number' ? number(value) : value;
  }

  function delayText(ms) {
    if (ms >= 4294967295) return 'later';
    const units = [[86400000, 'd'], [3600000, 'h'], [60000, 'min'], [1000, 's']];
    const [size, unit] = units.find(([least]) => ms >= least) || units.at(-1);
    return '≤ ' + number(ms / size) + ' ' + unit;
  }
})();
`;
