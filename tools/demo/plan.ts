// Turns a corpus into what will be done: which people there are, what each does in the channel and in which order, and who
// says what to whom in private. Decided before anything runs, so that a run can be explained and repeated.
import type { ChannelEvent, Corpus, Dialogue } from './corpus.ts';

export interface ChannelPerson {
  readonly id: string;
  /** Listens on a second device as well. */
  readonly hasTwoDevices: boolean;
  /** Loses the connection half way, and comes back to speak or at the end. */
  readonly dropsOut: boolean;
}

export type Step =
  | { readonly kind: 'join'; readonly person: ChannelPerson }
  | { readonly kind: 'leave'; readonly person: ChannelPerson }
  | { readonly kind: 'say'; readonly person: ChannelPerson; readonly text: string };

export interface Pair {
  readonly first: string;
  readonly second: string;
  readonly lang: string;
  /** `receiver offline`: the second one is away and gets everything on return. */
  readonly manner: 'plain' | 'receiver offline' | 'two devices';
  readonly lines: { readonly from: 'first' | 'second'; readonly text: string }[];
}

export interface Plan {
  readonly people: readonly ChannelPerson[];
  readonly steps: readonly Step[];
  readonly pairs: readonly Pair[];
  readonly users: number;
  readonly messages: number;
}

/** Share of the users who talk in private; the others are the people of the channel. */
const pairedShare = 0.25;
/** Every so many-th person or pair is special in one way. */
const twoDevicesEvery = 15;
const dropsOutEvery = 12;
const pairMannersEvery = 5;

export async function makePlan(
  corpus: Corpus,
  wanted: { readonly messages: number; readonly users: number },
): Promise<Plan> {
  const pairs = planPairs(corpus.dialogues, wanted);
  const privateMessages = pairs.reduce((sum, pair) => sum + pair.lines.length, 0);
  const usersMax = wanted.users - pairs.length * 2 - 1;
  const channel = await planChannel(corpus, { usersMax, messages: wanted.messages - privateMessages });
  return {
    ...channel,
    pairs,
    users: channel.people.length + pairs.length * 2 + 1,
    messages: channel.steps.filter((step) => step.kind === 'say').length + privateMessages,
  };
}

function planPairs(
  dialogues: readonly Dialogue[],
  wanted: { readonly messages: number; readonly users: number },
): Pair[] {
  const count = Math.max(2, Math.floor((wanted.users * pairedShare) / 2));
  // In small runs the channel must not be crowded out.
  const linesMax = wanted.messages / 2;
  const pairs = new Map<string, Pair[]>();
  const all: Pair[] = [];
  let lines = 0;
  const shares = sharesOf(dialogues, count);
  dialogues.forEach((dialogue, i) => {
    if (lines >= linesMax && pairs.has(dialogue.lang)) return;
    const ofLang = pairs.get(dialogue.lang) ?? [];
    pairs.set(dialogue.lang, ofLang);
    const share = shares.get(dialogue.lang)!;
    let pair = ofLang[i % share];
    if (pair === undefined) {
      pair = newPair(dialogue.lang, all.length);
      ofLang.push(pair);
      all.push(pair);
    }
    dialogue.lines.forEach((text, n) => {
      if (text.trim() === '') return;
      pair.lines.push({ from: n % 2 === 1 && pair.manner !== 'receiver offline' ? 'second' : 'first', text });
      lines++;
    });
  });
  return all;
}

/** How many pairs talk in each language: in proportion to its dialogues, at least one. */
function sharesOf(dialogues: readonly Dialogue[], count: number): Map<string, number> {
  const shares = new Map<string, number>();
  for (const { lang } of dialogues) shares.set(lang, (shares.get(lang) ?? 0) + 1);
  for (const [lang, number] of shares)
    shares.set(lang, Math.max(1, Math.floor((count * number) / dialogues.length)));
  return shares;
}

function newPair(lang: string, index: number): Pair {
  const manner =
    index % pairMannersEvery === 1
      ? 'receiver offline'
      : index % pairMannersEvery === 3
        ? 'two devices'
        : 'plain';
  return { first: `pair${index}-a`, second: `pair${index}-b`, lang, manner, lines: [] };
}

async function planChannel(corpus: Corpus, wanted: { readonly messages: number; readonly usersMax: number }) {
  const people: ChannelPerson[] = [];
  const byNick = new Map<string, ChannelPerson>();
  const inside = new Set<ChannelPerson>();
  const ids = new Set<string>();
  const steps: Step[] = [];
  let messages = 0;
  for await (const event of corpus.channel()) {
    if (messages >= wanted.messages) break;
    const person = personOf(event);
    if (person === undefined) continue;
    takeStep(event, person);
  }
  return { people, steps };

  /** Once there are enough people, strangers are passed over. */
  function personOf({ nick, kind }: ChannelEvent): ChannelPerson | undefined {
    const known = byNick.get(nick);
    if (known !== undefined || kind === 'leave' || kind === 'nick' || people.length >= wanted.usersMax)
      return known;
    const n = people.length;
    const id = idOf(nick, ids);
    const person = { id, hasTwoDevices: n % twoDevicesEvery === 3, dropsOut: n % dropsOutEvery === 5 };
    people.push(person);
    byNick.set(nick, person);
    return person;
  }

  function takeStep(event: ChannelEvent, person: ChannelPerson): void {
    const text = event.text ?? '';
    if (event.kind === 'nick') {
      // The same person under a new name; the old name is free again.
      byNick.delete(event.nick);
      byNick.set(text, person);
    } else if (event.kind === 'leave') {
      if (inside.delete(person)) steps.push({ kind: 'leave', person });
    } else {
      if (!inside.has(person)) steps.push({ kind: 'join', person });
      inside.add(person);
      if (event.kind === 'join' || text.trim() === '') return;
      steps.push({ kind: 'say', person, text: event.kind === 'action' ? `* ${event.nick} ${text}` : text });
      messages++;
    }
  }
}

/** Nicknames have characters that ids may not have. */
function idOf(nick: string, taken: Set<string>): string {
  const base = nick.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 48) || 'nobody';
  let id = base;
  for (let n = 2; taken.has(id); n++) id = `${base}-${n}`;
  taken.add(id);
  return id;
}
