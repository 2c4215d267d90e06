// The asker's conversations, and pages of their messages.
import { inParallel } from '@parley/std';
import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { parley } from '@parley/protocol';
import { parseConversation, wire } from '@parley/protocol';
import type { z } from 'zod';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { ApiError } from './api-error.ts';
import { AskerRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import { ask } from './entity-questions.ts';
import type { HistoryRequest } from './history-reader.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import {
  conversationId,
  conversationList,
  messagePage,
  messagePageQuery,
  pinnedMessages,
} from './schemas.ts';
import { diffusionWord, messageJson } from './wire-json.ts';
import { ZodPipe } from './zod-pipe.ts';

/** A page that is asked for at no place: the newest. */
const nowhere = { before: 0, after: 0, around: 0, atMs: 0 } as const;

type Conversation = parley.v1.Conversation.$Properties;

@ApiTags('conversations')
@Controller('v1/conversations')
export class ConversationsController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Get()
  @AskerRoute({ summary: 'My conversations', answer: conversationList })
  async list(@Asker() asker: VerifiedToken): Promise<z.infer<typeof conversationList>> {
    const address = { type: 'user', tenant: asker.tenant, id: asker.user };
    const answer = await ask(this.ports, address, { conversations: {} }, 'conversations');
    const atOnceMax = this.ports.settings.limits.questionsAtOnceMax;
    const conversations = await inParallel(answer.conversations ?? [], atOnceMax, async (one) =>
      conversationJson(await this.#withHead(asker, one)),
    );
    return { inboxPosition: answer.position ?? 0, conversations };
  }

  @Get(':conversation/messages')
  @AskerRoute({
    summary: 'A page of messages, rising; the newest ones when no place is given',
    params: ['conversation'],
    query: messagePageQuery,
    answer: messagePage,
  })
  async messages(
    @Asker() asker: VerifiedToken,
    @Param('conversation', new ZodPipe(conversationId, 'BAD_ID')) conversation: string,
    @Query(new ZodPipe(messagePageQuery)) query: z.infer<typeof messagePageQuery>,
  ): Promise<z.infer<typeof messagePage>> {
    const page = await this.#page(asker, { conversation, ...query });
    return {
      conversation,
      messages: (page.messages ?? []).map(messageJson) as z.infer<typeof messagePage>['messages'],
      head: page.head ?? 0,
      more: page.more ?? false,
      firstVisible: page.firstVisible ?? 0,
      pinned: page.pinned ?? [],
      ...(query.around > 0 || query.atMs > 0
        ? { around: page.around, moreBefore: page.moreBefore, moreAfter: page.moreAfter }
        : {}),
    };
  }

  @Get(':conversation/pins')
  @AskerRoute({ summary: 'The pinned messages', params: ['conversation'], answer: pinnedMessages })
  async pins(
    @Asker() asker: VerifiedToken,
    @Param('conversation', new ZodPipe(conversationId, 'BAD_ID')) conversation: string,
  ): Promise<z.infer<typeof pinnedMessages>> {
    const { pinned } = await this.#page(asker, { ...nowhere, conversation, limit: 1 });
    const atOnceMax = this.ports.settings.limits.questionsAtOnceMax;
    const pages = await inParallel(pinned, atOnceMax, (around) =>
      this.#page(asker, { ...nowhere, conversation, around, limit: 1 }),
    );
    const messages = pages.flatMap((page) => page.messages).map((each) => messageJson(each));
    return { messages: messages as z.infer<typeof pinnedMessages>['messages'] };
  }

  async #page(asker: VerifiedToken, request: HistoryRequest): Promise<parley.v1.HistoryPage> {
    const result = await this.ports.history.page(asker, request);
    if (!result.ok) throw new ApiError(result.error.code, result.error.message);
    return result.value;
  }

  /** Large groups write no inbox, so the group itself is asked; when it is away, what the user entity knows. */
  async #withHead(asker: VerifiedToken, one: Conversation): Promise<Conversation> {
    const group = parseConversation(one.conversation ?? '');
    if (one.diffusion !== wire.Diffusion.DIFFUSION_READ || one.left || group?.type !== 'group') return one;
    const address = { type: 'group', tenant: asker.tenant, id: group.id };
    const result = await this.ports.queries.ask(address, {
      head: { reader: asker.user, read: one.read },
    });
    if (!result.ok) return one;
    const head = Math.max(one.head ?? 0, result.value.head?.head ?? 0);
    const unread = Math.max(0, head - (one.read ?? 0) - (one.uncounted?.length ?? 0));
    return { ...one, head, unread, unreadMentions: result.value.head?.mentioned?.length ?? 0 };
  }
}

const settingsJson = (settings: parley.v1.ConversationSettings.$Properties) => ({
  doNotDisturbUntilMs: settings.doNotDisturbUntilMs ?? 0,
  pinned: settings.pinned ?? false,
  hidden: settings.hidden ?? false,
  markedUnread: settings.markedUnread ?? false,
});
const conversationJson = (one: Conversation) => ({
  conversation: one.conversation ?? '',
  title: one.title ?? '',
  head: one.head ?? 0,
  read: one.read ?? 0,
  unread: one.unread ?? 0,
  unreadMentions: one.unreadMentions ?? 0,
  firstVisible: one.firstVisible ?? 0,
  diffusion: diffusionWord(one.diffusion),
  peerRead: one.peerRead ?? 0,
  peerDelivered: Math.max(one.peerDelivered ?? 0, one.peerRead ?? 0),
  left: one.left ?? 0,
  ...(one.settings && { settings: settingsJson(one.settings) }),
  ...(one.clearedThrough && { clearedThrough: one.clearedThrough }),
});
