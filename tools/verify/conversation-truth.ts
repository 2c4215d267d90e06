// One conversation as its journal tells it: what stands at each sequence, who is a member. Where the journal has been
// trimmed, a snapshot says where it begins.
import type { DirectState, GroupState, LogMessage } from '@parley/domain';
import { dedupeEntries, spansOf } from '@parley/domain';
import type { MessageFact } from '../journals/facts.ts';
import { type Membership, applyMembership, newMembership } from '../journals/membership.ts';
import { messageDigest } from './digest.ts';
import type { Findings } from './findings.ts';

/** What a snapshot says, as of commit `n` of the shard. */
export interface ConversationBase {
  readonly n: number;
  readonly state: DirectState | GroupState;
}

/** A client message id may come again when the conversation has forgotten it: after this many messages. */
const repeatsWithin = 4_096;

export class ConversationTruth {
  readonly tenant: string;
  readonly id: string;
  /** Journal of the shard it is in, for people. */
  readonly shard: string;
  readonly membership: Membership;
  /** From here on `membership` says who gets what. */
  membershipFrom = 1;
  /** Sequence of the newest message; 0 while there is none. */
  head = 0;
  readonly #findings: Findings;
  readonly #base: ConversationBase | undefined;
  readonly #isWhole: boolean;
  readonly #coversStart: boolean;
  #headAtStart: number | undefined;
  /** Of the journal, by sequence - floor; undefined where the journal lacks one. */
  readonly #digests: (string | undefined)[] = [];
  #floor = 0;
  /** Of messages before the floor that were changed after it. */
  readonly #changedDigests = new Map<number, string>();
  /** What changed messages have been, one after another; the first digest is undefined where the journal lacks it. */
  readonly #versions = new Map<
    number,
    { readonly revision: number; readonly digest: string | undefined }[]
  >();
  /** Of the snapshot's newest messages. */
  readonly #snapshotDigests = new Map<number, string>();
  /** What the snapshot remembers of older messages: sender, client message id, time. */
  readonly #remembered = new Map<number, string>();
  readonly #posts = new Map<string, number>();

  constructor(
    place: { readonly tenant: string; readonly id: string; readonly shard: string },
    findings: Findings,
    options: {
      readonly base: ConversationBase | undefined;
      readonly isWhole: boolean;
      /** Whatever was committed after the verification began is in the journal. */
      readonly coversStart: boolean;
    },
  ) {
    this.tenant = place.tenant;
    this.id = place.id;
    this.shard = place.shard;
    this.membership = newMembership(place.id);
    this.#findings = findings;
    this.#base = options.base;
    this.#isWhole = options.isWhole;
    this.#coversStart = options.coversStart;
    if (options.base !== undefined) this.#takeBase(options.base.state);
  }

  get place() {
    return { tenant: this.tenant, subject: this.id };
  }

  /** The newest sequence when the verification began; undefined when the journal was trimmed too far to know. */
  get headAtStart(): number | undefined {
    if (!this.#coversStart) return undefined;
    return this.#headAtStart ?? this.head;
  }

  /** First sequence of the journal that is left; `head + 1` when none is. */
  get floor(): number {
    return this.#digests.length === 0 ? this.head + 1 : this.#floor;
  }

  /** What stands at a sequence, as far as journal and snapshot say. */
  digestAt(sequence: number): string | undefined {
    const older = this.#changedDigests.get(sequence) ?? this.#snapshotDigests.get(sequence);
    return this.#digests[sequence - this.#floor] ?? older;
  }

  /** Sequence of the newest change of the message at a sequence, as far as the journal says; 0: as it was sent. */
  revisionAt(sequence: number): number {
    return this.#versions.get(sequence)?.at(-1)?.revision ?? 0;
  }

  /** Whether the message was this at some time since `through` was the newest element of the conversation. */
  hasBeen(sequence: number, digest: string, through: number): boolean {
    const versions = this.#versions.get(sequence) ?? [];
    const first = versions.findLastIndex(({ revision }) => revision <= through);
    return versions.slice(Math.max(0, first)).some((version) => (version.digest ?? digest) === digest);
  }

  /** Whether the snapshot remembers another message at this sequence. */
  isRememberedOtherwise(message: LogMessage): boolean {
    const found = this.#remembered.get(message.sequence);
    return (
      found !== undefined && found !== memoryOf(message.sender, message.clientMessageId, message.sentAtMs)
    );
  }

  /** The fact of a commit; `isAtStart`: it was committed before the verification began. */
  apply(fact: MessageFact, n: number, isAtStart: boolean): void {
    const { message } = fact;
    const { sequence } = message;
    if (this.#digests.length === 0) this.#begin(sequence, n);
    const expected = this.head + 1;
    if (sequence > expected)
      this.#findings.add(
        'journal-missing',
        this.place,
        `not in the journal of ${this.shard}`,
        expected,
        sequence - 1,
      );
    const isDoubled =
      sequence < this.#floor || (sequence < expected && this.#digests[sequence - this.#floor] !== undefined);
    if (isDoubled)
      this.#findings.add('journal-doubled', this.place, `twice in the journal of ${this.shard}`, sequence);
    const digest = messageDigest(message);
    if (!isDoubled) this.#digests[sequence - this.#floor] = digest;
    this.head = Math.max(this.head, sequence);
    if (fact.changed !== undefined) this.#change(fact.changed);
    if (isAtStart) this.#headAtStart = this.head;
    if (this.#isWhole || n > (this.#base?.n ?? 0)) applyMembership(this.membership, fact);
    this.#notePost(message);
  }

  /** Every commit up to the snapshot's has been read: both must have come equally far. */
  holdAgainstSnapshot(): void {
    const head = this.#base?.state.log.head ?? 0;
    if (this.head < head)
      this.#findings.add(
        'journal-missing',
        this.place,
        `not in the journal of ${this.shard}`,
        this.head + 1,
        head,
      );
    else if (this.head > head)
      this.#findings.add('snapshot-missing', this.place, 'not in the snapshot', head + 1, this.head);
    this.head = Math.max(this.head, head);
    for (const [sequence, digest] of this.#snapshotDigests) {
      const inJournal = this.#digests[sequence - this.#floor];
      if (inJournal !== undefined && inJournal !== digest)
        this.#findings.add(
          'snapshot-different',
          this.place,
          'the snapshot has another message than the journal',
          sequence,
        );
    }
  }

  /** An edit or a recall: the message is another one from here on. */
  #change(changed: LogMessage): void {
    const { sequence, revision = 0 } = changed;
    const digest = messageDigest(changed);
    const versions = this.#versions.get(sequence) ?? [{ revision: 0, digest: this.digestAt(sequence) }];
    this.#versions.set(sequence, [...versions, { revision, digest }]);
    if (this.#digests[sequence - this.#floor] === undefined) this.#changedDigests.set(sequence, digest);
    else this.#digests[sequence - this.#floor] = digest;
  }

  /** The journal's first message of the conversation. What is older is in the snapshot, and in the history. */
  #begin(sequence: number, n: number): void {
    if (this.#isWhole || this.#base === undefined) {
      this.#floor = 1;
      this.#headAtStart ??= 0;
      return;
    }
    this.#headAtStart ??= sequence - 1;
    if (n <= this.#base.n) this.head = sequence - 1;
    this.#floor = this.head + 1;
  }

  #takeBase(state: DirectState | GroupState): void {
    const { head, tail, dedupe } = state.log;
    let expected = head - tail.messages.length + 1;
    for (const message of tail.messages) {
      if (message.sequence > expected)
        this.#findings.add(
          'snapshot-missing',
          this.place,
          'not among the newest messages of the snapshot',
          expected,
          message.sequence - 1,
        );
      expected = message.sequence + 1;
      this.#snapshotDigests.set(message.sequence, messageDigest(message));
    }
    if (this.#isWhole) return;
    for (const { sender, clientMessageId, sequence, atMs } of dedupeEntries(dedupe))
      this.#remembered.set(sequence, memoryOf(sender, clientMessageId, atMs));
    this.head = head;
    if (!('members' in state)) return;
    this.membershipFrom = Math.max(1, state.diffusionSince);
    this.membership.turns.push({ sequence: state.diffusionSince, isRead: state.diffusion === diffusionRead });
    const users = new Set([...state.endedSpans.keys(), ...state.members.ids()]);
    for (const user of users)
      this.membership.spans.set(
        user,
        spansOf(state, user).map((span) => ({ ...span })),
      );
  }

  #notePost({ sender, clientMessageId, sequence }: LogMessage): void {
    if (clientMessageId === '') return;
    const key = `${sender} ${clientMessageId}`;
    const before = this.#posts.get(key);
    if (before !== undefined && before !== sequence && sequence - before < repeatsWithin)
      this.#findings.add(
        'journal-doubled',
        this.place,
        `the client message id of #${before} again`,
        sequence,
      );
    this.#posts.set(key, sequence);
  }
}

const diffusionRead = 2;
const memoryOf = (sender: string, clientMessageId: string, atMs: number): string =>
  `${sender}\0${clientMessageId}\0${atMs}`;
