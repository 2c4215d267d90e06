// What a question is asked with: texts from a URL, as numbers and words that may stand in SQL.
import { BadRequest } from '../reading/bad-request.ts';
import type { ParameterDescription } from './questions.ts';

export interface Parameters {
  readonly [name: string]: number | string | undefined;
  readonly from?: number;
  readonly to?: number;
}

/** The end of DateTime, the year 2106. */
const timeMsMax = 2 ** 32 * 1_000 - 1;

/** Throws BadRequest on what is missing, unknown, or out of its range. */
export function parametersOf(
  descriptions: readonly ParameterDescription[],
  given: ReadonlyMap<string, string>,
  nowMs: number,
): Parameters {
  const known = new Set(descriptions.map(({ name }) => name));
  for (const name of given.keys())
    if (!known.has(name)) refuse(`the question has no parameter ${name.slice(0, 64)}`);
  const values: Record<string, number | string> = {};
  // `to` first: other times are told from it.
  const inOrder = [...descriptions].sort(
    (one, other) => Number(other.name === 'to') - Number(one.name === 'to'),
  );
  for (const description of inOrder) {
    const text = given.get(description.name);
    const { name, byDefault } = description;
    if (text !== undefined && text !== '') values[name] = valueOf(description, text);
    else if (byDefault === undefined) refuse(`${name} is required`);
    else if (description.type === 'time')
      values[name] = Math.max(0, (name === 'to' ? nowMs : Number(values['to'])) - Number(byDefault));
    else values[name] = byDefault;
  }
  const { from, to } = values as Parameters;
  if (from !== undefined && to !== undefined && from >= to) refuse('from must be before to');
  return values;
}

function valueOf(
  { name, type, choices = [], min, max }: ParameterDescription,
  text: string,
): number | string {
  if (type === 'conversation') return text;
  if (type === 'choice')
    return choices.includes(text) ? text : refuse(`${name} is one of ${choices.join(', ')}`);
  if (type === 'time') {
    const ms = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text);
    if (Number.isSafeInteger(ms) && ms >= 0 && ms <= timeMsMax) return ms;
    return refuse(`${name} is a time: 2026-11-21, 2026-11-21T12:00:00Z or milliseconds since 1970`);
  }
  const number = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(number) && number >= (min ?? 0) && number <= (max ?? Infinity)) return number;
  return refuse(`${name} is a whole number from ${min ?? 0} to ${max ?? 'any'}`);
}

function refuse(message: string): never {
  throw new BadRequest('BAD_REQUEST', message);
}
