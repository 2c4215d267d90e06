// Every error a client can see, with its stable code. This is the one place where codes get their meaning; codes are
// never renamed or reused. docs/protocol.md repeats the table for people.

export interface ErrorCode {
  /** Trying the same again later can succeed. */
  readonly retryable: boolean;
  /** HTTP status of the same error in the HTTP API. */
  readonly status: number;
  readonly message: string;
  /** Suggested wait before a retry, milliseconds. */
  readonly retryAfterMs?: number;
}

const final = (status: number, message: string): ErrorCode => ({ retryable: false, status, message });
const retry = (status: number, retryAfterMs: number, message: string): ErrorCode => ({
  retryable: true,
  status,
  retryAfterMs,
  message,
});

export const errorCodes = {
  BAD_FRAME: final(400, 'The frame is not valid for the chosen encoding.'),
  BAD_REQUEST: final(400, 'The request is not valid.'),
  UNKNOWN_FRAME: final(400, 'The frame has no body this server knows.'),
  FRAME_TOO_LARGE: final(413, 'The frame is larger than frameBytesMax.'),
  BODY_TOO_LARGE: final(413, 'The request body is larger than bodyBytesMax.'),
  UNSUPPORTED_MEDIA_TYPE: final(415, 'Bodies are application/json.'),
  ROUTE_NOT_FOUND: final(404, 'There is no such route.'),
  UNSUPPORTED_VERSION: final(426, 'This protocol version is not supported.'),
  HELLO_REQUIRED: final(401, 'Say hello before anything else.'),
  HELLO_REPEATED: final(400, 'This connection has said hello already.'),
  UNAUTHENTICATED: final(401, 'The token is missing, unknown or not valid.'),
  TOKEN_EXPIRED: final(401, 'The token has expired: get a new one.'),
  WRONG_CREDENTIALS: final(401, 'Handle or password is wrong.'),
  WRONG_TENANT: final(403, 'The token belongs to another tenant.'),
  FORBIDDEN: final(403, 'Your role does not allow this.'),
  BAD_ID: final(400, 'An id has characters or a length that are not allowed.'),
  BAD_COMMAND: final(400, 'The command could not be read.'),
  TEXT_EMPTY: final(400, 'The text is empty.'),
  TEXT_TOO_LARGE: final(413, 'The text is larger than textBytesMax.'),
  BAD_CONTENT: final(400, 'An attachment, a mention or what is answered is not valid.'),
  CONTENT_TOO_LARGE: final(413, 'What the message carries beside its text is too large.'),
  CONTENT_REFUSED: final(422, 'The rules of this server do not allow this text.'),
  MESSAGE_NOT_FOUND: final(404, 'There is no such message, or you may not see it.'),
  MESSAGE_RECALLED: final(410, 'The message has been recalled.'),
  REACTIONS_FULL: final(409, 'The message has as many reactions as it may have.'),
  PINS_FULL: final(409, 'The conversation has as many pinned messages as it may have.'),
  DELETED_FULL: final(409, 'As many messages of the conversation are deleted as may be one by one.'),
  TOO_LATE: final(409, 'The message is too old for that.'),
  USER_NOT_FOUND: final(404, 'There is no such user in this tenant.'),
  CONVERSATION_NOT_FOUND: final(404, 'There is no such conversation.'),
  NOT_A_MEMBER: final(403, 'You are not a member of this conversation.'),
  BLOCKED: final(403, 'This person has blocked you.'),
  NOT_ACCEPTED: final(403, 'This person does not take messages from you: become contacts first.'),
  REQUEST_NOT_FOUND: final(404, 'There is no request that waits for an answer.'),
  DEVICE_LOGGED_OUT: final(401, 'This device has been logged out: log in again.'),
  DEVICE_DISPLACED: final(401, 'Another device has taken the place of this one: log in again.'),
  WRONG_DEVICE: final(403, 'The token belongs to another device.'),
  MUTED: final(403, 'You are muted in this conversation.'),
  SLOW_MODE: final(429, 'The group is in slow mode: you have written a moment ago.'),
  BANNED: final(403, 'Banned from this group.'),
  INVITE_INVALID: final(410, 'The invite is unknown, expired, used up or revoked.'),
  LIMIT_REACHED: final(409, 'There are as many of these as there may be.'),
  GROUP_DISMISSED: final(410, 'The group has been dismissed.'),
  GROUP_FULL: final(409, 'The group has reached its maximum of members.'),
  ALREADY_EXISTS: final(409, 'The name is taken.'),
  SEQUENCE_FROM_FUTURE: final(400, 'The sequence or position lies beyond the newest one.'),
  PREDECESSOR_MISSING: retry(
    409,
    50,
    'The message this one comes after has not arrived: send that one first.',
  ),
  RANGE_TOO_LARGE: final(413, 'The answer would read or hold too much: ask for a shorter time.'),
  RATE_LIMITED: retry(429, 1_000, 'Too many requests.'),
  BUSY: retry(503, 200, 'Too much is waiting here.'),
  EXPIRED: retry(503, 100, 'The command waited too long and was not carried out.'),
  TIMEOUT: retry(
    504,
    200,
    'No answer in time; it may or may not have been carried out: repeat it with the same id.',
  ),
  UNAVAILABLE: retry(503, 500, 'A part of the server is away.'),
  HISTORY_BEHIND: retry(503, 500, 'These messages are not in the history store yet.'),
  CONTENT_SEALED: final(409, 'This tenant seals its messages: the server cannot do that with them.'),
  NOT_SEALED: final(409, 'The message was not sealed: no key can be destroyed for it.'),
  ON_HOLD: final(409, 'A legal hold keeps this.'),
  EVENTS_MISSING: final(409, 'The history store does not have all events of this from its beginning.'),
  TOO_MANY_EVENTS: final(413, 'More events than eventsMax would have to be read for this.'),
  HISTORY_UNAVAILABLE: retry(503, 1_000, 'The history store is away.'),
  INTERNAL: retry(500, 500, 'Something went wrong here.'),
} as const satisfies Record<string, ErrorCode>;

export type ErrorName = keyof typeof errorCodes;

/** A code of the wire as this program knows it; any other is INTERNAL. */
export const errorNameOf = (code: string): ErrorName =>
  Object.hasOwn(errorCodes, code) ? (code as ErrorName) : 'INTERNAL';

const uint32Max = 4_294_967_295;

/** The error frame body for a code; an unknown code becomes INTERNAL. The others replace what the table says. */
export function errorBody(code: string, message?: string, retryAfterMs?: number) {
  const name = errorNameOf(code);
  const entry: ErrorCode = errorCodes[name];
  return {
    code: name,
    message: message ?? entry.message,
    retryable: entry.retryable,
    retryAfterMs: Math.min(retryAfterMs ?? entry.retryAfterMs ?? 0, uint32Max),
  };
}
