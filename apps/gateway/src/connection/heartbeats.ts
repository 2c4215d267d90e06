// The three heartbeats, and what else a connection's clock decides: hello in time, pings to a silent client, the end of
// a dead one, of an old one (with a grace period), of an expired token, and of one that stays behind.
import type { Clock } from '@parley/std';
import type { ClientConnection } from './client-connection.ts';
import { closeCodes } from './close-codes.ts';
import type { Connections } from './connections.ts';
import type { SocketLimits } from './socket-limits.ts';

export interface HeartbeatParts {
  readonly connections: Connections;
  readonly clock: Clock;
  readonly limits: SocketLimits;
  /** The client of a lagging connection has caught up with its backlog: tell it to sync. */
  onRecovered(connection: ClientConnection): void;
}

export class Heartbeats {
  readonly #parts: HeartbeatParts;

  constructor(parts: HeartbeatParts) {
    this.#parts = parts;
  }

  /** Called every sweepMs. */
  sweep(): void {
    const { clock, connections } = this.#parts;
    const [nowMs, wallMs] = [Math.trunc(clock.monotonicMs()), clock.nowMs()];
    // A map may be walked while entries leave it: those that end here do.
    for (const connection of connections.all()) this.#look(connection, nowMs, wallMs);
  }

  /** Sends go_away now and closes after `graceMs`. */
  sendAway(connection: ClientConnection, reason: string, options: { graceMs: number; code: number }): void {
    if (connection.closeAtMs !== undefined) return;
    connection.closeAtMs = this.#parts.clock.monotonicMs() + options.graceMs;
    connection.closeWith = { code: options.code, reason };
    connection.outbox.reply(
      connection.codec.encodeServer({ goAway: { reason, reconnectWithinMs: options.graceMs } }),
    );
    if (connection.state === 'ready') connection.state = 'draining';
  }

  #look(connection: ClientConnection, nowMs: number, wallMs: number): void {
    const { limits } = this.#parts;
    const { closeAtMs, closeWith } = connection;
    if (closeAtMs !== undefined) {
      if (nowMs >= closeAtMs)
        connection.end(closeWith?.code ?? closeCodes.goingAway, closeWith?.reason ?? 'going away');
      return;
    }
    if (nowMs - connection.lastHeardAtMs >= limits.idleMs) return connection.end(closeCodes.idle, 'idle');
    const isWelcomed = connection.state === 'ready';
    if (!isWelcomed && nowMs - connection.openedAtMs >= limits.helloTimeoutMs) {
      return connection.end(closeCodes.helloTimeout, 'no hello in time');
    }
    this.#ping(connection, nowMs);
    if (nowMs - connection.openedAtMs >= connection.ageMaxMs) {
      return this.sendAway(connection, 'age', { graceMs: limits.goAwayGraceMs, code: closeCodes.goingAway });
    }
    if (connection.owner !== undefined && wallMs >= connection.owner.expiresAtMs) {
      return this.sendAway(connection, 'token_expired', {
        graceMs: limits.goAwayGraceMs,
        code: closeCodes.tokenExpired,
      });
    }
    this.#watchBacklog(connection, nowMs);
  }

  #ping(connection: ClientConnection, nowMs: number): void {
    const silentSinceMs = Math.max(connection.lastHeardAtMs, connection.lastPingAtMs);
    if (nowMs - silentSinceMs < this.#parts.limits.keepAliveMs) return;
    connection.lastPingAtMs = nowMs;
    connection.socket.ping();
  }

  #watchBacklog(connection: ClientConnection, nowMs: number): void {
    if (!connection.outbox.isLagging) {
      connection.laggingSinceMs = undefined;
      return;
    }
    connection.laggingSinceMs ??= nowMs;
    if (connection.outbox.recover()) this.#parts.onRecovered(connection);
    else if (nowMs - connection.laggingSinceMs >= this.#parts.limits.slowConsumerMs) {
      connection.end(closeCodes.slowConsumer, 'reads too slowly');
    }
  }
}
