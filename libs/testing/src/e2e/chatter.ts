// Somebody who sends all the time, and the comparison of what was acknowledged with what devices show: acknowledged
// messages are in every member's view, at their sequence, once, in the order they were sent, and views are dense.
import type { Client, Message, Sent } from '@parley/client';
import { waitUntil } from '../servers/wait-until.ts';
import { untilTail, viewOf } from './people.ts';

/** Unanswered messages of one chatter: several, so that order under retries is tested too. */
const inFlightMax = 3;

/** Between an answer and the next message: a test needs sending to go on, not load. Longer where many talk at once. */
const breathMsDefault = 25;

/** Counts chatters, so that no two texts of a file are alike. */
let chatters = 0;

export interface Acked {
  readonly sender: string;
  readonly text: string;
  readonly sequence: number;
}

export class Chatter {
  /** In the order of sending. */
  readonly acked: Acked[] = [];
  readonly refused: string[] = [];
  readonly conversation: string;
  readonly #client: Client;
  readonly #breathMs: number;
  readonly #name: string;
  readonly #number = ++chatters;
  readonly #running = new Set<Promise<void>>();
  #sent = 0;
  #isStopping = false;

  constructor(client: Client, conversation: string, breathMs: number) {
    this.#breathMs = breathMs;
    this.#client = client;
    this.conversation = conversation;
    this.#name = client.user;
  }

  static start(client: Client, conversation: string, { breathMs = breathMsDefault } = {}): Chatter {
    const chatter = new Chatter(client, conversation, breathMs);
    for (let lane = 0; lane < inFlightMax; lane++) chatter.#next();
    return chatter;
  }

  /** Waits until this many more messages have been acknowledged. */
  async more(count: number, limitMs = 40_000): Promise<void> {
    const wanted = this.acked.length + count;
    await waitUntil(() => this.acked.length >= wanted, {
      what: `${this.#name} gets ${count} more messages acknowledged in ${this.conversation}`,
      limitMs,
    }).catch((error: unknown) => {
      const seen = `${this.acked.length} of ${wanted}, ${this.#client.state}, refused: ${this.refused.join('; ')}`;
      throw new Error(`${(error as Error).message} (${seen})`, { cause: error });
    });
  }

  /** Sends no more, and waits for the last answers. */
  async stop(): Promise<readonly Acked[]> {
    this.#isStopping = true;
    await Promise.all(this.#running);
    return this.acked.toSorted((a, b) => orderOf(a) - orderOf(b));
  }

  #next(): void {
    if (this.#isStopping) return;
    const text = `${this.#name} in talk ${this.#number} #${++this.#sent}`;
    const sending = this.#client
      .send(this.conversation, text)
      .then(
        (sent: Sent) => void this.acked.push({ sender: this.#name, text, sequence: sent.sequence }),
        (error: unknown) => void this.refused.push(`${text}: ${(error as Error).message}`),
      )
      .then(() => {
        this.#running.delete(sending);
        setTimeout(() => this.#next(), this.#breathMs);
      });
    this.#running.add(sending);
  }
}

const orderOf = ({ text }: Acked): number => Number(text.slice(text.lastIndexOf('#') + 1));

/** Stops all and returns what each got acknowledged, in its order. Nothing may have been refused. */
export async function stopAll(chatters: readonly Chatter[]): Promise<Acked[]> {
  const acked = await Promise.all(chatters.map((chatter) => chatter.stop()));
  const refused = chatters.flatMap((chatter) => chatter.refused);
  if (refused.length > 0) throw new Error(`refused: ${refused.slice(0, 5).join('; ')}`);
  return acked.flat();
}

/** What is wrong with the views; empty when all is well. Waits until the devices have everything first. */
export async function flawsOf(
  devices: readonly Client[],
  conversation: string,
  acked: readonly Acked[],
  limitMs = 30_000,
): Promise<string[]> {
  const head = Math.max(...acked.map(({ sequence }) => sequence));
  await Promise.all(devices.map((device) => untilTail(device, conversation, head, limitMs)));
  return [...orderFlaws(acked), ...devices.flatMap((device) => viewFlaws(device, conversation, acked))];
}

export function orderFlaws(acked: readonly Acked[]): string[] {
  const last = new Map<string, number>();
  return acked.flatMap(({ sender, text, sequence }) => {
    const before = last.get(sender) ?? 0;
    last.set(sender, sequence);
    return sequence > before ? [] : [`${text} got ${sequence} after ${before}`];
  });
}

export function viewFlaws(device: Client, conversation: string, acked: readonly Acked[]): string[] {
  const view = viewOf(device, conversation);
  const who = `${device.user} in ${conversation}`;
  const flaws: string[] = [];
  const first = view[0]?.sequence ?? 0;
  view.forEach((message, index) => {
    if (message.sequence !== first + index) flaws.push(`${who}: #${message.sequence} at ${first + index}`);
  });
  const bySequence = new Map(view.map((message) => [message.sequence, message]));
  for (const one of acked) {
    if (one.sequence >= first && !isIt(bySequence.get(one.sequence), one))
      flaws.push(`${who}: #${one.sequence} is not ${one.text}`);
  }
  const texts = view.flatMap(({ sender, text, system }) => (system ? [] : [`${sender}: ${text}`]));
  if (new Set(texts).size < texts.length) flaws.push(`${who}: something is there twice`);
  return flaws.slice(0, 10);
}

const isIt = (message: Message | undefined, one: Acked): boolean =>
  message !== undefined && message.sender === one.sender && message.text === one.text;
