// What users do, on their devices, as long as the storm lasts: write to each other and to groups, several messages at a time,
// repeat what is not answered, read, make and change groups, go away and come back elsewhere.
import {
  encodeDirectCommand,
  encodeGroupCommand,
  encodeUserCommand,
  parseConversation,
  type parley,
} from '@parley/protocol';
import type { EditMessage, GroupCommand, GroupPolicy, LogMessage, PinMessage } from '@parley/domain';
import type { ReactToMessage, RecallMessage, UserCommand } from '@parley/domain';
import { Joining } from '@parley/domain';
import type { Clock, EntityAddress, Random } from '@parley/std';
import type { AnswerChecks } from './answer-checks.ts';
import type { DeviceModel } from './device-model.ts';
import type { GatewayModel } from './gateway-model.ts';
import type { JournalAuditor } from './journal-auditor.ts';
import type { SimulationSettings } from './settings.ts';
import type { Trace } from './trace.ts';

export interface Post {
  readonly device: DeviceModel;
  readonly conversation: string;
  readonly clientMessageId: string;
  /** What this device posted here before. */
  readonly previous: Post | undefined;
  outcome: 'waiting' | 'refused' | { readonly sequence: number };
}

export interface WorkloadOptions {
  readonly settings: SimulationSettings;
  readonly tenant: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly checks: AnswerChecks;
  readonly auditor: JournalAuditor;
  readonly trace: Trace;
  readonly devices: readonly DeviceModel[];
  gateways(): readonly GatewayModel[];
}

const outstandingMax = 4;
const groupsMax = 6;
const answerWithinMs = 2_500;
const window = { ownMs: 30_000, managerMs: 60_000 };
const noMentions = { mentions: [], mentionsAll: false };
const policy: GroupPolicy = { membersMax: 20, largeFrom: 5, smallTo: 3 };

export class Workload {
  readonly posts: Post[] = [];
  /** Requests that somebody repeats until they are answered. */
  outstanding = 0;
  readonly #options: WorkloadOptions;
  readonly #outstandingOf = new Map<DeviceModel, number>();
  /** The post a device sent last in a conversation. */
  readonly #previous = new Map<string, Post>();
  readonly #groups: string[] = [];
  #ids = 0;
  #isOver = false;

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  start(): void {
    for (const device of this.#options.devices) this.#next(device);
  }

  /** Nothing new is begun; what was begun is repeated until it is answered. */
  stop(): void {
    this.#isOver = true;
    for (const device of this.#options.devices) if (!device.isOnline) this.goOnline(device);
  }

  goOnline(device: DeviceModel): void {
    const gateways = this.#options.gateways().filter((gateway) => gateway.isAlive);
    const gateway = gateways[this.#below(gateways.length)];
    if (gateway !== undefined) device.goOnline(gateway);
  }

  #next(device: DeviceModel): void {
    const { clock, random, settings } = this.#options;
    clock.after(random.next() * 2 * settings.thinkMs, () => {
      if (this.#isOver) return;
      this.#act(device);
      this.#next(device);
    });
  }

  #act(device: DeviceModel): void {
    const dice = this.#options.random.next();
    if (!device.isOnline) {
      if (dice < 0.3) this.goOnline(device);
      return;
    }
    if (dice < 0.05) device.goOffline();
    else if (dice < 0.13) this.#changeGroup(device);
    else if (dice < 0.25) this.#read(device);
    else if (dice < 0.37) this.#change(device);
    else if (dice < 0.65) this.#postDirect(device);
    else this.#postSomewhere(device);
  }

  #postDirect(device: DeviceModel): void {
    const users = this.#users();
    const other = users[this.#below(users.length)]!;
    const [first, second] = [device.user, other].sort();
    this.#post(device, `d.${first}.${second}`);
  }

  #postSomewhere(device: DeviceModel): void {
    const known = device.memberships();
    const groups = known.filter(({ conversation }) => conversation.startsWith('g.'));
    const list = groups.length > 0 ? groups : known;
    const conversation = list[this.#below(list.length)]?.conversation;
    if (conversation === undefined) return this.#postDirect(device);
    const count = this.#options.random.next() < 0.3 ? 3 : 1;
    for (let i = 0; i < count; i++) this.#post(device, conversation);
  }

  #post(device: DeviceModel, conversation: string): void {
    if ((this.#outstandingOf.get(device) ?? 0) >= outstandingMax) return;
    const clientMessageId = `m${++this.#ids}`;
    const chain = `${device.user}.${device.device}.${conversation}`;
    const previous = this.#previous.get(chain);
    const post: Post = { device, conversation, clientMessageId, previous, outcome: 'waiting' };
    this.#previous.set(chain, post);
    this.posts.push(post);
    const isLong = this.#options.random.next() < 0.03;
    const text = isLong ? clientMessageId.padEnd(3_000, '.') : clientMessageId;
    const rich = this.#mentions();
    const address = this.#addressOf(conversation);
    const payload = (): Uint8Array => {
      const command = {
        type: 'PostMessage' as const,
        sender: device.user,
        clientMessageId,
        text,
        afterClientMessageId: predecessorOf(post)?.clientMessageId ?? '',
        ...(rich && { rich }),
      };
      return address.type === 'direct' ? encodeDirectCommand(command) : encodeGroupCommand(command);
    };
    this.#insist(device, address, payload, (frame) => {
      if (frame.sent) {
        this.#options.checks.sent(device.user, frame.sent as parley.v1.Sent);
        post.outcome = { sequence: frame.sent.sequence ?? 0 };
      } else post.outcome = 'refused';
    });
  }

  /** Now and then somebody is meant, or everybody. */
  #mentions(): { readonly mentions: readonly string[]; readonly mentionsAll: boolean } | undefined {
    const dice = this.#options.random.next();
    if (dice > 0.2) return undefined;
    if (dice < 0.05) return { mentions: [], mentionsAll: true };
    const users = this.#users();
    return { mentions: [users[this.#below(users.length)]!], mentionsAll: false };
  }

  #read(device: DeviceModel): void {
    const known = [...device.copies.values()];
    const copy = known[this.#below(known.length)];
    if (copy === undefined || copy.upTo === 0) return;
    const sequence = Math.max(1, copy.upTo - this.#below(3));
    const command: UserCommand = { type: 'ReadConversation', conversation: copy.conversation, sequence };
    this.#insist(
      device,
      device.address,
      () => encodeUserCommand(command),
      (frame) => {
        if (frame.readDone) this.#options.checks.readDone(device.user, frame.readDone as parley.v1.ReadDone);
      },
    );
  }

  /** Edits or recalls a message the device shows: mostly an own one, now and then another's. */
  #change(device: DeviceModel): void {
    const { random } = this.#options;
    const known = device.memberships().filter(({ messages }) => messages.size > 0);
    const copy = known[this.#below(known.length)];
    if (copy === undefined || (this.#outstandingOf.get(device) ?? 0) >= outstandingMax) return;
    const isAnyones = random.next() < 0.2;
    const written = [...copy.messages.values()].filter(
      ({ text, sender }) => text !== undefined && (isAnyones || sender === device.user),
    );
    const message = written[this.#below(written.length)];
    if (message === undefined) return;
    if (random.next() < 0.3) return this.#mark(device, message);
    const clientMessageId = `c${++this.#ids}`;
    const { sequence } = message;
    // As a gateway reads it for the command; it may have been changed since.
    const target = { ...message, text: '' };
    const shared = { sender: device.user, clientMessageId, sequence, target, window };
    const command: EditMessage | RecallMessage =
      random.next() < 0.3
        ? { type: 'RecallMessage', ...shared }
        : { type: 'EditMessage', ...shared, text: clientMessageId, ...(this.#mentions() ?? noMentions) };
    const address = this.#addressOf(copy.conversation);
    const encode = address.type === 'direct' ? encodeDirectCommand : encodeGroupCommand;
    this.#insist(
      device,
      address,
      () => encode(command),
      (frame) => {
        if (frame.sent) this.#options.checks.sent(device.user, frame.sent as parley.v1.Sent);
      },
    );
  }

  /** Puts an emoji or a pin on a message, or takes it away. */
  #mark(device: DeviceModel, message: LogMessage): void {
    const { random } = this.#options;
    const isRemoved = random.next() < 0.3;
    const { conversation, sequence } = message;
    const shared = { sender: device.user, sequence, isRemoved, target: { ...message, text: '' } };
    const command: ReactToMessage | PinMessage =
      random.next() < 0.2
        ? { type: 'PinMessage', ...shared }
        : { type: 'ReactToMessage', ...shared, emoji: random.next() < 0.5 ? '👍' : '😺' };
    const address = this.#addressOf(conversation);
    const encode = address.type === 'direct' ? encodeDirectCommand : encodeGroupCommand;
    this.#insist(
      device,
      address,
      () => encode(command),
      () => undefined,
    );
  }

  #changeGroup(device: DeviceModel): void {
    const dice = this.#options.random.next();
    if (this.#groups.length < groupsMax && (dice < 0.15 || this.#groups.length < 2))
      return this.#createGroup(device);
    const group = this.#groups[this.#below(this.#groups.length)]!;
    const by = device.user;
    const users = this.#users();
    const member = users[this.#below(users.length)]!;
    const command: GroupCommand =
      dice < 0.45
        ? { type: 'AddMembers', by, members: users.filter(() => this.#options.random.next() < 0.4) }
        : dice < 0.7
          ? { type: 'RemoveMember', by, member }
          : dice < 0.88
            ? { type: 'LeaveGroup', member: by }
            : dice < 0.93
              ? { type: 'SetRole', by, member, role: 2 }
              : dice < 0.97
                ? careCommand(this.#options.random, { by, member })
                : { type: 'DismissGroup', by };
    this.#command(device, group, command);
  }

  #createGroup(device: DeviceModel): void {
    const id = `g${this.#groups.length + 1}`;
    this.#groups.push(id);
    const members = this.#users().filter(() => this.#options.random.next() < 0.6);
    const command: GroupCommand = {
      type: 'CreateGroup',
      by: device.user,
      title: `group ${id}`,
      members,
      policy,
    };
    this.#command(device, id, command);
  }

  #command(device: DeviceModel, group: string, command: GroupCommand): void {
    const address = { type: 'group', tenant: this.#options.tenant, id: group };
    this.#insist(
      device,
      address,
      () => encodeGroupCommand(command),
      (frame) => {
        const isCreated = frame.done || frame.error?.code === 'ALREADY_EXISTS';
        if (command.type === 'CreateGroup' && isCreated) this.#options.checks.groupCreated(group);
      },
    );
  }

  /** Repeats a command until it is answered for good, through whatever gateway the device is at by then. */
  #insist(
    device: DeviceModel,
    address: EntityAddress,
    payload: () => Uint8Array,
    onAnswer: (frame: parley.v1.ServerFrame) => void,
  ): void {
    const { clock, random, trace } = this.#options;
    this.outstanding++;
    this.#outstandingOf.set(device, (this.#outstandingOf.get(device) ?? 0) + 1);
    let isDone = false;
    const attempt = (): void => {
      if (isDone) return;
      const { gateway } = device;
      if (gateway === undefined || !gateway.isAlive) return void clock.after(500, attempt);
      let isOpen = true;
      const again = (delayMs: number): void => {
        if (!isOpen) return;
        isOpen = false;
        clock.after(delayMs, attempt);
      };
      const timer = clock.after(answerWithinMs, () => again(random.next() * 500));
      gateway.command(address, payload(), (frame) => {
        if (frame.error?.retryable) {
          timer.cancel();
          return again((frame.error.retryAfterMs ?? 0) + random.next() * 100);
        }
        if (isDone || !gateway.isAlive) return;
        isDone = true;
        timer.cancel();
        this.outstanding--;
        this.#outstandingOf.set(device, this.#outstandingOf.get(device)! - 1);
        if (frame.error?.code === 'BAD_COMMAND' || frame.error?.code === 'INTERNAL')
          trace.violate('answer', `${address.type} ${address.id}: ${frame.error.code}`);
        onAnswer(frame);
      });
    };
    attempt();
  }

  #addressOf(conversation: string): EntityAddress {
    const { type, id } = parseConversation(conversation)!;
    return { type, tenant: this.#options.tenant, id };
  }

  #users(): string[] {
    return [...new Set(this.#options.devices.map((device) => device.user))];
  }

  #below(count: number): number {
    return Math.floor(this.#options.random.next() * count);
  }
}

/** The newest earlier post without an answer. A refused one holds nothing back, so the search goes on behind it. */
function predecessorOf({ previous }: Post): Post | undefined {
  let earlier = previous;
  while (earlier?.outcome === 'refused') earlier = earlier.previous;
  return earlier?.outcome === 'waiting' ? earlier : undefined;
}

/** What owner and admins do for a group, and people who come by themselves. */
function careCommand(random: Random, { by, member }: { by: string; member: string }): GroupCommand {
  const dice = random.next();
  if (dice < 0.2) return { type: 'MuteMember', by, member, mutedUntilMs: 0 };
  if (dice < 0.4) return { type: 'SetBan', by, member, isBanned: dice < 0.3 };
  if (dice < 0.5) return { type: 'ChangeSettings', by, slowModeMs: 50, joining: Joining.OPEN };
  if (dice < 0.6) return { type: 'ChangeSettings', by, slowModeMs: 0, joining: Joining.REQUEST };
  if (dice < 0.8) return { type: 'JoinGroup', user: by, code: '', message: 'Please' };
  if (dice < 0.9) return { type: 'AnswerJoinRequest', by, user: member, isApproved: dice < 0.85 };
  return { type: 'ChangeProfile', by, title: `group ${dice}` };
}
