// Whatever reaches a gateway is compared with the journals at that moment: nothing may be said that is not stored
// (INV-3, INV-7). The auditor hears of a record when it is stored, so there is no grace.
import { type LogMessage, type UserConversation, type UserEvent, Diffusion } from '@parley/domain';
import { applyChange, takesPosition, unreadOf, withoutContent } from '@parley/domain';
import { encodeLogMessage, fromWireMessage, type parley } from '@parley/protocol';
import { type JournalAuditor, currentLog, digest, postKey } from './journal-auditor.ts';
import type { Trace } from './trace.ts';

export class AnswerChecks {
  readonly #auditor: JournalAuditor;
  readonly #trace: Trace;
  readonly #tenant: string;
  checked = 0;
  /** Answers older than what somebody had been told before they were asked for. Allowed, and worth knowing. */
  stale = 0;
  /** Repeated sends that got the first answer again. */
  duplicates = 0;
  readonly #told = new Map<string, number>();

  constructor(auditor: JournalAuditor, trace: Trace, tenant: string) {
    this.#auditor = auditor;
    this.#trace = trace;
    this.#tenant = tenant;
  }

  sent(sender: string, sent: parley.v1.Sent): void {
    this.checked++;
    if (sent.duplicate) this.duplicates++;
    const { conversation, clientMessageId, sequence, sentAtMs } = sent;
    const key = postKey(this.#tenant, conversation, sender, clientMessageId);
    const stored = this.#auditor.posted.get(key);
    if (stored !== sequence)
      this.#violate(`${key} is acknowledged as ${sequence}, the journal has ${stored ?? 'nothing'}`);
    else if (this.#log(conversation)[sequence - 1]?.sentAtMs !== sentAtMs)
      this.#violate(`${key}: acknowledged with another time`);
  }

  readDone(user: string, done: parley.v1.ReadDone): void {
    this.checked++;
    const known = this.#auditor.user(this.#tenant, user).conversations.get(done.conversation);
    if ((known?.read ?? 0) < done.sequence)
      this.#violate(
        `${user} has read ${done.conversation} to ${done.sequence}, the journal says ${known?.read}`,
      );
  }

  groupCreated(id: string): void {
    this.checked++;
    if (this.#log(`g.${id}`).length === 0) this.#violate(`group ${id} is acknowledged, the journal has none`);
  }

  /** A numbered push: an Entry without its position. */
  entryPushed(user: string, position: number, entry: parley.v1.Entry): void {
    this.checked++;
    this.#told.set(user, Math.max(position, this.newestTold(user)));
    const event = this.#inbox(user)[position - 1];
    const { message, readMoved, personal } = entry;
    if (event === undefined)
      return this.#violate(`${user} is pushed position ${position}, not in the journal`);
    const isSame = message
      ? event.type === 'EntryAppended' &&
        event.conversation === message.conversation &&
        event.sequence === message.sequence
      : personal
        ? takesPosition(event) && event.type !== 'EntryAppended' && event.type !== 'ReadPointerMoved'
        : event.type === 'ReadPointerMoved' &&
          event.conversation === readMoved?.conversation &&
          event.sequence === readMoved.sequence;
    if (!isSame) return this.#violate(`${user} is pushed something else as position ${position}`);
    if (message) this.message(fromWireMessage(message as parley.v1.Message));
  }

  /** A push without number. */
  framePushed(user: string, frame: parley.v1.ServerFrame): void {
    this.checked++;
    const { receipt, syncNeeded } = frame;
    if (receipt) {
      const known = this.#auditor.user(this.#tenant, user).conversations.get(receipt.conversation ?? '');
      if ((known?.peerRead ?? 0) < (receipt.sequence ?? 0))
        this.#violate(`${user} gets a receipt nobody has committed`);
      if ((known?.peerDelivered ?? 0) < (receipt.delivered ?? 0))
        this.#violate(`${user} is told of a delivery nobody has committed`);
    }
    if (syncNeeded) this.position(user, syncNeeded.inboxPosition ?? 0);
  }

  position(user: string, position: number): void {
    this.checked++;
    this.#told.set(user, Math.max(position, this.newestTold(user)));
    const { length } = this.#inbox(user);
    if (position > length) this.#violate(`${user} is told position ${position}, the journal has ${length}`);
  }

  /** Newest inbox position any device of the user has heard of. */
  newestTold(user: string): number {
    return this.#told.get(user) ?? 0;
  }

  /** An owner that does not know that it is none any more may answer from its past. */
  freshness(user: string, position: number, toldBefore: number): void {
    if (position >= toldBefore) return;
    this.stale++;
    this.#trace.note(user, `is answered position ${position}, ${toldBefore} was told before`);
  }

  /** A programmer's error in the model itself: it must not look like a quiet run. */
  broken(user: string, cause: unknown): void {
    this.#trace.violate('model', `${user}: ${cause instanceof Error ? cause.stack : String(cause)}`);
  }

  inboxEntry(user: string, entry: parley.internal.v1.InboxEntry): void {
    this.checked++;
    const event = this.#inbox(user)[entry.position - 1];
    const isSame =
      event?.type === 'EntryAppended'
        ? !entry.isReadMoved &&
          event.conversation === entry.conversation &&
          event.sequence === entry.sequence &&
          event.membership === entry.membership &&
          event.diffusion === entry.diffusion
        : entry.personal != null
          ? event !== undefined && takesPosition(event) && event.type !== 'ReadPointerMoved'
          : event?.type === 'ReadPointerMoved' &&
            entry.isReadMoved &&
            event.conversation === entry.conversation &&
            event.sequence === entry.sequence;
    if (!isSame) this.#violate(`${user} reads something else at position ${entry.position}`);
  }

  message(message: LogMessage): void {
    this.checked++;
    const stored = this.#log(message.conversation)[message.sequence - 1];
    if (stored === undefined)
      this.#violate(`${message.conversation} ${message.sequence} is shown, not in the journal`);
    else if (digest(encodeLogMessage(this.#versionOf(stored, message))) !== digest(encodeLogMessage(message)))
      this.#violate(`${message.conversation} ${message.sequence} is shown with another content`);
  }

  /** What is shown may be as it was sent, or as any change since has left it; an edit of a recalled message is emptied. */
  #versionOf(stored: LogMessage, shown: LogMessage): LogMessage {
    const log = this.#log(shown.conversation);
    if (shown.revision !== undefined) return applyChange(stored, log[shown.revision - 1] ?? stored);
    const target = stored.edited?.sequence;
    const isEmptied = target !== undefined && shown.edited?.text === '' && shown.edited.rich === undefined;
    return isEmptied && log.some(({ recalled }) => recalled?.sequence === target)
      ? withoutContent(stored)
      : stored;
  }

  head(conversation: string, head: number): void {
    this.checked++;
    const { length } = this.#log(conversation);
    if (head > length) this.#violate(`${conversation}: head ${head} is told, the journal has ${length}`);
  }

  /** Once everything is quiet: the list of conversations is what the journal says, and unread counts are right. */
  conversations(user: string, list: readonly parley.v1.Conversation[]): void {
    const { conversations } = this.#auditor.user(this.#tenant, user);
    const found = list.map(({ conversation, head, read, unread, unreadMentions, left }) => [
      conversation,
      head,
      read,
      unread,
      unreadMentions,
      left,
    ]);
    const expected = [...conversations.values()].map((one) => [
      one.conversation,
      one.head,
      one.read,
      unreadOf(one),
      one.mentioned.length,
      one.left,
    ]);
    if (JSON.stringify(found.sort()) !== JSON.stringify(expected.sort()))
      this.#trace.violate(
        'INV-6',
        `conversations of ${user}: ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`,
      );
    for (const one of conversations.values()) {
      if (one.left > 0 || one.diffusion === Diffusion.READ) continue;
      const log = this.#log(one.conversation);
      if (one.head !== log.length)
        this.#trace.violate(
          'INV-10',
          `${user} counts ${one.conversation} to ${one.head}, it has ${log.length}`,
        );
      if (one.conversation.startsWith('d.')) this.#unread(user, one, log);
      this.#unreadMentions(user, one, log);
    }
  }

  /** Counted from the log alone: what people wrote after the pointer and did not take back. */
  #unread(user: string, one: UserConversation, log: readonly LogMessage[]): void {
    const unread = currentLog(log).filter(
      ({ sequence, text, isRecalled }) => sequence > one.read && text !== undefined && isRecalled !== true,
    );
    if (unreadOf(one) !== unread.length)
      this.#trace.violate(
        'INV-10',
        `${user} has ${unreadOf(one)} unread in ${one.conversation}, the log says ${unread.length}`,
      );
  }

  /** Counted from the log alone: what mentions the user after the pointer, as it is now. */
  #unreadMentions(user: string, one: UserConversation, log: readonly LogMessage[]): void {
    const mentioned = currentLog(log).filter(({ sequence, text, rich }) => {
      const isMeant = rich?.mentionsAll === true || rich?.mentions.includes(user) === true;
      return isMeant && text !== undefined && sequence > one.read;
    });
    if (one.mentioned.join() !== mentioned.map(({ sequence }) => sequence).join())
      this.#trace.violate(
        'INV-10',
        `${user} is mentioned in ${one.conversation} ${one.mentioned.join()}, the log says ${mentioned.map(({ sequence }) => sequence).join()}`,
      );
  }

  #log(conversation: string): readonly LogMessage[] {
    return this.#auditor.logs.get(`${this.#tenant}.${conversation}`) ?? [];
  }

  #inbox(user: string): readonly UserEvent[] {
    return this.#auditor.inboxes.get(`${this.#tenant}.${user}`) ?? [];
  }

  #violate(what: string): void {
    this.#trace.violate('INV-3', what);
  }
}
