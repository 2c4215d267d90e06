// The limits a tenant gives its groups. They come with CreateGroup and are kept by the group.
import type { ChangeWindow } from '../conversation/change-message.ts';
import { Diffusion } from '../conversation/diffusion.ts';

export interface GroupPolicy {
  /** Members at most. Above: refused with GROUP_FULL. */
  readonly membersMax: number;
  /** At this many members the group turns to read-diffusion … */
  readonly largeFrom: number;
  /** … and at or below this many back to write-diffusion. Smaller than `largeFrom`: hysteresis. */
  readonly smallTo: number;
  /** How long messages may be edited and recalled; absent: as the tenant has it. */
  readonly editWindow?: ChangeWindow;
  readonly recallWindow?: ChangeWindow;
}

/** For groups created without a policy. */
export const groupPolicy: GroupPolicy = { membersMax: 100_000, largeFrom: 500, smallTo: 400 };

export const isValidPolicy = (policy: GroupPolicy): boolean =>
  policy.membersMax >= 1 && policy.largeFrom >= 1 && policy.smallTo >= 0 && policy.smallTo < policy.largeFrom;

/** The diffusion a group of `count` members should have, coming from `current`. */
export function diffusionFor(current: Diffusion, count: number, policy: GroupPolicy): Diffusion {
  if (current === Diffusion.READ) return count <= policy.smallTo ? Diffusion.WRITE : Diffusion.READ;
  return count >= policy.largeFrom ? Diffusion.READ : Diffusion.WRITE;
}
