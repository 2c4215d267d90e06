// Two kinds of plots as SVG text: bars to compare, lines over time. A plotting library would be a thousand times the code.

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Drawn paler: what the others are compared with. */
  readonly isFloor?: boolean;
}

export interface Line {
  readonly label: string;
  readonly values: readonly (number | null)[];
}

const width = 720;
const colors = ['#2563eb', '#dc2626', '#059669', '#d97706', '#7c3aed', '#0891b2'];
const text = 'font-family="system-ui, sans-serif" font-size="12" fill="#334155"';

export function barPlot(title: string, bars: readonly Bar[], unit: string): string {
  const rowHeight = 26;
  const left = 170;
  const room = width - left - 130;
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const rows = bars.map(({ label, value, isFloor }, index) => {
    const y = 34 + index * rowHeight;
    const length = Math.max(1, (value / most) * room);
    return [
      `<text x="${left - 8}" y="${y + 14}" text-anchor="end" ${text}>${escaped(label)}</text>`,
      `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="18" fill="${isFloor ? '#cbd5e1' : colors[0]}"/>`,
      `<text x="${(left + length + 6).toFixed(1)}" y="${y + 14}" ${text}>${shown(value)} ${escaped(unit)}</text>`,
    ].join('');
  });
  return svg(title, 44 + bars.length * rowHeight, rows.join('\n'));
}

export function linePlot(title: string, lines: readonly Line[], unit: string): string {
  const height = 220;
  const [left, right, top, bottom] = [70, 20, 40, 30];
  const most = Math.max(
    ...lines.flatMap(({ values }) => values.map((value) => value ?? 0)),
    Number.MIN_VALUE,
  );
  const longest = Math.max(...lines.map(({ values }) => values.length), 2);
  const x = (index: number): number => left + (index / (longest - 1)) * (width - left - right);
  const y = (value: number): number => height - bottom - (value / most) * (height - top - bottom);
  const grid = [0, 0.5, 1].map((share) => {
    const at = y(share * most);
    return `<line x1="${left}" y1="${at}" x2="${width - right}" y2="${at}" stroke="#e2e8f0"/><text x="${left - 6}" y="${at + 4}" text-anchor="end" ${text}>${shown(share * most)}</text>`;
  });
  const drawn = lines.map(({ label, values }, index) => {
    const points = values
      .map((value, at) => (value === null ? '' : `${x(at).toFixed(1)},${y(value).toFixed(1)}`))
      .filter((point) => point !== '');
    const color = colors[index % colors.length];
    return `<polyline fill="none" stroke="${color}" stroke-width="1.5" points="${points.join(' ')}"/><text x="${left + index * 180}" y="${height - 8}" ${text}><tspan fill="${color}">■</tspan> ${escaped(label)}</text>`;
  });
  return svg(`${title}, ${unit}, by second`, height, [...grid, ...drawn].join('\n'));
}

const svg = (title: string, height: number, body: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="12" y="20" font-weight="bold" ${text}>${escaped(title)}</text>
${body}
</svg>`;

export const shown = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));

export const escaped = (raw: string): string =>
  raw.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
