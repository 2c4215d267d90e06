// Groups: create, look at, and change who is in them. The group entity decides what the asker's role allows.
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { groupConversation } from '@parley/protocol';
import { timeOrderedId } from '@parley/std';
import type { z } from 'zod';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { AskerRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import { ask, mustHaveRoom } from './entity-questions.ts';
import { groupJson } from './group-json.ts';
import { askForGroup, askForMembers, orderGroup } from './group-orders.ts';
import { groupAnswer } from './group-schemas.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import {
  addMembersBody,
  createdGroupAnswer,
  createGroupBody,
  groupId,
  memberPage,
  memberPageQuery,
  muteBody,
  readersAnswer,
  roleBody,
  sequenceNumber,
  userId,
} from './schemas.ts';
import { roleOf, roleWord } from './wire-json.ts';
import { ZodPipe } from './zod-pipe.ts';

const groupParam = new ZodPipe(groupId, 'BAD_ID');
const userParam = new ZodPipe(userId, 'BAD_ID');

@ApiTags('groups')
@Controller('v1/groups')
export class GroupsController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Post()
  @AskerRoute({
    summary: 'Create a group; give an id to be able to repeat the request safely',
    body: createGroupBody,
    answer: createdGroupAnswer,
    status: 201,
  })
  async create(
    @Asker() asker: VerifiedToken,
    @Body(new ZodPipe(createGroupBody)) body: z.infer<typeof createGroupBody>,
  ): Promise<z.infer<typeof createdGroupAnswer>> {
    const { clock, random, settings } = this.ports;
    const others = [...new Set(body.members)].filter((member) => member !== asker.user);
    await mustHaveRoom(this.ports, asker.tenant, [asker.user, ...others]);
    const id = body.id ?? timeOrderedId(clock, random);
    const { membersMax } = settings.groupLimits(asker.tenant);
    const policy = { membersMax, ...settings.groupPolicy };
    await orderGroup(this.ports, asker, id, {
      createGroup: { by: asker.user, title: body.title, members: others, policy },
    });
    return { id, conversation: groupConversation(id) };
  }

  @Get(':id/messages/:sequence/readers')
  @AskerRoute({
    summary: 'Who has read a message: how many members, and a page of their ids in rising order',
    params: ['id', 'sequence'],
    query: memberPageQuery,
    answer: readersAnswer,
  })
  async readers(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Param('sequence', new ZodPipe(sequenceNumber)) sequence: number,
    @Query(new ZodPipe(memberPageQuery)) query: z.infer<typeof memberPageQuery>,
  ): Promise<z.infer<typeof readersAnswer>> {
    const address = { type: 'group', tenant: asker.tenant, id };
    const readers = { reader: asker.user, sequence, after: query.after, limit: query.limit };
    const answer = await ask(this.ports, address, { readers }, 'readers');
    const users = [...(answer.users ?? [])];
    return {
      sequence,
      count: answer.count ?? 0,
      memberCount: answer.memberCount ?? 0,
      users,
      next: answer.more ? (users.at(-1) ?? null) : null,
    };
  }

  @Get(':id')
  @AskerRoute({ summary: 'A group you are in', params: ['id'], answer: groupAnswer })
  async show(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
  ): Promise<z.infer<typeof groupAnswer>> {
    return groupJson(id, await askForGroup(this.ports, asker, id));
  }

  @Get(':id/members')
  @AskerRoute({
    summary: 'Its members, by rising id',
    params: ['id'],
    query: memberPageQuery,
    answer: memberPage,
  })
  async members(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Query(new ZodPipe(memberPageQuery)) query: z.infer<typeof memberPageQuery>,
  ): Promise<z.infer<typeof memberPage>> {
    const answer = await askForMembers(this.ports, asker, id, query);
    const members = (answer.members ?? []).map((member) => ({
      user: member.user ?? '',
      role: roleWord(member.role),
      joined: member.joined ?? 0,
      mutedUntilMs: member.mutedUntilMs ?? 0,
      nickname: member.nickname ?? '',
    }));
    return { members, count: answer.count ?? 0, next: answer.more ? (members.at(-1)?.user ?? null) : null };
  }

  @Post(':id/members')
  @HttpCode(204)
  @AskerRoute({ summary: 'Add members', params: ['id'], body: addMembersBody })
  async add(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Body(new ZodPipe(addMembersBody)) body: z.infer<typeof addMembersBody>,
  ): Promise<void> {
    const members = [...new Set(body.members)];
    await mustHaveRoom(this.ports, asker.tenant, members);
    await orderGroup(this.ports, asker, id, { addMembers: { by: asker.user, members } });
  }

  @Delete(':id/members/:user')
  @HttpCode(204)
  @AskerRoute({ summary: 'Remove a member', params: ['id', 'user'] })
  async remove(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Param('user', userParam) member: string,
  ): Promise<void> {
    await orderGroup(this.ports, asker, id, { removeMember: { by: asker.user, member } });
  }

  @Post(':id/leave')
  @HttpCode(204)
  @AskerRoute({ summary: 'Leave', params: ['id'] })
  async leave(@Asker() asker: VerifiedToken, @Param('id', groupParam) id: string): Promise<void> {
    await orderGroup(this.ports, asker, id, { leaveGroup: { member: asker.user } });
  }

  @Delete(':id')
  @HttpCode(204)
  @AskerRoute({ summary: 'Dismiss the group, for all', params: ['id'] })
  async dismiss(@Asker() asker: VerifiedToken, @Param('id', groupParam) id: string): Promise<void> {
    await orderGroup(this.ports, asker, id, { dismissGroup: { by: asker.user } });
  }

  @Put(':id/members/:user/role')
  @HttpCode(204)
  @AskerRoute({ summary: "Change a member's role", params: ['id', 'user'], body: roleBody })
  async setRole(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Param('user', userParam) member: string,
    @Body(new ZodPipe(roleBody)) body: z.infer<typeof roleBody>,
  ): Promise<void> {
    await orderGroup(this.ports, asker, id, { setRole: { by: asker.user, member, role: roleOf(body.role) } });
  }

  @Put(':id/members/:user/mute')
  @HttpCode(204)
  @AskerRoute({ summary: 'Mute a member until a time', params: ['id', 'user'], body: muteBody })
  async mute(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Param('user', userParam) member: string,
    @Body(new ZodPipe(muteBody)) body: z.infer<typeof muteBody>,
  ): Promise<void> {
    await orderGroup(this.ports, asker, id, {
      muteMember: { by: asker.user, member, mutedUntilMs: body.untilMs },
    });
  }
}
