// Why the gateway closes a WebSocket: the close codes clients see, beside the standard ones. docs/protocol.md repeats them.

export const closeCodes = {
  /** The gateway stops, or the connection has reached its age: connect again. */
  goingAway: 1001,
  /** The client read too slowly for too long. */
  slowConsumer: 4413,
  /** No hello in time. */
  helloTimeout: 4408,
  /** Too many refused hellos. */
  helloRefused: 4401,
  /** The token has expired. */
  tokenExpired: 4403,
  /** The same device connected again. */
  displaced: 4409,
  /** Nothing heard from the client for too long. */
  idle: 4410,
  /** Logged out from another device. */
  loggedOut: 4411,
  /** Another device has taken its place. */
  deviceDisplaced: 4412,
  /** Frames kept coming far beyond the rate. */
  flood: 4429,
} as const;

/** For metrics: our own reasons by name, everything else in two words. */
export function closeReasonOf(code: number): string {
  const own = Object.entries(closeCodes).find(([, value]) => value === code);
  return own?.[0] ?? (code === 1000 ? 'client' : 'lost');
}
