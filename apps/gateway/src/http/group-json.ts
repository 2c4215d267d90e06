// A group as the HTTP API shows it to a member.
import { type parley, groupConversation } from '@parley/protocol';
import type { z } from 'zod';
import type { groupAnswer } from './group-schemas.ts';
import { diffusionWord, joiningWord, roleWord } from './wire-json.ts';

type Wire = parley.internal.v1.GroupAnswer.$Properties;

export function groupJson(id: string, group: Wire): z.infer<typeof groupAnswer> {
  const { announcement, settings, member } = group;
  return {
    id,
    conversation: groupConversation(id),
    title: group.title ?? '',
    avatar: group.avatar ?? '',
    announcement: announcement
      ? { text: announcement.text ?? '', by: announcement.by ?? '', atMs: announcement.atMs ?? 0 }
      : null,
    settings: {
      muteAll: settings?.muteAll ?? false,
      slowModeMs: settings?.slowModeMs ?? 0,
      joining: joiningWord(settings?.joining),
      historyVisible: settings?.historyVisible ?? false,
    },
    windows: { edit: windowJson(group.editWindow), recall: windowJson(group.recallWindow) },
    head: group.head ?? 0,
    count: group.count ?? 0,
    diffusion: diffusionWord(group.diffusion),
    role: roleWord(member?.role),
    nickname: member?.nickname ?? '',
    isDismissed: group.isDismissed ?? false,
  };
}

const windowJson = (window: parley.internal.v1.ChangeWindow.$Properties | null | undefined) =>
  window ? { ownMs: window.ownMs ?? 0, managerMs: window.managerMs ?? 0 } : null;
