// What owner and admins set of a group, as events, snapshots, system messages and answers carry it. Domain values encode as
// they are.
import {
  type Announcement,
  type Ban,
  type GroupSettings,
  type Invite,
  type JoinRequest,
} from '@parley/domain';
import { Joining, type LastPost } from '@parley/domain';
import { type Shape, listOf, optional, plain, required } from './shape.ts';

const settingsShape: Shape<GroupSettings> = {
  muteAll: plain,
  slowModeMs: plain,
  joining: (joining: Joining | 0) => (joining === 0 ? Joining.INVITE : joining),
  historyVisible: plain,
};

export const readSettings = required(settingsShape);
export const readOptionalSettings = optional(settingsShape);

export const readAnnouncement = optional<Announcement>({ text: plain, by: plain, atMs: plain });
export const readBans = listOf<Ban>({ user: plain, by: plain, atMs: plain });
export const readLastPosts = listOf<LastPost>({ user: plain, atMs: plain });
export const readInvites = listOf<Invite>({
  id: plain,
  code: plain,
  by: plain,
  atMs: plain,
  expiresAtMs: plain,
  usesMax: plain,
  uses: plain,
});
export const readRequests = listOf<JoinRequest>({ user: plain, message: plain, atMs: plain });
