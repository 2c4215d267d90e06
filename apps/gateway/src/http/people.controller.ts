// What the asker has to do with other persons: contacts, requests, blocks. The asker's user entity decides; the devices
// learn of every change by their inbox.
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { internal } from '@parley/protocol';
import type { z } from 'zod';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { ApiError, mustBeDone } from './api-error.ts';
import { AskerRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import { accountOf, ask } from './entity-questions.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { describeBody, relationPage, relationPageQuery, requestBody } from './people-schemas.ts';
import { mustBeWithin } from './rate-limits.ts';
import { userId } from './schemas.ts';
import { ZodPipe } from './zod-pipe.ts';

const userParam = new ZodPipe(userId, 'BAD_ID');
const { RelationAction, RelationKind, Refusal } = internal;
type Relations = z.infer<typeof relationPage>;

@ApiTags('people')
@Controller('v1')
export class PeopleController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Get('contacts')
  @AskerRoute({ summary: 'Contacts and requests, by id', query: relationPageQuery, answer: relationPage })
  async contacts(
    @Asker() asker: VerifiedToken,
    @Query(new ZodPipe(relationPageQuery)) query: z.infer<typeof relationPageQuery>,
  ): Promise<Relations> {
    const { kind, after, limit } = query;
    const relations = { kind: kindNumbers[kind], after, limit };
    const answer = await ask(this.ports, userOf(asker), { relations }, 'relations');
    const page = (answer.relations ?? []).map((each) => ({
      user: each.user ?? '',
      contact: contactWords[each.contact ?? 0] ?? 'none',
      isBlocked: each.isBlocked ?? false,
      message: each.message ?? '',
      remark: each.remark ?? '',
      tags: [...(each.tags ?? [])],
      sinceMs: each.sinceMs ?? 0,
    }));
    const next = answer.more ? (page.at(-1)?.user ?? null) : null;
    return { relations: page, next, inboxPosition: answer.position ?? 0 };
  }

  @Post('contacts/:user/request')
  @HttpCode(204)
  @AskerRoute({ summary: 'Ask a person to become a contact', params: ['user'], body: requestBody })
  async request(
    @Asker() asker: VerifiedToken,
    @Param('user', userParam) user: string,
    @Body(new ZodPipe(requestBody)) { message }: z.infer<typeof requestBody>,
  ): Promise<void> {
    const { rates, settings } = this.ports;
    await mustBeWithin(rates, settings.limits.contactRequestsPerUser, `${asker.tenant}/${asker.user}`);
    const account = await accountOf(this.ports, { tenant: asker.tenant, user }, asker.user);
    if (account === undefined) throw new ApiError('USER_NOT_FOUND');
    if (account.refusal === Refusal.REFUSAL_BLOCKED) throw new ApiError('BLOCKED');
    await this.#change(asker, user, RelationAction.RELATION_ACTION_REQUEST, { message });
  }

  @Post('contacts/:user/accept')
  @HttpCode(204)
  @AskerRoute({ summary: "Accept a person's request", params: ['user'] })
  async accept(@Asker() asker: VerifiedToken, @Param('user', userParam) user: string): Promise<void> {
    await this.#change(asker, user, RelationAction.RELATION_ACTION_ACCEPT);
  }

  @Post('contacts/:user/refuse')
  @HttpCode(204)
  @AskerRoute({ summary: "Refuse a person's request", params: ['user'] })
  async refuse(@Asker() asker: VerifiedToken, @Param('user', userParam) user: string): Promise<void> {
    await this.#change(asker, user, RelationAction.RELATION_ACTION_REFUSE);
  }

  @Put('contacts/:user')
  @HttpCode(204)
  @AskerRoute({ summary: 'Own name and tags for a person', params: ['user'], body: describeBody })
  async describe(
    @Asker() asker: VerifiedToken,
    @Param('user', userParam) user: string,
    @Body(new ZodPipe(describeBody)) body: z.infer<typeof describeBody>,
  ): Promise<void> {
    await this.#mustExist(asker, user);
    await this.#change(asker, user, RelationAction.RELATION_ACTION_DESCRIBE, body);
  }

  @Delete('contacts/:user')
  @HttpCode(204)
  @AskerRoute({ summary: 'End a contact, for both; takes an own request back', params: ['user'] })
  async remove(@Asker() asker: VerifiedToken, @Param('user', userParam) user: string): Promise<void> {
    await this.#change(asker, user, RelationAction.RELATION_ACTION_REMOVE);
  }

  @Put('blocks/:user')
  @HttpCode(204)
  @AskerRoute({ summary: 'Block a person: no direct messages, no requests', params: ['user'] })
  async block(@Asker() asker: VerifiedToken, @Param('user', userParam) user: string): Promise<void> {
    await this.#mustExist(asker, user);
    await this.#change(asker, user, RelationAction.RELATION_ACTION_BLOCK);
  }

  @Delete('blocks/:user')
  @HttpCode(204)
  @AskerRoute({ summary: 'Unblock a person', params: ['user'] })
  async unblock(@Asker() asker: VerifiedToken, @Param('user', userParam) user: string): Promise<void> {
    await this.#change(asker, user, RelationAction.RELATION_ACTION_UNBLOCK);
  }

  async #mustExist({ tenant }: VerifiedToken, user: string): Promise<void> {
    if ((await accountOf(this.ports, { tenant, user })) === undefined) throw new ApiError('USER_NOT_FOUND');
  }

  async #change(asker: VerifiedToken, user: string, action: number, more: Described = {}): Promise<void> {
    const changeRelation = { user, action, ...more };
    const payload = internal.UserCommand.encode({ changeRelation }).finish();
    mustBeDone(await this.ports.commands.send(userOf(asker), payload));
  }
}

interface Described {
  readonly message?: string;
  readonly remark?: string;
  readonly tags?: string[];
}

const userOf = ({ tenant, user }: VerifiedToken) => ({ type: 'user', tenant, id: user });

const kindNumbers = {
  all: RelationKind.RELATION_KIND_UNSPECIFIED,
  contacts: RelationKind.RELATION_KIND_CONTACTS,
  requested: RelationKind.RELATION_KIND_REQUESTED,
  asked: RelationKind.RELATION_KIND_ASKED,
  blocked: RelationKind.RELATION_KIND_BLOCKED,
} as const;

/** By number of the protocol. */
const contactWords = ['none', 'requested', 'asked', 'accepted'] as const;
