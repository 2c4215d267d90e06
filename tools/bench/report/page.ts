// The report as one page with everything in it: no request leaves it. Light, dark and on paper.
import type { Block } from './block.ts';
import { colors, escaped, plotRules } from './plot-frame.ts';

const rules = [
  'body{font:15px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif;max-width:57rem;margin:0 auto;padding:1.5rem 1rem 4rem;background:var(--paper);color:var(--ink)}',
  'h1{font-size:1.7rem;margin:.5rem 0}h2{font-size:1.25rem;margin:2.6rem 0 .4rem;padding-top:.8rem;border-top:1px solid var(--grid)}p{color:var(--dim);margin:.4rem 0}',
  'nav{position:sticky;top:0;background:var(--paper);padding:.5rem 0;border-bottom:1px solid var(--grid);font-size:.85rem;line-height:1.9}nav a{color:inherit;text-decoration:none;margin-right:.9rem;white-space:nowrap}nav a:hover{text-decoration:underline}',
  '.wide{overflow-x:auto}table{border-collapse:collapse;margin:.8rem 0;font-size:.9rem}td,th{border-bottom:1px solid var(--grid);padding:.28rem .7rem .28rem 0;text-align:left;vertical-align:top;font-variant-numeric:tabular-nums}th{color:var(--dim);font-weight:500}',
  '.met,.missed,.unknown,.reached,.not-yet{padding:.05rem .5rem;border-radius:1rem;font-size:.8rem;white-space:nowrap;border:1px solid currentColor}.met,.reached{color:var(--good)}.missed{color:var(--bad)}.unknown,.not-yet{color:var(--dim)}',
  '.plots{display:flex;flex-wrap:wrap;gap:.8rem;margin:.8rem 0}.plots svg{max-width:100%;height:auto;border:1px solid var(--grid);border-radius:6px}',
  'details{margin:.5rem 0}summary{cursor:pointer;color:var(--dim);font-size:.9rem}',
  '@media print{nav,details:not([open]){display:none}h2{break-after:avoid}svg,tr{break-inside:avoid}.plots{gap:1%}.plots svg[width="430"]{width:49%}body{max-width:none;padding:0}}',
].join('\n');

export function page(blocks: readonly Block[]): string {
  const places = blocks.filter(({ level, title }) => level === 2 && title !== undefined);
  const links = places.map(({ title }) => `<a href="#${idOf(title!)}">${escaped(title!)}</a>`).join('\n');
  const [first, ...rest] = blocks.map(blockText);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Parley: bench report</title>
<style>${colors}
${plotRules}
${rules}</style>
${first ?? ''}
<nav>${links}</nav>
${rest.join('\n')}
</html>
`;
}

function blockText({ level = 2, title, text, table, folded, plots = [] }: Block): string {
  const inner = [
    title === undefined ? '' : `<h${level} id="${idOf(title)}">${escaped(title)}</h${level}>`,
    text === undefined ? '' : `<p>${escaped(text).replace(/`([^`]*)`/g, '<code>$1</code>')}</p>`,
    table === undefined || table.rows.length === 0 ? '' : tableText(table),
    // Their rules are the page's.
    plots.length === 0
      ? ''
      : `<div class="plots">${plots.map(({ svg }) => svg.replace(/<style>.*?<\/style>\n/s, '')).join('\n')}</div>`,
  ].filter((part) => part !== '');
  return folded === undefined
    ? inner.join('\n')
    : `<details><summary>${escaped(folded)}</summary>${inner.join('\n')}</details>`;
}

function tableText({ head, rows }: NonNullable<Block['table']>): string {
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cellText(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="wide"><table>${line(head, 'th')}${rows.map((cells) => line(cells, 'td')).join('')}</table></div>`;
}

const verdicts = new Set(['met', 'missed', 'unknown', 'reached', 'not yet']);

const cellText = (cell: string): string =>
  verdicts.has(cell) ? `<span class="${cell.replace(' ', '-')}">${cell}</span>` : escaped(cell);

const idOf = (title: string): string => title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
