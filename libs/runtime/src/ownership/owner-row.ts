// The row of a shard in the owners bucket, and the entry of a process in the members bucket, as they are stored.
// JSON: they are few, small, and operators read them.

export interface OwnerRow {
  /** Node that owns the shard; null while nobody does. The revision of the row at the claim is the epoch. */
  readonly owner: string | null;
  /** Node that ought to own it; the allocator's word. */
  readonly target: string | null;
}

export interface MemberEntry {
  readonly nodeId: string;
  readonly kind: string;
  /** 'leaving': gives its shards away and gets no new ones. */
  readonly state: 'up' | 'leaving';
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const encodeRow = (row: OwnerRow | MemberEntry): Uint8Array => encoder.encode(JSON.stringify(row));

/** Undefined for anything that is not a row. */
export function decodeOwnerRow(bytes: Uint8Array): OwnerRow | undefined {
  const value = parse(bytes);
  if (value === undefined) return undefined;
  return { owner: textOrNull(value['owner']), target: textOrNull(value['target']) };
}

export function decodeMember(bytes: Uint8Array): MemberEntry | undefined {
  const value = parse(bytes);
  if (typeof value?.['nodeId'] !== 'string' || typeof value['kind'] !== 'string') return undefined;
  return {
    nodeId: value['nodeId'],
    kind: value['kind'],
    state: value['state'] === 'leaving' ? 'leaving' : 'up',
  };
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

function parse(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
