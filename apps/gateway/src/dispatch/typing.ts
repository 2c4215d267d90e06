// typing: a hint for the other members who are connected now. Relayed to the user entities of a direct's peer, or of a
// small group's members; larger groups and read-diffusion groups hear nothing.
import { parseConversation, peerOf, wire } from '@parley/protocol';
import { type Result, err, ok } from '@parley/std';
import type { ErrorName } from '@parley/protocol';
import { LRUCache } from 'lru-cache';
import type { Identity } from '../auth/token-verifier.ts';
import type { EntityQuery } from '../query/entity-query.ts';
import type { Signals } from './signals.ts';

export interface TypingParts {
  readonly queries: EntityQuery;
  readonly signals: Signals;
  readonly limits: { readonly typingMembersMax: number; readonly typingMembersMs: number };
}

/** Groups whose members are remembered for a moment. */
const groupsMax = 5_000;

export class TypingRelay {
  readonly #parts: TypingParts;
  readonly #members: LRUCache<string, readonly string[]>;

  constructor(parts: TypingParts) {
    this.#parts = parts;
    this.#members = new LRUCache({ max: groupsMax, ttl: parts.limits.typingMembersMs });
  }

  /** Errors: BAD_ID, NOT_A_MEMBER, and whatever keeps the group's owner from answering. */
  async tell(typist: Identity, conversation: string): Promise<Result<void, ErrorName>> {
    const address = parseConversation(conversation);
    if (address === undefined) return err('BAD_ID');
    const payload = wire.ServerFrame.encode({ typingNotice: { conversation, user: typist.user } }).finish();
    if (address.type === 'direct') {
      if (address.first !== typist.user && address.second !== typist.user) return err('NOT_A_MEMBER');
      this.#parts.signals.relay(typist.tenant, [peerOf(address, typist.user)], payload);
      return ok(undefined);
    }
    const members = await this.#membersOf(typist, address.id);
    if (!members.ok) return members;
    if (members.value.length > 0 && !members.value.includes(typist.user)) return err('NOT_A_MEMBER');
    const others = members.value.filter((member) => member !== typist.user);
    if (others.length > 0) this.#parts.signals.relay(typist.tenant, others, payload);
    return ok(undefined);
  }

  /** Empty for a group that is too large to be told. */
  async #membersOf(typist: Identity, group: string): Promise<Result<readonly string[], ErrorName>> {
    const key = `${typist.tenant}/${group}`;
    const known = this.#members.get(key);
    if (known !== undefined) return ok(known);
    const limit = this.#parts.limits.typingMembersMax;
    const address = { type: 'group', tenant: typist.tenant, id: group };
    const answer = await this.#parts.queries.ask(address, { members: { reader: typist.user, limit } });
    if (!answer.ok) return answer;
    const { members, more, diffusion } = answer.value.members ?? {};
    const isLarge = (more ?? false) || diffusion === wire.Diffusion.DIFFUSION_READ;
    const users = isLarge ? [] : (members ?? []).map(({ user }) => user ?? '');
    this.#members.set(key, users);
    return ok(users);
  }
}
