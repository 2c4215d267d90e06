// A small mapping between the domain's values and protobuf messages, for everything that is not hot.
//
// The names are the same on both sides (a domain type `MemberLeft` is the oneof member `memberLeft`, fields have equal
// names), so a domain value encodes as it is: the generated code takes the fields it knows from any object. Decoded
// messages are the other way round: they carry defaults on their prototype. A shape lists the fields of a domain type
// and copies them into a plain object that shares nothing with the input; a field that is missing in a shape does not
// compile.

/** How each field is copied from a decoded message. */
export type Shape<T> = { readonly [K in Exclude<keyof T, 'type'>]-?: (value: never) => T[K] };

/** A decoded message, of which the generated types do not know that every field has at least its default. */
export type Decoded<P> = { readonly [K in keyof P]-?: Exclude<P[K], null | undefined> };
export const decoded = <P extends object>(message: P): Decoded<P> => message as Decoded<P>;

type Copy = (value: unknown) => unknown;

/** A number, text or flag as it is. */
export const plain = <T>(value: T): T => value;

/** What is not set leaves no key behind: 0, false, an empty text, and null of a field with presence. */
export function orAbsent<T extends number | boolean | string>(value: T | null | undefined): T | undefined {
  return value ? value : undefined;
}

/** Of a field with presence: 0, false and an empty text are values. */
export const ifSet = <T>(value: T | null | undefined): T | undefined => value ?? undefined;

/** A list of those. */
export const list = <T>(values: readonly T[]): T[] => values.slice();

/** A list that leaves no key behind when it is empty. */
export const listOrNothing = <T>(values: readonly T[]): T[] | undefined =>
  values.length === 0 ? undefined : values.slice();

/** Makes plain objects of a shape; the shape is taken apart once. Absent optional messages leave no key behind. */
export function copier<T>(shape: Shape<T>, type?: string): (message: object) => T {
  const fields = Object.entries(shape) as [string, Copy][];
  return (message) => {
    const copy: Record<string, unknown> = type === undefined ? {} : { type };
    for (const [field, copyField] of fields) {
      const value = copyField((message as Record<string, unknown>)[field]);
      if (value !== undefined) copy[field] = value;
    }
    return copy as T;
  };
}

/** An empty list leaves no key behind. */
export const listOrAbsent = <T>(values: readonly T[]): T[] | undefined =>
  values.length === 0 ? undefined : values.slice();

/** A list of messages. */
export function listOf<T>(shape: Shape<T>): (messages: readonly object[]) => T[] {
  const copy = copier(shape);
  return (messages) => messages.map(copy);
}

/** A message that may be absent. */
export function optional<T>(shape: Shape<T>): (message: object | null | undefined) => T | undefined {
  const copy = copier(shape);
  return (message) => (message === null || message === undefined ? undefined : copy(message));
}

/** A message that is always there in what we write; its absence is not ours to repair. */
export function required<T>(shape: Shape<T>): (message: object | null | undefined) => T {
  const copy = copier(shape);
  return (message) => {
    if (message === null || message === undefined) throw new RangeError('a required message is absent');
    return copy(message);
  };
}

/** The shapes of all types of a union, by the name of the type. */
export type Shapes<T extends { readonly type: string }> = {
  readonly [K in T['type']]: Shape<Extract<T, { readonly type: K }>>;
};

export interface OneOf<T extends { readonly type: string }> {
  /** `{ [member]: value }`, as the generated code encodes it. */
  wrap(value: T): Record<string, T>;
  /** The value of the member that is set; throws when none is, or one this process does not know. */
  unwrap(message: object): T;
}

/** A union of domain types as a protobuf oneof. */
export function oneOf<T extends { readonly type: string }>(name: string, shapes: Shapes<T>): OneOf<T> {
  const types = Object.keys(shapes) as T['type'][];
  const members = new Map(types.map((type) => [type, memberOf(type)]));
  const copiers = types.map((type) => ({
    member: memberOf(type),
    copy: copier(shapes[type] as Shape<T>, type),
  }));
  return {
    wrap(value) {
      const member = members.get(value.type);
      if (member === undefined) throw new RangeError(`${name}: no such type ${value.type}`);
      return { [member]: value };
    },
    unwrap(message) {
      for (const { member, copy } of copiers) {
        const set = (message as Record<string, object | null | undefined>)[member];
        if (set !== null && set !== undefined) return copy(set);
      }
      throw new RangeError(`${name}: no known member is set`);
    },
  };
}

/** `MemberLeft` → `memberLeft` */
const memberOf = (type: string): string => type.charAt(0).toLowerCase() + type.slice(1);
