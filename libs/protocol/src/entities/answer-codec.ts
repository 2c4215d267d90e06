// Replies and refusals as the caller gets them: an encoded ServerFrame without request id, which the gateway puts in
// front. Replies have the field names of the wire and encode as they are.
import type { Done, ReadDone, Sent } from '@parley/domain';
import { type Refused, assertNever } from '@parley/std';
import { errorBody } from '../error-codes.ts';
import { wire } from '../messages.ts';
import { encodeSent } from './hot-values.ts';

export function encodeReply(reply: Sent | ReadDone | Done): Uint8Array {
  switch (reply.type) {
    case 'Sent':
      return encodeSent(reply);
    case 'ReadDone':
      return wire.ServerFrame.encode({ readDone: reply }).finish();
    case 'Done':
      return reply.isPending === true ? pendingFrame : doneFrame;
    default:
      return assertNever(reply, 'encodeReply');
  }
}

export const encodeRefusal = (refusal: Refused): Uint8Array =>
  wire.ServerFrame.encode({ error: errorBody(refusal.code, refusal.message, refusal.retryAfterMs) }).finish();

const pendingFrame: Uint8Array = wire.ServerFrame.encode({ done: { isPending: true } }).finish();
const doneFrame: Uint8Array = wire.ServerFrame.encode({ done: {} }).finish();
