// What an HTTP upgrade request says: which encoding, and perhaps a token. Browsers cannot set headers, so they offer the
// token as a second subprotocol: `parley.v1.json, bearer.<token>`.
import type { UpgradeDecision, UpgradeRequest } from '@parley/adapters';
import { type FrameCodec, type Subprotocol, frameCodecs, subprotocols } from '@parley/protocol';
import type { ClientConnection } from './client-connection.ts';

export interface Upgraded {
  readonly codec: FrameCodec;
  /** Empty when the request had none; hello brings it then. */
  readonly token: string;
  /** Set when the socket is open. */
  connection?: ClientConnection;
}

const bearer = 'bearer.';

export function decideUpgrade(request: UpgradeRequest): UpgradeDecision<Upgraded> {
  const offered = request.subprotocols.filter((name) => !name.startsWith(bearer));
  const chosen = offered.find((name): name is Subprotocol =>
    (subprotocols as readonly string[]).includes(name),
  );
  if (chosen === undefined && offered.length > 0) {
    return {
      isAccepted: false,
      status: 400,
      reason: `Unknown subprotocol: offer one of ${subprotocols.join(', ')}`,
    };
  }
  return {
    isAccepted: true,
    subprotocol: chosen,
    // A client that offers none is a person with a generic WebSocket tool: text is what they can read.
    data: { codec: frameCodecs[chosen ?? 'parley.v1.json'], token: tokenOf(request) },
  };
}

function tokenOf(request: UpgradeRequest): string {
  const offered = request.subprotocols.find((name) => name.startsWith(bearer));
  if (offered !== undefined) return offered.slice(bearer.length);
  return /^Bearer +(\S+)$/i.exec(request.header('authorization'))?.[1] ?? '';
}
