// The report for a code host: tables, and plots as files beside it.
import type { Block } from './block.ts';

export const markdown = (blocks: readonly Block[]): string => `${blocks.map(blockText).join('\n\n')}\n`;

function blockText({ level, title, text, table, folded, plots }: Block): string {
  const parts = [
    title === undefined ? '' : `${'#'.repeat(level ?? 2)} ${title}`,
    text ?? '',
    table === undefined || table.rows.length === 0 ? '' : tableText(table),
    (plots ?? []).map(({ file, says }) => `![${says}](plots/${file})`).join('\n'),
  ].filter((part) => part !== '');
  const whole = parts.join('\n\n');
  return folded === undefined ? whole : `<details><summary>${folded}</summary>\n\n${whole}\n\n</details>`;
}

const tableText = ({ head, rows }: NonNullable<Block['table']>): string =>
  [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
