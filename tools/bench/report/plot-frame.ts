// What all plots share: the frame, colours for light, dark and paper, and how numbers are written. A plotting library would
// be a thousand times the code.

export const plotWidth = { half: 430, full: 880 } as const;

/** Kinds of process keep their colour through the whole report. */
const kinds = [
  'gateway',
  'session-actor',
  'group-actor',
  'history',
  'nats-server',
  'redis-server',
  'load',
] as const;

export const colorOf = (kind: string): string =>
  `c${Math.max(0, kinds.indexOf(kind as (typeof kinds)[number]))}`;

const light =
  '--paper:#fff;--ink:#1f2937;--dim:#6b7280;--grid:#e5e7eb;--c0:#2563eb;--c1:#ea580c;--c2:#0d9488;--c3:#7c3aed;--c4:#16a34a;--c5:#dc2626;--c6:#9ca3af;--good:#15803d;--bad:#c2410c';
const dark =
  '--paper:#0d1117;--ink:#e5e7eb;--dim:#9ca3af;--grid:#30363d;--c0:#60a5fa;--c1:#fb923c;--c2:#2dd4bf;--c3:#a78bfa;--c4:#4ade80;--c5:#f87171;--c6:#6b7280;--good:#4ade80;--bad:#fb923c';

/** Also of the page around inline plots. */
export const colors = `:root,svg.plot{${light}}@media screen and (prefers-color-scheme:dark){:root,svg.plot{${dark}}}`;

export const plotRules = [
  'svg.plot{font:12px system-ui,-apple-system,"Segoe UI",sans-serif}',
  'svg.plot text{fill:var(--ink)}svg.plot .dim{fill:var(--dim)}svg.plot .title{font-weight:600}',
  'svg.plot .paper{fill:var(--paper)}svg.plot .grid{stroke:var(--grid)}svg.plot .mark{stroke:var(--ink);stroke-dasharray:4 3}',
  ...[0, 1, 2, 3, 4, 5, 6].map(
    (at) => `svg.plot .c${at}{fill:var(--c${at})}svg.plot .l${at}{stroke:var(--c${at})}`,
  ),
  'svg.plot .good{fill:var(--good)}svg.plot .bad{fill:var(--bad)}svg.plot polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}',
].join('');

export function svg(
  title: string,
  { width, height, body }: { readonly width: number; readonly height: number; readonly body: string },
): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>${colors}${plotRules}</style>
<rect class="paper" width="100%" height="100%" rx="4"/>
${text(10, 20, title, { kind: 'title' })}
${body}
</svg>`;
}

export interface TextOptions {
  readonly kind?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
}

export const text = (x: number, y: number, content: string, { kind, anchor }: TextOptions = {}): string =>
  `<text x="${rounded(x)}" y="${rounded(y)}"${kind === undefined ? '' : ` class="${kind}"`}${anchor === undefined ? '' : ` text-anchor="${anchor}"`}>${escaped(content)}</text>`;

export const line = (from: readonly [number, number], to: readonly [number, number], kind: string): string =>
  `<line class="${kind}" x1="${rounded(from[0])}" y1="${rounded(from[1])}" x2="${rounded(to[0])}" y2="${rounded(to[1])}"/>`;

/** Coloured squares with names, in one row; goes on in the next when it is full. */
export function legend(
  entries: readonly { readonly label: string; readonly color: string }[],
  { x, y, width }: { readonly x: number; readonly y: number; readonly width: number },
): { readonly body: string; readonly height: number } {
  let [atX, atY] = [x, y];
  const parts = entries.map(({ label, color }) => {
    const needed = 26 + label.length * 6.4;
    if (atX > x && atX + needed > width) [atX, atY] = [x, atY + 16];
    const part = `<rect class="${color}" x="${rounded(atX)}" y="${atY - 9}" width="10" height="10" rx="2"/>${text(atX + 14, atY, label, { kind: 'dim' })}`;
    atX += needed;
    return part;
  });
  return { body: parts.join(''), height: atY - y + 16 };
}

/** 1, 2 or 5 times a power of ten, so that the axis has three to six marks. */
export function niceTicks(most: number): readonly number[] {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough)!;
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, index) => index * step);
}

export const shown = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));

export const escaped = (raw: string): string =>
  raw.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

const rounded = (value: number): string => String(Math.round(value * 10) / 10);
