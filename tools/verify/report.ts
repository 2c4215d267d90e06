// Findings as figures, and as text for people.
import { type DifferenceCode, type Findings, differenceCodes } from './findings.ts';

/** The JSON line. */
export type Figures = Findings['compared'] & {
  /** Sequences, positions and entities that differ. */
  readonly differences: number;
  readonly codes: Readonly<Partial<Record<DifferenceCode, number>>>;
  /** The first ones. */
  readonly found: readonly {
    readonly code: DifferenceCode;
    readonly tenant: string;
    readonly subject: string;
    readonly sequences: string;
    readonly what: string;
  }[];
  /** What did not answer. */
  readonly unverified: readonly string[];
  readonly seconds: number;
};

const foundMax = 100;
const linesMax = 200;

export function figuresOf(findings: Findings, seconds: number): Figures {
  const found = findings.differences.slice(0, foundMax).map((one) => ({
    code: one.code,
    tenant: one.tenant,
    subject: one.subject,
    sequences: one.sequences.toString(),
    what: one.what,
  }));
  return {
    ...findings.compared,
    differences: findings.total,
    codes: Object.fromEntries(findings.counts),
    found,
    unverified: findings.unverified,
    seconds,
  };
}

export function tellFindings(findings: Findings, figures: Figures): string {
  const lines: string[] = [];
  const all = findings.differences;
  for (const { code, tenant, subject, sequences, what } of all.slice(0, linesMax)) {
    const numbers = sequences.size === 0 ? '' : ` #${sequences.toString()}`;
    lines.push(`${code.padEnd(18)} ${tenant === '' ? '' : `${tenant} `}${subject}${numbers}: ${what}`);
  }
  if (all.length > linesMax) lines.push(`… and ${all.length - linesMax} more`);
  for (const what of figures.unverified) lines.push(`not verified       ${what}`);
  if (lines.length > 0) lines.push('');
  for (const [code, count] of findings.counts) lines.push(`${count} ${code}: ${differenceCodes[code]}`);
  const { conversations, messages, inboxes, records, history_messages, live_answers, snapshots } = figures;
  lines.push(
    `compared: ${conversations} conversations with ${messages} messages, ${inboxes} inboxes; ` +
      `${records} journal records, ${snapshots} snapshots, ${live_answers} answers of actors, ` +
      `${history_messages} messages of ClickHouse, ${figures.device_messages} of devices, in ${figures.seconds} s`,
    figures.differences > 0
      ? `${figures.differences} differences`
      : figures.unverified.length > 0
        ? 'no difference in what could be compared'
        : 'no difference',
  );
  return `${lines.join('\n')}\n`;
}
