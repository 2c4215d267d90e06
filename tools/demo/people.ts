// The users of the demo: their devices, connections and stores. A device keeps its store while it is offline.
import { type Client, type FrameCodec, HttpApi, type Sent, createClient } from '@parley/client';
import type { Issuer } from '../issuer.ts';
import { SharedMessages, SharingStore, sharedDecoding } from './sharing.ts';

export interface Device {
  readonly user: string;
  readonly deviceId: string;
  readonly store: SharingStore;
  client: Client | undefined;
}

export interface Posted {
  readonly conversation: string;
  readonly sender: string;
  readonly clientMessageId: string;
  readonly text: string;
  /** Order of sending of one user in one conversation. */
  readonly order: number;
  sequence: number;
}

export interface Changed {
  readonly conversation: string;
  /** Sequence of the message that was changed. */
  readonly target: number;
  /** The change is an element of the log itself. */
  readonly sequence: number;
  /** The new text; absent when the message was recalled. */
  readonly text?: string;
}

export interface Tally {
  connections: number;
  sent: number;
  acked: number;
  repeated: number;
  /** A repeat that got another sequence than the first. */
  doubledByRepeat: number;
  failed: string[];
}

/** Every so many-th message is edited by its sender, and every so many-th recalled; some both, in this order. */
const editEvery = 17;
const recallEvery = 34;

/** Failures told one by one; more are only counted. */
const failuresToldMax = 20;

export class People {
  readonly devices = new Map<string, Device[]>();
  readonly posted: Posted[] = [];
  readonly changed: Changed[] = [];
  readonly tally: Tally = { connections: 0, sent: 0, acked: 0, repeated: 0, doubledByRepeat: 0, failed: [] };
  readonly #addresses: { readonly wsUrl: string; readonly httpUrl: string };
  readonly #issuer: Issuer;
  readonly #codec: FrameCodec = sharedDecoding();
  readonly #shared = new SharedMessages();
  #isClosed = false;
  readonly #tokens = new Map<string, Promise<string>>();

  constructor(addresses: { readonly wsUrl: string; readonly httpUrl: string }, issuer: Issuer) {
    this.#addresses = addresses;
    this.#issuer = issuer;
  }

  async api(user: string): Promise<HttpApi> {
    return new HttpApi({ url: this.#addresses.httpUrl, token: await this.#token(user) });
  }

  /** Connects all devices of a user that are not connected; makes the first `count` of them. */
  async connect(user: string, count = 1): Promise<Client> {
    const devices = this.devices.get(user) ?? [];
    this.devices.set(user, devices);
    while (devices.length < count) {
      devices.push({
        user,
        deviceId: `device-${devices.length + 1}`,
        store: new SharingStore(this.#shared),
        client: undefined,
      });
    }
    await Promise.all(devices.map((device) => this.#connect(device)));
    return devices[0]!.client!;
  }

  disconnect(user: string): void {
    for (const device of this.devices.get(user) ?? []) {
      device.client?.close();
      device.client = undefined;
    }
  }

  isConnected(user: string): boolean {
    return this.devices.get(user)?.[0]?.client !== undefined;
  }

  /** Sends from the user's first device. Resolves when it is acknowledged (or has failed, which is counted). */
  async send(user: string, conversation: string, text: string, repeats: boolean): Promise<void> {
    const client = this.devices.get(user)?.[0]?.client;
    if (client === undefined) throw new Error(`${user} is not connected`);
    const order = this.tally.sent++;
    const clientMessageId = `${user.slice(0, 40)}:${order}`;
    try {
      const sent = await client.send(conversation, text, clientMessageId);
      this.tally.acked++;
      this.posted.push({ conversation, sender: user, clientMessageId, text, order, sequence: sent.sequence });
      if (repeats) await this.#repeat(client, sent, text);
      await this.#change(client, sent, { text, order });
    } catch (error) {
      this.fail(`${user} → ${conversation}: ${(error as Error).message}`);
    }
  }

  fail(what: string): void {
    // What is cut off by the end is no failure.
    if (this.#isClosed) return;
    if (this.tally.failed.length < failuresToldMax) process.stderr.write(`  failed: ${what}\n`);
    this.tally.failed.push(what);
  }

  closeAll(): void {
    this.#isClosed = true;
    for (const user of this.devices.keys()) this.disconnect(user);
  }

  /** As after a lost acknowledgement: the same id again must give the same place again. */
  async #repeat(client: Client, first: Sent, text: string): Promise<void> {
    this.tally.repeated++;
    const again = await client.send(first.conversation, text, first.clientMessageId);
    if (again.sequence !== first.sequence || !again.duplicate) this.tally.doubledByRepeat++;
  }

  async #change(
    client: Client,
    { conversation, sequence: target }: Sent,
    { text, order }: { readonly text: string; readonly order: number },
  ): Promise<void> {
    if (order % editEvery === 0) {
      const edited = `${text} (put right)`;
      const { sequence } = await client.edit(conversation, target, edited);
      this.changed.push({ conversation, target, sequence, text: edited });
    }
    if (order % recallEvery !== 0) return;
    const { sequence } = await client.recall(conversation, target);
    this.changed.push({ conversation, target, sequence });
  }

  async #connect(device: Device): Promise<void> {
    if (device.client !== undefined) return device.client.connect();
    const client = createClient({
      url: this.#addresses.wsUrl,
      getToken: () => this.#token(device.user),
      deviceId: device.deviceId,
      store: device.store,
      codec: this.#codec,
    });
    device.client = client;
    this.tally.connections++;
    await client.connect();
  }

  #token(user: string): Promise<string> {
    let token = this.#tokens.get(user);
    if (token === undefined) this.#tokens.set(user, (token = this.#issuer.tokenOf(user)));
    return token;
  }
}
