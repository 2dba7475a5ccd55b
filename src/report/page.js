// SPDX-License-Identifier: MIT
// What the page can do without a script stays; this adds sorting, filtering, all digits, zooming, and the value
// under the pointer.
'use strict';

const make = (name, properties, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

/* ---- tables ---- */

const valueOf = cell => {
  const data = cell.querySelector('data');
  return data ? Number(data.value) : cell.querySelector('.none') ? NaN : cell.textContent;
};

const compare = (a, b) => {
  if (typeof a === 'string') return a.localeCompare(b, 'en', {numeric: true});
  return Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : Number.isNaN(b) ? -1 : a - b;
};

const sortBy = (table, heading, column) => {
  const up = heading.getAttribute('aria-sort') === 'ascending';
  for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
  heading.setAttribute('aria-sort', up ? 'descending' : 'ascending');
  const body = table.tBodies[0];
  const rows = [...body.rows].map(row => [valueOf(row.cells[column]), row]);
  const undefinedLast = x => typeof x === 'number' && Number.isNaN(x);
  rows.sort(([a], [b]) => undefinedLast(a) || undefinedLast(b) || !up ? compare(a, b) : compare(b, a));
  body.append(...rows.map(([, row]) => row));
};

for (const table of document.querySelectorAll('table.sortable')) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = make('button', {type: 'button'}, ...heading.childNodes);
    button.addEventListener('click', () => sortBy(table, heading, column));
    heading.append(button);
  });
}

const toolsBefore = element => {
  const tools = make('div', {className: 'tools'});
  element.before(tools);
  return tools;
};

for (const table of document.querySelectorAll('table.filtered')) {
  const rows = [...table.tBodies[0].rows], count = make('span', {role: 'status'});
  const input = make('input', {type: 'search', autocomplete: 'off'}), exact = make('input', {type: 'checkbox'});
  const filter = () => {
    const wanted = input.value.toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
      shown += !row.hidden;
    }
    count.textContent = wanted ? `${shown} of ${rows.length}` : '';
  };
  input.addEventListener('input', filter);
  exact.addEventListener('change', () => table.classList.toggle('exact', exact.checked));
  toolsBefore(table.parentElement).append(
    make('label', {}, 'Show only names with', input), make('label', {}, exact, 'all digits'), count);
}

/* ---- windows of a chromosome ---- */

/* Colours back to values: the scale of the legend, in 100 steps. */
const stops = [[33, 102, 172], [146, 197, 222], [247, 247, 247], [244, 165, 130], [178, 24, 43]];
const levels = new Map();
for (let i = 0; i <= 100; i++) {
  const at = i / 25, low = Math.min(Math.floor(at), 3);
  const colour = stops[low].map((from, k) => Math.round(from + (at - low) * (stops[low + 1][k] - from)));
  levels.set(colour.join(), i / 100);
}

const pixelsOf = image => {
  const canvas = make('canvas', {width: image.naturalWidth, height: image.naturalHeight});
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.drawImage(image, 0, 0);
  return context;
};

/* Undefined: nothing was observed. */
const levelAt = (context, x, y) => {
  const [red, green, blue, alpha] = context.getImageData(x, y, 1, 1).data;
  return alpha ? nearest([red, green, blue]) : undefined;
};

const nearest = colour => {
  const exact = levels.get(colour.join());
  if (exact !== undefined) return exact;
  let best = 0, least = Infinity;
  for (const [text, level] of levels) {
    const distance = text.split(',').reduce((sum, c, k) => sum + Math.abs(c - colour[k]), 0);
    if (distance < least) least = distance, best = level;
  }
  return best;
};

const openWindow = heatmap => {
  const bands = [...heatmap.querySelectorAll('.band')], images = [...heatmap.querySelectorAll('.heat')];
  const names = [...heatmap.querySelector('.names').children].map(item => item.textContent);
  const positions = JSON.parse(heatmap.querySelector('.positions').textContent);
  for (let i = 1; i < positions.length; i++) positions[i] += positions[i - 1];
  const contexts = images.map(pixelsOf);
  const reading = make('p', {className: 'reading'}, 'Point at a square to read it, or choose a cell and a position.');
  reading.setAttribute('aria-live', 'polite');

  const show = (site, cell) => {
    const [observed, predicted] = contexts.map(context => levelAt(context, site, cell));
    const state = observed === undefined ? 'not observed' : observed > 0.5 ? 'methylated' : 'unmethylated';
    const place = `${heatmap.dataset.chromo}:${positions[site].toLocaleString('en')}`;
    reading.textContent = `${names[cell]}, ${place}: ${state}, predicted ${(predicted ?? NaN).toFixed(2)}`;
  };
  for (const image of images)
    image.addEventListener('pointermove', event => {
      const box = image.getBoundingClientRect(), clamp = (x, n) => Math.max(0, Math.min(n - 1, Math.floor(x)));
      show(clamp((event.clientX - box.left) / box.width * positions.length, positions.length),
        clamp((event.clientY - box.top) / box.height * names.length, names.length));
    });

  /* Bands that were moved by the script: their own event must not move the first one back. */
  const followers = new Set();
  const follow = (other, band) => {
    const left = other.scrollLeft, top = other.scrollTop;
    other.scrollLeft = band.scrollLeft;
    other.scrollTop = band.scrollTop;
    if (other.scrollLeft !== left || other.scrollTop !== top) followers.add(other);
  };
  for (const band of bands)
    band.addEventListener('scroll', () => {
      if (followers.delete(band)) return;
      for (const other of bands) if (other !== band) follow(other, band);
    });

  let width = 4;
  const visible = () => bands[0].clientWidth - (images[0].offsetLeft - bands[0].offsetLeft);
  const centre = site => { bands[0].scrollLeft = site * width - visible() / 2; };
  const zoom = factor => {
    const middle = (bands[0].scrollLeft + visible() / 2) / width;
    width = Math.max(0.5, Math.min(32, width * factor));
    heatmap.style.setProperty('--w', `${width}px`);
    centre(middle);
  };
  const button = (text, label, action) => {
    const element = make('button', {type: 'button', className: 'tool', title: label}, text);
    element.setAttribute('aria-label', label);
    element.addEventListener('click', action);
    return element;
  };
  const cell = make('select', {}, ...names.map(name => make('option', {}, name)));
  const position = make('input', {type: 'number', min: positions[0], max: positions.at(-1), value: positions[0]});
  const go = () => {
    let site = positions.findIndex(at => at >= Number(position.value));
    if (site < 0) site = positions.length - 1;
    centre(site);
    show(site, cell.selectedIndex);
  };
  cell.addEventListener('change', go);
  position.addEventListener('change', go);
  toolsBefore(heatmap).append(
    button('\u2212', 'Narrower columns', () => zoom(0.5)), button('+', 'Wider columns', () => zoom(2)),
    button('\u2194', 'All sites', () => zoom(visible() / positions.length / width)),
    make('label', {}, 'Cell', cell), make('label', {}, 'Position', position));
  heatmap.append(reading);
};

for (const heatmap of document.querySelectorAll('.heatmap'))
  Promise.all([...heatmap.querySelectorAll('.heat')].map(image => image.decode())).then(() => openWindow(heatmap));
