// The chat itself: carries out what the user typed, shows what happens. Knows the client and the terminal, not the network.
import { open, unlink } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import {
  type Client,
  ClientError,
  type ConversationView,
  type HttpApi,
  type Message,
  localError,
} from '@parley/client';
import {
  directConversation,
  groupConversation,
  idPattern,
  peerOf,
  parseConversation,
} from '@parley/protocol';
import { type Command, type ExportFormat, helpText, parseLine } from './command-line.ts';
import { carryOutPeople, personalLine } from './people-commands.ts';
import { careFor } from './group-care.ts';
import { conversationLine, dayOf, errorLine, messageLine, nameOf } from './render.ts';
import type { Terminal } from './terminal.ts';

export interface ChatOptions {
  readonly client: Client;
  /** The HTTP API as the user. */
  api(): Promise<HttpApi>;
  readonly terminal: Terminal;
}

/** Messages shown when a conversation is opened. */
const shownOnOpening = 10;
/** Messages shown around a date. */
const shownAtDate = 20;
/** Hits shown by /search. */
const searchHitsMax = 20;
/** Members asked about by /who. */
const whoMax = 100;
/** What is on its way gets this long when the chat ends. */
const flushLimitMs = 10_000;

export class Chat {
  readonly #client: Client;
  readonly #options: ChatOptions;
  readonly #terminal: Terminal;
  #current: ConversationView | undefined;
  #wasOffline = false;

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#terminal = options.terminal;
  }

  /** Shows events from now on; call before connecting. */
  listen(): void {
    this.#client.on('message', ({ message, conversation }) => this.#showMessage(message, conversation));
    this.#client.on('state', ({ state, detail, retryInMs }) => {
      if (state === 'offline') {
        this.#wasOffline = true;
        this.#terminal.print(
          `* disconnected (${detail}); trying again in ${((retryInMs ?? 0) / 1000).toFixed(1)} s`,
        );
      } else if (state === 'ready' && this.#wasOffline) {
        this.#wasOffline = false;
        this.#terminal.print('* connected again');
      } else if (state === 'stopped') this.#terminal.print(`* ended: ${detail}`);
    });
    this.#client.on('personal', (change) => {
      const line = personalLine(change);
      if (line !== undefined) this.#terminal.print(line);
    });
    this.#client.on('typing', ({ conversation, user }) => {
      if (conversation === this.#current?.id) this.#terminal.print(`* ${user} is typing`);
    });
  }

  welcome(): void {
    const unread = this.#client.conversations.filter((one) => one.unread > 0 && one.isMember);
    this.#terminal.print(`* connected as ${this.#client.user}; /help shows what you can do`);
    for (const one of unread) this.#terminal.print(`* ${conversationLine(one, this.#client.user)}`);
    this.#showPrompt();
  }

  /** Returns when the user quits or the input ends. */
  async run(): Promise<void> {
    for await (const line of this.#terminal.lines()) {
      const command = parseLine(line);
      if (command.kind === 'quit') break;
      try {
        await this.#carryOut(command);
      } catch (error) {
        this.#terminal.print(errorLine(error));
      }
      if (this.#client.state === 'stopped') break;
      this.#showPrompt();
    }
    await this.#flush();
  }

  async #carryOut(command: Command): Promise<void> {
    switch (command.kind) {
      case 'nothing':
        return;
      case 'invalid':
        return this.#terminal.print(command.hint);
      case 'help':
        return this.#terminal.print(helpText);
      case 'say':
        return this.#say(command.text);
      case 'edit':
        return void (await this.#here().edit(this.#lastOwn(), command.text));
      case 'recall':
        return void (await this.#here().recall(this.#lastOwn()));
      case 'react':
        return this.#here().react(command.sequence ?? this.#lastWritten(), command.emoji, command);
      case 'pin':
        return this.#here().pin(command.sequence ?? this.#lastWritten(), command);
      case 'delete':
        return this.#here().deleteForMe(command.sequence ?? this.#lastWritten());
      case 'clear':
        return this.#here().clearHistory();
      case 'hide':
        return this.#here().set({ hidden: true });
      case 'unread':
        return this.#here().set({ markedUnread: true });
      case 'quiet': {
        const { hours } = command;
        return this.#here().set({ doNotDisturbUntilMs: hours > 0 ? Date.now() + hours * 3_600_000 : 0 });
      }
      case 'to':
        return this.#goTo(command.name);
      case 'list':
        return this.#list();
      case 'history':
        return this.#showNewest(this.#here(), command.count);
      case 'history-at':
        return this.#showAt(this.#here(), command.atMs);
      case 'export':
        return this.#export(this.#here(), command);
      case 'search':
        return this.#search(command.words);
      case 'contacts':
      case 'allow':
      case 'devices':
      case 'log-out':
      case 'person':
        for (const line of await carryOutPeople(await this.#options.api(), command))
          this.#terminal.print(line);
        return;
      case 'read':
        return this.#here().markRead(this.#here().head);
      case 'who':
        return this.#who();
      default:
        return this.#groupCommand(command);
    }
  }

  async #groupCommand(command: Command): Promise<void> {
    const api = await this.#options.api();
    if (command.kind === 'group-new') {
      const id = idPattern.test(command.name) ? { id: command.name } : {};
      const group = await api.createGroup({ ...id, title: command.name, members: command.members });
      return this.#open(group.conversation);
    }
    if (command.kind === 'join') return this.#join(api, command);
    const group = this.#currentGroup();
    if (command.kind === 'nick') await api.group(group).setNickname(this.#client.user, command.name);
    else if (command.kind === 'group-care')
      for (const line of await careFor({ group: api.group(group), id: group }, command.verb, command.words))
        this.#terminal.print(line);
    else if (command.kind === 'group-add') await api.addMembers(group, command.members);
    else if (command.kind === 'leave') await api.leave(group);
    else if (command.kind === 'group-remove')
      for (const one of command.members) await api.removeMember(group, one);
    else if (command.kind === 'members') await this.#members(api, group);
  }

  async #join(api: HttpApi, { group, code }: { group: string; code: string }): Promise<void> {
    const status = await api.group(group).join(code === '' ? {} : { code });
    if (status === 'joined') return this.#open(groupConversation(group));
    this.#terminal.print('* asked: owner or admins have to approve');
  }

  #say(text: string): void {
    const here = this.#here();
    this.#terminal.eraseTyped();
    here
      .send(text)
      .catch((error: unknown) =>
        this.#terminal.print(`not sent: ${text.slice(0, 40)} - ${errorLine(error)}`),
      );
  }

  async #goTo(name: string): Promise<void> {
    const me = this.#client.user;
    const known = this.#client.conversations.find(
      (one) => nameOf(one, me) === name || one.id === name || one.id === groupConversation(name),
    );
    if (known !== undefined) return this.#open(known.id);
    const { exists } = await (await this.#options.api()).user(name);
    if (!exists)
      throw new ClientError({
        code: 'USER_NOT_FOUND',
        message: `there is no ${name}`,
        retryable: false,
        retryAfterMs: 0,
      });
    return this.#open(directConversation(me, name));
  }

  async #open(conversation: string): Promise<void> {
    this.#current = this.#client.conversation(conversation);
    this.#terminal.print(`* now in ${nameOf(this.#current, this.#client.user)}`);
    if (this.#current.head > 0) await this.#showNewest(this.#current, shownOnOpening);
  }

  async #showNewest(view: ConversationView, count: number): Promise<void> {
    while (view.messages.length < count) {
      const loaded = await view.loadOlder(count - view.messages.length);
      if (loaded === 0) break;
    }
    const newest = view.messages.slice(-count);
    for (const message of newest) this.#terminal.print(messageLine(message, this.#client.user));
    if (newest.length === 0) this.#terminal.print('* nothing here yet');
    if (view.unread > 0) await view.markRead();
  }

  /** What was said then, from a few messages before on; the conversation itself stays where it is. */
  async #showAt({ id }: ConversationView, atMs: number): Promise<void> {
    const page = await this.#client.history({ conversation: id, atMs, limit: shownAtDate });
    const { messages, around, moreAfter } = page;
    let day = '';
    for (const message of messages) {
      const its = dayOf(message.sentAtMs);
      if (its !== day) this.#terminal.print(`* ${its}`);
      day = its;
      this.#terminal.print(messageLine(message, this.#client.user));
    }
    if (messages.length === 0) this.#terminal.print('* nothing here yet');
    else if (around > (messages.at(-1)?.sequence ?? 0)) this.#terminal.print('* nothing was said since');
    else if (moreAfter) this.#terminal.print('* and so on: /history shows the newest');
  }

  /** The file is new, and removed again when the document does not become whole. */
  async #export(
    { id }: ConversationView,
    { file, format }: { file: string; format: ExportFormat },
  ): Promise<void> {
    const output = await open(file, 'wx');
    try {
      const document = await (await this.#options.api()).export({ conversation: id, format });
      await pipeline(document, output.createWriteStream());
    } catch (error) {
      await output.close();
      await unlink(file);
      throw error;
    }
    this.#terminal.print(`* written to ${file}`);
  }

  #list(): void {
    const all = this.#client.conversations.filter((one) => one.head > 0 && !one.settings.hidden);
    if (all.length === 0) this.#terminal.print('* no conversations yet: /to NAME starts one');
    for (const one of all) {
      const mark = one.id === this.#current?.id ? '>' : ' ';
      this.#terminal.print(`${mark} ${conversationLine(one, this.#client.user)}`);
    }
  }

  async #search(words: string): Promise<void> {
    const { hits } = await (await this.#options.api()).search({ q: words, limit: searchHitsMax });
    for (const hit of hits.toReversed()) {
      const where = nameOf(this.#client.conversation(hit.conversation), this.#client.user);
      this.#terminal.print(`[${where}] ${messageLine(hit, this.#client.user)}`);
    }
    this.#terminal.print(
      `* ${hits.length === 0 ? 'nothing found' : `${hits.length} found`} (new messages take a moment to be found)`,
    );
  }

  async #members(api: HttpApi, group: string): Promise<void> {
    for (let after = ''; ;) {
      const page = await api.members(group, after === '' ? {} : { after });
      for (const { user, role } of page.members)
        this.#terminal.print(`  ${user}${role === 'member' ? '' : ` (${role})`}`);
      if (page.next === undefined) return;
      after = page.next;
    }
  }

  async #who(): Promise<void> {
    const address = parseConversation(this.#here().id);
    const users =
      address?.type === 'direct'
        ? [peerOf(address, this.#client.user)]
        : (await (await this.#options.api()).members(this.#currentGroup(), { limit: whoMax })).members.map(
            (one) => one.user,
          );
    for (const one of await this.#client.presence(users)) {
      this.#terminal.print(`  ${one.user} ${one.online ? 'is online' : 'is away'}`);
    }
  }

  #showMessage(message: Message, conversation: ConversationView): void {
    const me = this.#client.user;
    if (conversation.id === this.#current?.id) {
      this.#terminal.print(messageLine(message, me));
      if (message.sender !== me && !message.edited && !message.recalled)
        conversation
          .markRead(message.sequence)
          .catch((error: unknown) => this.#terminal.print(errorLine(error)));
      return;
    }
    const unread = conversation.unread > 0 ? ` (${conversation.unread} unread)` : '';
    this.#terminal.print(`[${nameOf(conversation, me)}]${unread} ${messageLine(message, me)}`);
  }

  #lastOwn(): number {
    const isOwn = ({ sender, text, isRecalled }: Message): boolean =>
      sender === this.#client.user && text != null && !isRecalled;
    const last = this.#here().messages.findLast(isOwn);
    if (last === undefined) throw new Error('you have written nothing here that could be changed');
    return last.sequence;
  }

  #lastWritten(): number {
    const last = this.#here().messages.findLast(({ text, isRecalled }) => text != null && !isRecalled);
    if (last === undefined) throw new Error('nobody has written anything here');
    return last.sequence;
  }

  #here(): ConversationView {
    if (this.#current === undefined) throw new Error('nowhere to send to: /to NAME chooses a conversation');
    return this.#current;
  }

  #currentGroup(): string {
    const address = parseConversation(this.#here().id);
    if (address?.type !== 'group')
      throw new Error('this is not a group: /to NAME switches to one, /group new makes one');
    return address.id;
  }

  #showPrompt(): void {
    const where = this.#current === undefined ? '' : nameOf(this.#current, this.#client.user);
    this.#terminal.setPrompt(`${where}> `);
  }

  async #flush(): Promise<void> {
    const endMs = Date.now() + flushLimitMs;
    while (this.#client.outboxSize > 0 && Date.now() < endMs)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const lost = this.#client.outboxSize;
    if (lost > 0) throw localError('STOPPED', `${lost} messages could not be sent`);
  }
}
