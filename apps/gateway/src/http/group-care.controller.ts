// The care of a group by owner and admins: profile, announcement, settings, bans; and nicknames.
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { internal } from '@parley/protocol';
import type { z } from 'zod';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { ApiError } from './api-error.ts';
import { AskerRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import { mustExist } from './entity-questions.ts';
import { askForList, orderGroup } from './group-orders.ts';
import {
  announcementBody,
  banList,
  listQuery,
  nicknameBody,
  profileBody,
  settingsBody,
  windowsBody,
} from './group-schemas.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { groupId, userId } from './schemas.ts';
import { joiningOf } from './wire-json.ts';
import { ZodPipe } from './zod-pipe.ts';

const groupParam = new ZodPipe(groupId, 'BAD_ID');
const userParam = new ZodPipe(userId, 'BAD_ID');

@ApiTags('groups')
@Controller('v1/groups')
export class GroupCareController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Patch(':id')
  @HttpCode(204)
  @AskerRoute({ summary: 'Change title or avatar', params: ['id'], body: profileBody })
  async profile(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Body(new ZodPipe(profileBody)) body: z.infer<typeof profileBody>,
  ): Promise<void> {
    await orderGroup(this.ports, asker, id, { changeProfile: { by: asker.user, ...body } });
  }

  @Put(':id/announcement')
  @HttpCode(204)
  @AskerRoute({ summary: 'Announce something, or take it away', params: ['id'], body: announcementBody })
  async announce(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Body(new ZodPipe(announcementBody)) { text }: z.infer<typeof announcementBody>,
  ): Promise<void> {
    await orderGroup(this.ports, asker, id, { announce: { by: asker.user, text } });
  }

  @Patch(':id/settings')
  @HttpCode(204)
  @AskerRoute({
    summary: 'Change settings: mute all, slow mode, joining, history for newcomers',
    params: ['id'],
    body: settingsBody,
  })
  async settings(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Body(new ZodPipe(settingsBody)) body: z.infer<typeof settingsBody>,
  ): Promise<void> {
    const { joining, ...others } = body;
    const settings = joining === undefined ? others : { ...others, joining: joiningOf(joining) };
    await orderGroup(this.ports, asker, id, { changeSettings: { by: asker.user, ...settings } });
  }

  @Put(':id/windows')
  @HttpCode(204)
  @AskerRoute({
    summary: 'Change how long messages may be edited and recalled',
    params: ['id'],
    body: windowsBody,
  })
  async windows(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Body(new ZodPipe(windowsBody)) { edit, recall }: z.infer<typeof windowsBody>,
  ): Promise<void> {
    const { changeWindowMsMax: maxMs } = this.ports.settings.groupLimits(asker.tenant);
    for (const window of [edit, recall])
      if (window !== null && Math.max(window.ownMs, window.managerMs) > maxMs)
        throw new ApiError('BAD_REQUEST', `A window has at most ${maxMs} ms here.`);
    const windows = { ...(edit && { editWindow: edit }), ...(recall && { recallWindow: recall }) };
    await orderGroup(this.ports, asker, id, { changeWindows: { by: asker.user, ...windows } });
  }

  @Get(':id/bans')
  @AskerRoute({
    summary: 'Who is banned, by rising id; for owner and admins',
    params: ['id'],
    query: listQuery,
    answer: banList,
  })
  async bans(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Query(new ZodPipe(listQuery)) page: z.infer<typeof listQuery>,
  ): Promise<z.infer<typeof banList>> {
    const list = internal.GroupList.GROUP_LIST_BANS;
    const answer = await askForList(this.ports, asker, id, { list, ...page });
    const bans = (answer.bans ?? []).map(({ user, by, atMs }) => ({
      user: user ?? '',
      by: by ?? '',
      atMs: atMs ?? 0,
    }));
    return { bans, next: answer.more ? (bans.at(-1)?.user ?? null) : null };
  }

  @Put(':id/bans/:user')
  @HttpCode(204)
  @AskerRoute({ summary: 'Ban somebody, and remove them if they are a member', params: ['id', 'user'] })
  async ban(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Param('user', userParam) member: string,
  ): Promise<void> {
    await mustExist(this.ports, asker.tenant, [member]);
    await orderGroup(this.ports, asker, id, { setBan: { by: asker.user, member, isBanned: true } });
  }

  @Delete(':id/bans/:user')
  @HttpCode(204)
  @AskerRoute({ summary: 'Lift a ban', params: ['id', 'user'] })
  async unban(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Param('user', userParam) member: string,
  ): Promise<void> {
    await orderGroup(this.ports, asker, id, { setBan: { by: asker.user, member, isBanned: false } });
  }

  @Put(':id/members/:user/nickname')
  @HttpCode(204)
  @AskerRoute({
    summary: 'Give a member, or yourself, a nickname in the group',
    params: ['id', 'user'],
    body: nicknameBody,
  })
  async nickname(
    @Asker() asker: VerifiedToken,
    @Param('id', groupParam) id: string,
    @Param('user', userParam) member: string,
    @Body(new ZodPipe(nicknameBody)) { nickname }: z.infer<typeof nicknameBody>,
  ): Promise<void> {
    await orderGroup(this.ports, asker, id, { setNickname: { by: asker.user, member, nickname } });
  }
}
