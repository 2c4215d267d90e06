// Asks conversations how far they have come. The user entity does not know for super-large groups, because their messages
// never touch an inbox.
import { type ErrorName, errorCodes, parseConversation, type parley, wire } from '@parley/protocol';
import { inParallel, type Result, err, ok } from '@parley/std';
import type { Identity } from '../auth/token-verifier.ts';
import type { EntityQuery } from '../query/entity-query.ts';

type Conversation = parley.v1.Conversation.$Properties;

export interface Head {
  readonly head: number;
  readonly isMember: boolean;
  /** Empty where the owner says none. */
  readonly title: string;
  /** Unread sequences that mention the asker; of groups. */
  readonly mentioned: readonly number[];
}

export interface HeadFailure {
  readonly code: ErrorName;
  readonly isRetryable: boolean;
}

export class ConversationHeads {
  readonly #queries: EntityQuery;
  readonly #questionsAtOnceMax: number;

  constructor(queries: EntityQuery, questionsAtOnceMax: number) {
    this.#queries = queries;
    this.#questionsAtOnceMax = questionsAtOnceMax;
  }

  /** `read`: the asker's read pointer; without it `mentioned` has no meaning. */
  async ask(asker: Identity, conversation: string, read = 0): Promise<Result<Head, HeadFailure>> {
    const address = parseConversation(conversation);
    if (address === undefined) return err({ code: 'BAD_ID', isRetryable: false });
    const answer = await this.#queries.ask(
      { type: address.type, tenant: asker.tenant, id: address.id },
      { head: { reader: asker.user, read } },
    );
    if (!answer.ok) return err({ code: answer.error, isRetryable: errorCodes[answer.error].retryable });
    const { head, isMember, title, mentioned } = answer.value.head ?? {};
    return ok({
      head: head ?? 0,
      isMember: isMember ?? false,
      title: title ?? '',
      mentioned: mentioned ?? [],
    });
  }

  /** Sets head, unread, mentions and title of the large groups. `unknown`: groups nobody could ask about now. */
  async fill(
    asker: Identity,
    conversations: readonly Conversation[],
  ): Promise<{ conversations: Conversation[]; unknown: string[] }> {
    const unknown: string[] = [];
    const filled = await inParallel(conversations, this.#questionsAtOnceMax, async (each) => {
      if (!isLarge(each)) return each;
      const asked = await this.ask(asker, each.conversation ?? '', each.read ?? 0);
      if (asked.ok) {
        const { head, title } = asked.value;
        const unread = Math.max(0, head - (each.read ?? 0) - (each.uncounted?.length ?? 0));
        // The group does not know what the user has deleted for themself.
        const mentioned = asked.value.mentioned.filter(
          (sequence) => each.deleted?.includes(sequence) !== true,
        );
        const counted = { head, unread, mentioned, unreadMentions: mentioned.length };
        return { ...each, ...counted, title: title || (each.title ?? ''), settings: settingsAt(each, head) };
      }
      if (asked.error.isRetryable) unknown.push(each.conversation ?? '');
      return each;
    });
    return { conversations: filled, unknown };
  }
}

/** The user entity sees no messages of a large group: a newer one brings the conversation back here. */
function settingsAt({ settings }: Conversation, head: number): Conversation['settings'] {
  if (!settings?.hidden || head <= (settings.hiddenThrough ?? 0)) return settings;
  return { ...settings, hidden: false, hiddenThrough: 0 };
}

/** A super-large group the user is a member of: its messages come by its live topic, not by the inbox. */
export const isLarge = ({ diffusion, left }: Conversation): boolean =>
  diffusion === wire.Diffusion.DIFFUSION_READ && !left;
