// Groups: create, look at, and change who is in them. The group entity decides what the asker's role allows.
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { parley } from '@parley/protocol';
import { groupConversation, internal } from '@parley/protocol';
import { timeOrderedId } from '@parley/std';
import type { z } from 'zod';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { ApiError, mustBeDone } from './api-error.ts';
import { AskerRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import { ask, mustExist } from './entity-questions.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import {
  addMembersBody,
  createdGroupAnswer,
  createGroupBody,
  groupAnswer,
  groupId,
  memberPage,
  memberPageQuery,
  muteBody,
  roleBody,
  userId,
} from './schemas.ts';
import { diffusionWord, roleOf, roleWord } from './wire-json.ts';
import { ZodPipe } from './zod-pipe.ts';

const groupParam = new ZodPipe(groupId, 'BAD_ID');
const userParam = new ZodPipe(userId, 'BAD_ID');
type GroupCommand = parley.internal.v1.GroupCommand.$Shape;

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
    await mustExist(this.ports, asker.tenant, others);
    const id = body.id ?? timeOrderedId(clock, random);
    const policy = settings.groupPolicy;
    await this.#send(asker, id, {
      createGroup: { by: asker.user, title: body.title, members: others, policy },
    });
    return { id, conversation: groupConversation(id) };
  }

  @Get(':id')
  @AskerRoute({ summary: 'A group you are in', params: ['id'], answer: groupAnswer })
  async show(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
  ): Promise<z.infer<typeof groupAnswer>> {
    const answer = await this.#members(asker, id, justBefore(asker.user), 1);
    const me = answer.members?.find((member) => member.user === asker.user);
    if (me === undefined) throw new ApiError('NOT_A_MEMBER');
    return {
      id,
      conversation: groupConversation(id),
      title: answer.title ?? '',
      head: answer.head ?? 0,
      count: answer.count ?? 0,
      diffusion: diffusionWord(answer.diffusion),
      role: roleWord(me.role),
    };
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
    const answer = await this.#members(asker, id, query.after, query.limit);
    const members = (answer.members ?? []).map((member) => ({
      user: member.user ?? '',
      role: roleWord(member.role),
      joined: member.joined ?? 0,
      mutedUntilMs: member.mutedUntilMs ?? 0,
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
    await mustExist(this.ports, asker.tenant, members);
    await this.#send(asker, id, { addMembers: { by: asker.user, members } });
  }

  @Delete(':id/members/:user')
  @HttpCode(204)
  @AskerRoute({ summary: 'Remove a member', params: ['id', 'user'] })
  async remove(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Param('user', userParam) member: string,
  ): Promise<void> {
    await this.#send(asker, id, { removeMember: { by: asker.user, member } });
  }

  @Post(':id/leave')
  @HttpCode(204)
  @AskerRoute({ summary: 'Leave', params: ['id'] })
  async leave(@Asker() asker: VerifiedToken, @Param('id', groupParam) id: string): Promise<void> {
    await this.#send(asker, id, { leaveGroup: { member: asker.user } });
  }

  @Delete(':id')
  @HttpCode(204)
  @AskerRoute({ summary: 'Dismiss the group, for all', params: ['id'] })
  async dismiss(@Asker() asker: VerifiedToken, @Param('id', groupParam) id: string): Promise<void> {
    await this.#send(asker, id, { dismissGroup: { by: asker.user } });
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
    await this.#send(asker, id, { setRole: { by: asker.user, member, role: roleOf(body.role) } });
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
    await this.#send(asker, id, { muteMember: { by: asker.user, member, mutedUntilMs: body.untilMs } });
  }

  async #send(asker: VerifiedToken, id: string, command: GroupCommand): Promise<void> {
    const payload = internal.GroupCommand.encode(command).finish();
    mustBeDone(await this.ports.commands.send({ type: 'group', tenant: asker.tenant, id }, payload));
  }

  #members(asker: VerifiedToken, id: string, after: string, limit: number) {
    const address = { type: 'group', tenant: asker.tenant, id };
    return ask(this.ports, address, { members: { reader: asker.user, after, limit } }, 'members');
  }
}

/**
 * A text that sorts before `id` with no other id between: the page of one member after it is the member itself.
 * `~` sorts behind every character of an id.
 */
function justBefore(id: string): string {
  return `${id.slice(0, -1)}${String.fromCharCode(id.charCodeAt(id.length - 1) - 1)}~`;
}
