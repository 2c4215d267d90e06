// Wire values as the HTTP API shows them: numbers as numbers, enums as lower-case words, no protobuf leftovers.
import type { parley } from '@parley/protocol';
import { wire } from '@parley/protocol';

export type RoleWord = 'member' | 'admin' | 'owner';
export type DiffusionWord = 'write' | 'read';

export const roleOf = (word: RoleWord): parley.v1.Role => roles[word];

export const roleWord = (role: parley.v1.Role | null | undefined): RoleWord =>
  role === wire.Role.ROLE_OWNER ? 'owner' : role === wire.Role.ROLE_ADMIN ? 'admin' : 'member';

export const diffusionWord = (diffusion: parley.v1.Diffusion | null | undefined): DiffusionWord =>
  diffusion === wire.Diffusion.DIFFUSION_READ ? 'read' : 'write';

export type JoiningWord = 'invite' | 'request' | 'open';

export const joiningOf = (word: JoiningWord): parley.v1.Joining => joinings[word];

export function joiningWord(joining: parley.v1.Joining | null | undefined): JoiningWord {
  if (joining === wire.Joining.JOINING_OPEN) return 'open';
  return joining === wire.Joining.JOINING_REQUEST ? 'request' : 'invite';
}

const joinings: Record<JoiningWord, parley.v1.Joining> = {
  invite: wire.Joining.JOINING_INVITE,
  request: wire.Joining.JOINING_REQUEST,
  open: wire.Joining.JOINING_OPEN,
};

const roles: Record<RoleWord, parley.v1.Role> = {
  member: wire.Role.ROLE_MEMBER,
  admin: wire.Role.ROLE_ADMIN,
  owner: wire.Role.ROLE_OWNER,
};

/** What a message carries beside its text, and what was changed of it, has only what is set; the rest shows its defaults. */
export function messageJson(message: parley.v1.Message.$Properties): Record<string, unknown> {
  const {
    rich,
    edited,
    revision,
    changedAtMs,
    isRecalled,
    reactions,
    reactionsRevision: _,
    isErased,
    ...plain
  } = message;
  const json = wire.Message.toObject(wire.Message.fromObject(plain), {
    enums: String,
    defaults: true,
    arrays: true,
  });
  for (const field of [
    'rich',
    'revision',
    'changedAtMs',
    'isRecalled',
    'reactions',
    'reactionsRevision',
    'isErased',
  ])
    delete json[field];
  if (revision) Object.assign(json, { revision, changedAtMs: changedAtMs ?? 0 });
  if (isRecalled) json.isRecalled = true;
  if (reactions?.length) json.reactions = reactions.map(reactionJson);
  if (isErased) json.isErased = true;
  if (rich != null) json.rich = richJson(rich);
  if (edited == null) return json;
  const { sequence, text } = edited;
  const change = { sequence: sequence ?? 0, text: text ?? '' };
  json.edited = edited.rich == null ? change : { ...change, rich: richJson(edited.rich) };
  return json;
}

const reactionJson = ({ emoji, count, own, users }: parley.v1.Reaction.$Properties) => ({
  emoji: emoji ?? '',
  count: count ?? 0,
  own: own ?? false,
  users: users ?? [],
});

const richJson = (rich: parley.v1.RichContent.$Properties): Record<string, unknown> =>
  wire.RichContent.toObject(wire.RichContent.fromObject(rich), { enums: String });
