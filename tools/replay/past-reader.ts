// Reads a conversation's past through the history service of a cluster, as admins do: every question is in its audit.
import { setTimeout as delay } from 'node:timers/promises';
import type { LogMessage } from '@parley/domain';
import { fromWireMessage, internal, type parley, subjects } from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import { askAdmin } from '../past/admin-questions.ts';
import { Unreachable } from '../verify/sources.ts';

export interface PastState {
  readonly head: number;
  readonly title: string;
  readonly diffusion: number;
  readonly isDismissed: boolean;
  readonly policy:
    { readonly membersMax: number; readonly largeFrom: number; readonly smallTo: number } | undefined;
  readonly memberCount: number;
  readonly members: readonly {
    readonly user: string;
    readonly role: number;
    readonly mutedUntilMs: number;
  }[];
}

export interface PastReaderOptions {
  readonly messenger: Messenger;
  readonly tenant: string;
  readonly conversation: string;
  /** As in AdminRequest. */
  readonly by: string;
}

const pageLimitMs = 10_000;
const pageSequences = 500;
const pollMs = 250;

export class PastReader {
  readonly #options: PastReaderOptions;

  constructor(options: PastReaderOptions) {
    this.#options = options;
  }

  /** What the conversation was, with all its members. Neither: now. Undefined: there was none then. */
  async asOf(moment: { readonly atMs?: number; readonly sequence?: number }): Promise<PastState | undefined> {
    const members: PastState['members'][number][] = [];
    let membersAfter = '';
    for (;;) {
      const { messenger, tenant, by, conversation } = this.#options;
      const answer = await askAdmin(
        messenger,
        { tenant, by },
        {
          conversationAsOf: { conversation, ...moment, membersAfter, limit: 1_000 },
        },
      );
      if (answer.error?.code === 'CONVERSATION_NOT_FOUND') return undefined;
      if (answer.error)
        throw new Unreachable(`history refuses: ${answer.error.code} ${answer.error.message ?? ''}`);
      const one = new internal.ConversationAsOf(answer.conversationAsOf ?? {});
      for (const { user, role, mutedUntilMs } of one.members)
        members.push({ user: user ?? '', role: role ?? 0, mutedUntilMs: mutedUntilMs ?? 0 });
      membersAfter = one.nextMembers;
      if (membersAfter !== '') continue;
      const { head, title, diffusion, isDismissed, memberCount, policy } = one;
      return { head, title, diffusion, isDismissed, memberCount, members, policy: policyOf(policy) };
    }
  }

  /** The log from `from` to `to`, both included; waits until history has it. Throws Unreachable. */
  async log(from: number, to: number, waitMs: number): Promise<LogMessage[]> {
    const deadline = performance.now() + waitMs;
    const log: LogMessage[] = [];
    while (from + log.length <= to) {
      const first = from + log.length;
      const page = await this.#page(first, Math.min(to, first + pageSequences - 1));
      log.push(...page);
      if (page.length > 0) continue;
      if (performance.now() > deadline) throw new Unreachable(`history has not come to sequence ${first}`);
      await delay(pollMs);
    }
    return log;
  }

  async #page(from: number, to: number): Promise<LogMessage[]> {
    const { messenger, tenant, conversation } = this.#options;
    const request = internal.HistoryPageRequest.encode({ tenant, conversation, from, to }).finish();
    const result = await messenger.request(subjects.history('page'), request, pageLimitMs);
    if (result.outcome !== 'answered') throw new Unreachable(`history does not answer (${result.outcome})`);
    const { messages, error } = internal.HistoryPageAnswer.decode(result.bytes);
    if (error) throw new Unreachable(`history refuses: ${error.code ?? ''}`);
    return messages.map((message) => {
      if (message.system?.expired)
        throw new Unreachable(`retention has deleted sequence ${message.sequence}: choose a later window`);
      return fromWireMessage(message as parley.v1.Message);
    });
  }
}

const policyOf = (policy: parley.internal.v1.IGroupPolicy | null | undefined): PastState['policy'] =>
  policy
    ? { membersMax: policy.membersMax ?? 0, largeFrom: policy.largeFrom ?? 0, smallTo: policy.smallTo ?? 0 }
    : undefined;
