// For a tenant's admins: what was, who asked about it, how long it is kept and what must be kept longer. Every request is
// in the audit, also those that history refuses.
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { internal, wire } from '@parley/protocol';
import type { z } from 'zod';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import {
  auditJson,
  conversationAsOfJson,
  holdsJson,
  inboxAsOfJson,
  retentionJson,
  versionsJson,
} from './admin-json.ts';
import {
  auditAnswer,
  auditQuery,
  conversationAsOfAnswer,
  conversationAsOfQuery,
  erasureAnswer,
  erasureBody,
  holdBody,
  holdsAnswer,
  holdsQuery,
  inboxAsOfAnswer,
  inboxAsOfQuery,
  retentionAnswer,
  retentionBody,
  versionsAnswer,
  versionsQuery,
} from './admin-schemas.ts';
import { ApiError } from './api-error.ts';
import { AskerRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import type { AdminAnswer, AdminRequest } from './history-admin.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { mustBeNamed } from './named-users.ts';
import { conversationId, sequenceNumber, userId } from './schemas.ts';
import { erase } from '../sealing/erasure.ts';
import { ZodPipe } from './zod-pipe.ts';

const conversationParam = new ZodPipe(conversationId, 'BAD_ID');
const userParam = new ZodPipe(userId, 'BAD_ID');

@ApiTags('admin')
@Controller('v1/admin')
export class AdminController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Get('conversations/:conversation/as-of')
  @AskerRoute({
    summary: 'What a conversation was at a time or a sequence',
    params: ['conversation'],
    query: conversationAsOfQuery,
    answer: conversationAsOfAnswer,
  })
  async conversationAsOf(
    @Asker() asker: VerifiedToken,
    @Param('conversation', conversationParam) conversation: string,
    @Query(new ZodPipe(conversationAsOfQuery)) query: z.infer<typeof conversationAsOfQuery>,
  ) {
    return conversationAsOfJson(await this.#ask(asker, { conversationAsOf: { conversation, ...query } }));
  }

  @Get('conversations/:conversation/messages/:sequence/versions')
  @AskerRoute({
    summary: 'A message as it was sent, and every change of it',
    params: ['conversation', 'sequence'],
    query: versionsQuery,
    answer: versionsAnswer,
  })
  async versions(
    @Asker() asker: VerifiedToken,
    @Param('conversation', conversationParam) conversation: string,
    @Param('sequence', new ZodPipe(sequenceNumber)) sequence: number,
    @Query(new ZodPipe(versionsQuery)) query: z.infer<typeof versionsQuery>,
  ) {
    const answer = await this.#ask(asker, { messageVersions: { conversation, sequence, ...query } });
    return versionsJson(await this.#opened(asker.tenant, conversation, answer));
  }

  @Get('users/:user/inbox/as-of')
  @AskerRoute({
    summary: 'What a person’s inbox was at a time or a position: entries, conversations, read pointers',
    params: ['user'],
    query: inboxAsOfQuery,
    answer: inboxAsOfAnswer,
  })
  async inboxAsOf(
    @Asker() asker: VerifiedToken,
    @Param('user', userParam) user: string,
    @Query(new ZodPipe(inboxAsOfQuery)) query: z.infer<typeof inboxAsOfQuery>,
  ) {
    return inboxAsOfJson(await this.#ask(asker, { inboxAsOf: { user, ...query } }));
  }

  @Get('retention')
  @AskerRoute({ summary: 'How long this tenant keeps messages', answer: retentionAnswer })
  async retention(@Asker() asker: VerifiedToken) {
    return retentionJson(await this.#ask(asker, { retention: {} }));
  }

  @Put('retention')
  @AskerRoute({
    summary: 'Set it; what is deleted does not come back',
    body: retentionBody,
    answer: retentionAnswer,
  })
  async setRetention(
    @Asker() asker: VerifiedToken,
    @Body(new ZodPipe(retentionBody)) body: z.infer<typeof retentionBody>,
  ) {
    return retentionJson(await this.#ask(asker, { setRetention: body }));
  }

  @Post('erasures')
  @HttpCode(200)
  @AskerRoute({
    summary: 'Destroy the keys of what a person wrote, or of one message: nobody can read it again',
    body: erasureBody,
    answer: erasureAnswer,
  })
  async erase(
    @Asker() asker: VerifiedToken,
    @Body(new ZodPipe(erasureBody)) body: z.infer<typeof erasureBody>,
  ) {
    const { sealing } = this.ports;
    if (sealing?.covers(asker.tenant) !== true) {
      mustBeNamed(this.ports.settings, 'admins', asker);
      throw new ApiError(
        'NOT_SEALED',
        'This tenant does not seal its messages: there are no keys to destroy.',
      );
    }
    return erase(sealing, asker.tenant, { request: body, ask: (question) => this.#ask(asker, question) });
  }

  @Get('holds')
  @AskerRoute({ summary: 'Who and what is on legal hold', query: holdsQuery, answer: holdsAnswer })
  async holds(
    @Asker() asker: VerifiedToken,
    @Query(new ZodPipe(holdsQuery)) query: z.infer<typeof holdsQuery>,
  ) {
    return holdsJson(await this.#ask(asker, { holds: query }));
  }

  @Put('holds/users/:user')
  @HttpCode(204)
  @AskerRoute({
    summary: 'Keep all conversations of a person, whatever the retention',
    params: ['user'],
    body: holdBody,
  })
  async holdUser(
    @Asker() asker: VerifiedToken,
    @Param('user', userParam) id: string,
    @Body(new ZodPipe(holdBody)) { reason }: z.infer<typeof holdBody>,
  ): Promise<void> {
    await this.#ask(asker, { setHold: { kind: 'user', id, isHeld: true, reason } });
  }

  @Delete('holds/users/:user')
  @HttpCode(204)
  @AskerRoute({ summary: 'Release a person', params: ['user'] })
  async releaseUser(@Asker() asker: VerifiedToken, @Param('user', userParam) id: string): Promise<void> {
    await this.#ask(asker, { setHold: { kind: 'user', id, isHeld: false } });
  }

  @Put('holds/conversations/:conversation')
  @HttpCode(204)
  @AskerRoute({
    summary: 'Keep a conversation, whatever the retention',
    params: ['conversation'],
    body: holdBody,
  })
  async holdConversation(
    @Asker() asker: VerifiedToken,
    @Param('conversation', conversationParam) id: string,
    @Body(new ZodPipe(holdBody)) { reason }: z.infer<typeof holdBody>,
  ): Promise<void> {
    await this.#ask(asker, { setHold: { kind: 'conversation', id, isHeld: true, reason } });
  }

  @Delete('holds/conversations/:conversation')
  @HttpCode(204)
  @AskerRoute({ summary: 'Release a conversation', params: ['conversation'] })
  async releaseConversation(
    @Asker() asker: VerifiedToken,
    @Param('conversation', conversationParam) id: string,
  ): Promise<void> {
    await this.#ask(asker, { setHold: { kind: 'conversation', id, isHeld: false } });
  }

  @Get('audit')
  @AskerRoute({ summary: 'Who asked and changed what, newest first', query: auditQuery, answer: auditAnswer })
  async audit(
    @Asker() asker: VerifiedToken,
    @Query(new ZodPipe(auditQuery)) query: z.infer<typeof auditQuery>,
  ) {
    return auditJson(await this.#ask(asker, { audit: query }));
  }

  /** Versions as people saw them. */
  async #opened(tenant: string, conversation: string, answer: AdminAnswer): Promise<AdminAnswer> {
    const versions = answer.messageVersions?.versions ?? [];
    const elements = versions.map(({ element }) => new wire.Message(element ?? {}));
    const shown = await this.ports.sealing?.open(tenant, elements, conversation);
    if (shown === undefined) return answer;
    if (!shown.ok) throw new ApiError(shown.error);
    const opened = versions.map((version, index) => ({ ...version, element: shown.value[index]! }));
    return new internal.AdminAnswer({
      ...answer,
      messageVersions: { ...answer.messageVersions, versions: opened },
    });
  }

  async #ask(asker: VerifiedToken, body: Partial<AdminRequest>): Promise<AdminAnswer> {
    const { settings, admin } = this.ports;
    mustBeNamed(settings, 'admins', asker);
    const request = { tenant: asker.tenant, by: asker.user, ...body } as AdminRequest;
    const result = await admin.ask(request, settings.limits.adminTimeoutMs);
    if (!result.ok) throw new ApiError(result.error.code, result.error.message);
    return result.value;
  }
}
