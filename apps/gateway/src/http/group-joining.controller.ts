// How people become members who are not added: invites, requests to join, open groups.
import { randomBytes } from 'node:crypto';
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { internal } from '@parley/protocol';
import { timeOrderedId } from '@parley/std';
import type { z } from 'zod';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { AskerRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import { mustHaveRoom } from './entity-questions.ts';
import { askForList, orderGroup } from './group-orders.ts';
import {
  createInviteBody,
  createdInviteAnswer,
  inviteList,
  joinAnswer,
  joinBody,
  listQuery,
  requestAnswerBody,
  requestList,
} from './group-schemas.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { groupId, userId } from './schemas.ts';
import { ZodPipe } from './zod-pipe.ts';

const groupParam = new ZodPipe(groupId, 'BAD_ID');
const nameParam = new ZodPipe(userId, 'BAD_ID');
/** 128 bits: nobody guesses one within the life of a group. */
const codeBytes = 16;

@ApiTags('groups')
@Controller('v1/groups')
export class GroupJoiningController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Post(':id/invites')
  @AskerRoute({
    summary: 'Make an invite; whoever has its code becomes a member',
    params: ['id'],
    body: createInviteBody,
    answer: createdInviteAnswer,
    status: 201,
  })
  async invite(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Body(new ZodPipe(createInviteBody)) body: z.infer<typeof createInviteBody>,
  ): Promise<z.infer<typeof createdInviteAnswer>> {
    const { clock, random } = this.ports;
    const invite = timeOrderedId(clock, random);
    const code = randomBytes(codeBytes).toString('base64url');
    await orderGroup(this.ports, asker, id, {
      createInvite: { by: asker.user, id: invite, code, ...body },
    });
    return { id: invite, code };
  }

  @Get(':id/invites')
  @AskerRoute({
    summary: 'Its invites, by rising id; for owner and admins',
    params: ['id'],
    query: listQuery,
    answer: inviteList,
  })
  async invites(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Query(new ZodPipe(listQuery)) page: z.infer<typeof listQuery>,
  ): Promise<z.infer<typeof inviteList>> {
    const list = internal.GroupList.GROUP_LIST_INVITES;
    const answer = await askForList(this.ports, asker, id, { list, ...page });
    const invites = (answer.invites ?? []).map((one) => ({
      id: one.id ?? '',
      code: one.code ?? '',
      by: one.by ?? '',
      atMs: one.atMs ?? 0,
      expiresAtMs: one.expiresAtMs ?? 0,
      usesMax: one.usesMax ?? 0,
      uses: one.uses ?? 0,
    }));
    return { invites, next: answer.more ? (invites.at(-1)?.id ?? null) : null };
  }

  @Delete(':id/invites/:invite')
  @HttpCode(204)
  @AskerRoute({ summary: 'Revoke an invite', params: ['id', 'invite'] })
  async revoke(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Param('invite', nameParam) invite: string,
  ): Promise<void> {
    await orderGroup(this.ports, asker, id, { revokeInvite: { by: asker.user, id: invite } });
  }

  @Post(':id/join')
  @HttpCode(200)
  @AskerRoute({
    summary: 'Become a member, or ask to become one',
    params: ['id'],
    body: joinBody,
    answer: joinAnswer,
  })
  async join(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Body(new ZodPipe(joinBody)) { code, message }: z.infer<typeof joinBody>,
  ): Promise<z.infer<typeof joinAnswer>> {
    await mustHaveRoom(this.ports, asker.tenant, [asker.user]);
    const reply = await orderGroup(this.ports, asker, id, { joinGroup: { user: asker.user, code, message } });
    return { status: reply.done?.isPending ? 'requested' : 'joined' };
  }

  @Get(':id/requests')
  @AskerRoute({
    summary: 'Who asks to join, by rising id; for owner and admins',
    params: ['id'],
    query: listQuery,
    answer: requestList,
  })
  async requests(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Query(new ZodPipe(listQuery)) page: z.infer<typeof listQuery>,
  ): Promise<z.infer<typeof requestList>> {
    const list = internal.GroupList.GROUP_LIST_REQUESTS;
    const answer = await askForList(this.ports, asker, id, { list, ...page });
    const requests = (answer.requests ?? []).map(({ user, message, atMs }) => ({
      user: user ?? '',
      message: message ?? '',
      atMs: atMs ?? 0,
    }));
    return { requests, next: answer.more ? (requests.at(-1)?.user ?? null) : null };
  }

  @Put(':id/requests/:user')
  @HttpCode(204)
  @AskerRoute({
    summary: 'Approve or refuse a request to join',
    params: ['id', 'user'],
    body: requestAnswerBody,
  })
  async answer(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Param('user', nameParam) user: string,
    @Body(new ZodPipe(requestAnswerBody)) { isApproved }: z.infer<typeof requestAnswerBody>,
  ): Promise<void> {
    if (isApproved) await mustHaveRoom(this.ports, asker.tenant, [user]);
    await orderGroup(this.ports, asker, id, { answerJoinRequest: { by: asker.user, user, isApproved } });
  }
}
