// What history has to say before keys are destroyed: whether a legal hold is in the way, and whose key a message has. It has no
// keys itself; gateways destroy them.
import { type ClickHouse, sqlInteger, sqlText } from '@parley/adapters';
import { idPattern, internal, parseConversation, type parley } from '@parley/protocol';
import { BadRequest } from '../reading/bad-request.ts';
import { holdAgainst } from '../retention/holds.ts';

type Request = parley.internal.v1.ErasureRequest;

const reasonCharactersMax = 1_000;

/** Throws BadRequest: ON_HOLD, NOT_SEALED, MESSAGE_NOT_FOUND, BAD_ID, BAD_REQUEST. */
export async function grantErasure(
  clickHouse: ClickHouse,
  tenant: string,
  request: Request,
): Promise<parley.internal.v1.IErasureGranted> {
  mustBeErasable(request);
  const message = request.sequence > 0 ? await sealedMessage(clickHouse, tenant, request) : undefined;
  const user = message?.user ?? request.user;
  const { conversation } = request;
  const held = await holdAgainst(clickHouse, tenant, { user, conversation });
  if (held !== undefined) throw new BadRequest('ON_HOLD', `${held} is on legal hold: release it first`);
  return internal.ErasureGranted.create(message ?? {});
}

function mustBeErasable({ user, conversation, sequence, reason }: Request): void {
  const isOne = sequence > 0 ? user === '' && conversation !== '' : user !== '';
  if (!isOne)
    throw new BadRequest(
      'BAD_REQUEST',
      'erased are a user, a user in a conversation, or one message of a conversation',
    );
  if (user !== '' && !idPattern.test(user)) throw new BadRequest('BAD_ID', 'the user is not valid');
  if (conversation !== '' && parseConversation(conversation) === undefined)
    throw new BadRequest('BAD_ID', 'the conversation is not valid');
  if (reason.length > reasonCharactersMax)
    throw new BadRequest('BAD_REQUEST', `a reason has at most ${reasonCharactersMax} characters`);
}

/** A message keeps the kind it was sent with: one that was sent in the clear is in the journal so, whatever was edited since. */
async function sealedMessage(
  clickHouse: ClickHouse,
  tenant: string,
  { conversation, sequence }: Request,
): Promise<{ readonly user: string; readonly clientMessageId: string }> {
  const [row] = await clickHouse.select(
    `SELECT sender, client_message_id, kind FROM parley.messages WHERE tenant = ${sqlText(tenant)}
       AND conversation = ${sqlText(conversation)} AND sequence = ${sqlInteger(sequence)} LIMIT 1`,
  );
  if (row === undefined)
    throw new BadRequest(
      'MESSAGE_NOT_FOUND',
      'the history store does not have this message (yet, or any more)',
    );
  const [user, clientMessageId, kind] = row as [string, string, string];
  if (kind === 'sealed') return { user, clientMessageId };
  throw new BadRequest(
    'NOT_SEALED',
    kind === 'edit' || kind === 'recall'
      ? 'erase the message that was changed, by its own sequence'
      : 'it was not sealed when it was sent',
  );
}
