// The one place where values become SQL text. Parameters of the embedded engine are serialised in the whole process
// and mixed up by parallel queries, so hot queries carry literals; nothing else may build them.

/** A String literal: `'…'` with everything escaped that could end it or be read in another way. */
export function sqlText(value: string): string {
  return `'${wellFormed(value).replace(/[\\'\u0000-\u001f\u007f]/g, escapeOf)}'`;
}

/** A whole number that a double holds exactly. */
export function sqlInteger(value: number): string {
  if (!Number.isSafeInteger(value)) throw new Error(`not a safe integer: ${value}`);
  return String(value);
}

/** A moment, milliseconds since 1970, to compare with a DateTime64(3, 'UTC'). */
export const sqlMoment = (ms: number): string => `fromUnixTimestamp64Milli(${sqlInteger(ms)}, 'UTC')`;

/** `('a', 'b')`, for IN. Never empty: `IN ()` is no SQL. */
export function sqlTexts(values: readonly string[]): string {
  if (values.length === 0) throw new Error('an empty list cannot be written as SQL');
  return `(${values.map(sqlText).join(', ')})`;
}

/** Text without lone surrogates: they have no UTF-8 form, and the engine's JSON reader stops at them. */
export const wellFormed = (value: string): string => (value as string & Es2024Text).toWellFormed();

/** Every Node has it; the types of our language target do not yet. */
interface Es2024Text {
  toWellFormed(): string;
}

function escapeOf(character: string): string {
  if (character === '\\' || character === "'") return `\\${character}`;
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
