// A send frame that is encoded once by the real codec, WebSocket header included, and then patched for each message:
// request id, client message id and predecessor have a fixed width.
import { wire } from '@parley/protocol';
import { type MessageId, idBytes, messageIdText, writeMessageId } from './message-id.ts';
import { type Encoding, clientMessage } from './web-socket-frame.ts';

/** Request ids of sends count from here: four bytes as a varint, seven digits as JSON. */
export const firstSendRequest = 2 ** 21;

export interface SendPlan {
  readonly encoding: Encoding;
  readonly conversation: string;
  readonly stream: number;
  readonly text: string;
  /** Names the message before. */
  readonly isChained: boolean;
}

export class SendTemplate {
  /** Of the message written last; copied by the socket. */
  readonly bytes: Buffer;
  readonly #encoding: Encoding;
  readonly #requestAt: number;
  readonly #idAt: number;
  readonly #afterAt: number;

  constructor(plan: SendPlan) {
    const id = messageIdText({ stream: plan.stream, number: 1, sentUs: 1 });
    const after = messageIdText({ stream: plan.stream, number: 0, sentUs: 0 });
    this.#encoding = plan.encoding;
    this.bytes = encodeSend(plan, firstSendRequest, id, plan.isChained ? after : '');
    const request =
      plan.encoding === 'json' ? Buffer.from(String(firstSendRequest)) : varint4(firstSendRequest);
    this.#requestAt = this.bytes.indexOf(request);
    this.#idAt = this.bytes.indexOf(id);
    this.#afterAt = plan.isChained ? this.bytes.indexOf(after) : -1;
  }

  write(requestId: number, id: MessageId, after?: MessageId): Buffer {
    if (this.#encoding === 'json') writeNumber(this.bytes, this.#requestAt, requestId);
    else writeVarint4(this.bytes, this.#requestAt, requestId);
    writeMessageId(this.bytes, this.#idAt, id);
    if (after !== undefined) writeMessageId(this.bytes, this.#afterAt, after);
    return this.bytes;
  }
}

/** The same without a template, for the rare message that is sent again. */
export function encodeSend(
  { encoding, conversation, text }: Pick<SendPlan, 'encoding' | 'conversation' | 'text'>,
  requestId: number,
  id: string,
  after: string,
): Buffer {
  const send = {
    conversation,
    clientMessageId: id,
    text,
    ...(after === '' ? {} : { afterClientMessageId: after }),
  };
  return encoding === 'json'
    ? clientMessage(Buffer.from(JSON.stringify({ requestId, send })), encoding)
    : clientMessage(wire.ClientFrame.encode({ requestId, send }).finish(), encoding);
}

function varint4(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  writeVarint4(bytes, 0, value);
  return bytes;
}

function writeVarint4(target: Uint8Array, at: number, value: number): void {
  target[at] = (value & 0x7f) | 0x80;
  target[at + 1] = ((value >>> 7) & 0x7f) | 0x80;
  target[at + 2] = ((value >>> 14) & 0x7f) | 0x80;
  target[at + 3] = (value >>> 21) & 0x7f;
}

/** Seven digits. */
function writeNumber(target: Uint8Array, at: number, value: number): void {
  let rest = value;
  for (let index = at + 6; index >= at; index -= 1) {
    target[index] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

export { idBytes };
