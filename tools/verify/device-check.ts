// A device's copy of one conversation against what the cluster has.
import type { ConversationTruth } from './conversation-truth.ts';
import type { DeviceCopy } from './device-copy.ts';
import type { Findings } from './findings.ts';

/**
 * `digestAt`: what the cluster has at a sequence, journal and history together. A synced device must have everything its
 * user may see up to the beginning; a file is believed to end where it ends.
 */
export function checkDevice(
  device: DeviceCopy,
  conversation: ConversationTruth,
  digestAt: (sequence: number) => string | undefined,
  findings: Findings,
): void {
  const copy = device.conversations.get(conversation.id) ?? new Map<number, string>();
  const { place, head, membership } = conversation;
  const add = (
    code: 'device-missing' | 'device-different' | 'device-doubled' | 'device-extra',
    what: string,
    sequence: number,
  ) => findings.add(code, place, `${device.name} ${what}`, sequence);
  const spans = device.user === undefined ? undefined : (membership.spans.get(device.user) ?? []);
  if (spans?.length === 0 && copy.size === 0) return;
  const isVisible = (sequence: number): boolean =>
    spans === undefined || spans.some(({ from, to }) => sequence >= from && (to === 0 || sequence <= to));

  let through = 0;
  for (const sequence of copy.keys()) through = Math.max(through, sequence);
  for (const [sequence, digest] of copy) {
    findings.compared.device_messages++;
    const expected = digestAt(sequence);
    if (sequence > head) add('device-extra', 'has what the cluster does not have', sequence);
    else if (!isVisible(sequence)) add('device-extra', 'has what its user may not see', sequence);
    else if (digest === '' || expected === undefined || digest === expected) continue;
    // Changed since the device got it, or before the journal was read to the end.
    else if (!conversation.hasBeen(sequence, digest, through))
      add('device-different', 'has something else than the cluster', sequence);
  }
  for (const one of device.doubled)
    if (one.conversation === conversation.id) add('device-doubled', 'has it twice', one.sequence);

  // What a file ends with is all that its device claims to have.
  let first = spans === undefined ? Infinity : 1;
  let last = spans === undefined ? 0 : (conversation.headAtStart ?? 0);
  for (const sequence of copy.keys()) {
    first = Math.min(first, sequence);
    last = Math.max(last, sequence);
  }
  for (let sequence = first; sequence <= Math.min(last, head); sequence++)
    if (!copy.has(sequence) && isVisible(sequence)) add('device-missing', 'lacks it', sequence);
}
