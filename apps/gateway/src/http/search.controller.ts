// Text search in what the asker may read.
import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { parseConversation, type parley } from '@parley/protocol';
import type { z } from 'zod';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { type OwnView, isGoneIn } from '../sync/own-view.ts';
import { ApiError } from './api-error.ts';
import { AskerRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import { mustOwnViews } from './entity-questions.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { mustBeWithin } from './rate-limits.ts';
import { searchAnswer, searchQuery } from './schemas.ts';
import { messageJson } from './wire-json.ts';
import { ZodPipe } from './zod-pipe.ts';

type Answer = z.infer<typeof searchAnswer>;

@ApiTags('search')
@Controller('v1/search')
export class SearchController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Get()
  @AskerRoute({ summary: 'Find messages', query: searchQuery, answer: searchAnswer })
  async search(
    @Asker() asker: VerifiedToken,
    @Query(new ZodPipe(searchQuery)) query: z.infer<typeof searchQuery>,
  ): Promise<Answer> {
    const { rates, settings, search, sealing } = this.ports;
    // Better no answer than one that looks whole and has only what was written before.
    if (sealing?.seals(asker.tenant)) throw new ApiError('CONTENT_SEALED');
    await mustBeWithin(rates, settings.limits.searchesPerUser, `${asker.tenant}/${asker.user}`);
    for (const conversation of query.conversation) mustBeIn(asker.user, conversation);
    const request = {
      tenant: asker.tenant,
      user: asker.user,
      text: query.q,
      conversations: query.conversation,
      sender: query.sender ?? '',
      kinds: query.kind,
      hasAttachment: query.hasAttachment,
      mentionsMe: query.mentionsMe,
      fromMs: query.sentAfter,
      toMs: query.sentBefore,
      sort: query.sort,
      limit: query.limit,
      cursor: query.before,
    };
    const result = await search.search(request, settings.limits.searchTimeoutMs);
    if (!result.ok) throw new ApiError(result.error.code, result.error.message);
    const answer = result.value;
    const views = await mustOwnViews(this.ports, asker);
    return {
      hits: (answer.hits ?? []).filter(isShown(views)).map((hit) => ({
        message: messageJson(hit.message ?? {}) as Answer['hits'][number]['message'],
        snippet: hit.snippet ?? '',
        highlights: (hit.highlights ?? []).map(({ start, end }) => ({ start: start ?? 0, end: end ?? 0 })),
      })),
      next: answer.nextCursor ? answer.nextCursor : null,
      completeThrough: (answer.completeThrough ?? []).map((one) => ({
        conversation: one.conversation ?? '',
        sequence: one.sequence ?? 0,
      })),
      completeThroughMs: answer.completeThroughMs ?? 0,
    };
  }
}

/** What the asker has deleted for themself is found by nobody else's word either: such hits are left out of their page. */
function isShown(views: readonly OwnView[]): (hit: parley.internal.v1.SearchHit.$Properties) => boolean {
  const byConversation = new Map(views.map((view) => [view.conversation ?? '', view]));
  return ({ message }) => !isGoneIn(byConversation.get(message?.conversation ?? ''), message?.sequence ?? 0);
}

/** The id of a direct conversation names its members. Who is, or was, in a group only the history service knows. */
function mustBeIn(user: string, conversation: string): void {
  const parsed = parseConversation(conversation);
  if (parsed?.type !== 'direct' || parsed.first === user || parsed.second === user) return;
  throw new ApiError('NOT_A_MEMBER');
}
