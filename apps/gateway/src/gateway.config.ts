// What a gateway process is told by its environment. Every field is read from PARLEY_<FIELD_IN_CAPITALS>.
import { readFileSync } from 'node:fs';
import { commonSettings, setting } from '@parley/platform';
import { z } from 'zod';
import { authFields, tenantUsers } from './auth/auth-settings.ts';
import { type ExternalIssuer, externalIssuers } from './auth/external-issuer.ts';
import { type SocketLimits, socketLimits } from './connection/socket-limits.ts';
import { type ChangeWindows, changeWindows } from './dispatch/changing.ts';
import type { TenantGroupLimits } from './http/http-ports.ts';
import { httpFields } from './http/http-settings.ts';
import type { SealingLimits } from './sealing/sealing.ts';

const minute = 60_000;
const tenYears = 3_650 * 24 * 60 * minute;

/** By tenant; what is not given is as for all. */
const tenantGroupLimits = z.record(
  z.string().min(1).max(32),
  z.strictObject({
    membersMax: z.int().min(2).max(1_000_000).exactOptional(),
    groupsPerUserMax: z.int().min(1).max(1_000_000).exactOptional(),
    changeWindowMsMax: z.int().min(0).max(tenYears).exactOptional(),
  }),
);

export const gatewaySettings = z
  .object({
    ...commonSettings,
    /** Address of both ports. */
    gatewayHost: setting.text().default('127.0.0.1'),
    /** WebSockets of clients; 0 = a free port. */
    gatewayWsPort: setting.port().default(8080),
    /** The HTTP API; 0 = a free port. */
    gatewayHttpPort: setting.port().default(8081),
    /** Several gateway processes share the WebSocket port of one machine. */
    gatewayWsPortShared: setting.flag().default(false),
    /** uws = uWebSockets.js, ws = the `ws` package; auto = uws where its build loads. */
    gatewayTransport: z.enum(['auto', 'uws', 'ws']).default('auto'),
    /** PEM files; with them the WebSocket port speaks wss. */
    gatewayTlsCertificateFile: setting.text().optional(),
    gatewayTlsKeyFile: setting.text().optional(),
    /** The HTTP API speaks https with the same files; otherwise a proxy in front has to. */
    gatewayHttpTls: setting.flag().default(false),
    /** Where clients reach the WebSocket port, when that is not this host and port (a proxy). */
    gatewaySocketUrl: setting.text().optional(),
    /** Web origins that may call the HTTP API from a browser. */
    gatewayCorsOrigins: setting.list().optional(),
    /** Proxies in front whose word for the client's address is believed. */
    gatewayTrustedProxies: setting.list().optional(),

    gatewayFrameBytesMax: setting
      .integer({ min: 70_000, max: 1_048_576 })
      .default(socketLimits.frameBytesMax),
    gatewayTextBytesMax: setting.integer({ min: 1, max: 65_536 }).default(socketLimits.textBytesMax),
    gatewayFramesPerSecond: setting.integer({ min: 1, max: 1_000_000 }).default(socketLimits.framesPerSecond),
    gatewayFrameBurstMax: setting.integer({ min: 1, max: 1_000_000 }).default(socketLimits.frameBurstMax),
    gatewayConnectionsMax: setting.integer({ min: 1, max: 1_000_000 }).default(socketLimits.connectionsMax),
    gatewayKeepAliveMs: setting.integer({ min: 1_000, max: 10 * minute }).default(socketLimits.keepAliveMs),
    gatewayIdleMs: setting.integer({ min: 2_000, max: 60 * minute }).default(socketLimits.idleMs),
    gatewayConnectionAgeMaxMs: setting
      .integer({ min: 10_000, max: 30 * 24 * 60 * minute })
      .default(socketLimits.connectionAgeMaxMs),
    gatewayPushBacklogBytesMax: setting
      .integer({ min: 16_384, max: 67_108_864 })
      .default(socketLimits.pushBacklogBytesMax),
    gatewayBacklogBytesMax: setting
      .integer({ min: 65_536, max: 268_435_456 })
      .default(socketLimits.backlogBytesMax),
    gatewaySlowConsumerMs: setting
      .integer({ min: 1_000, max: 60 * minute })
      .default(socketLimits.slowConsumerMs),
    gatewayCommandTimeoutMs: setting
      .integer({ min: 100, max: 2 * minute })
      .default(socketLimits.commandTimeoutMs),
    gatewayHellosPerTurnMax: setting.integer({ min: 1, max: 1_000 }).default(socketLimits.hellosPerTurnMax),
    gatewayReadsAtOnceMax: setting.integer({ min: 1, max: 10_000 }).default(socketLimits.readsAtOnceMax),
    gatewayReadsWaitingMax: setting.integer({ min: 0, max: 1_000_000 }).default(socketLimits.readsWaitingMax),
    gatewayReadWaitMs: setting.integer({ min: 100, max: 2 * minute }).default(socketLimits.readWaitMs),

    /** Ed25519 private key tokens are signed with; without it the cluster keeps one in its config bucket. */
    authPrivateKeyFile: setting.text().optional(),
    /** External issuers, as JSON: see docs. */
    authIssuers: z
      .string()
      .transform((text, context): unknown => parseJson(text, context))
      .pipe(externalIssuers)
      .default([]),
    /** Tenants strangers may make accounts in; all that no external issuer keeps when it is not set. */
    authRegistrationTenants: setting.list().optional(),
    authOneDeviceOfEachTenants: setting.list().optional(),
    /** Tenant of somebody who names none. */
    authDefaultTenant: setting.text().default('default'),

    /** Master keys of the tenants whose messages are sealed, as JSON; without it none are. The same on all gateways. */
    sealingKeysFile: setting.text().optional(),
    /** Keys of a person in a conversation that are kept in memory; beyond, the one used longest ago is read again. */
    sealingKeysMax: setting.integer({ min: 100, max: 1_000_000 }).default(10_000),
    /** How long: at most so long a gateway that was cut off goes on with a key that was destroyed. */
    sealingKeyAgeMaxMs: setting.integer({ min: 1_000, max: 60 * minute }).default(minute),

    /** Who may ask about a whole tenant: `tenant/user`, separated by commas. */
    analyticsAnalysts: tenantUsers,

    ...authFields,
    ...httpFields,

    /** Policy of new groups. */
    groupMembersMax: setting.integer({ min: 2, max: 1_000_000 }).default(100_000),
    /** At this many members a group turns to read-diffusion; the list of those who are told must fit into a commit … */
    groupLargeFrom: setting.integer({ min: 2, max: 5_000 }).default(500),
    /** … and at or below this many back. */
    groupSmallTo: setting.integer({ min: 1, max: 4_999 }).default(400),

    /** Groups one user may be a member of. */
    groupsPerUserMax: setting.integer({ min: 1, max: 1_000_000 }).default(2_000),
    /** Instead of the three for some tenants, as JSON (`@file` for a file): see docs. */
    groupLimitsByTenant: z
      .string()
      .transform((text, context): unknown => parseJson(text, context))
      .pipe(tenantGroupLimits)
      .default({}),
    /** The longest window owner and admins may set for their group, whatever the tenant's own are. */
    groupChangeWindowMsMax: setting.integer({ min: 0, max: tenYears }).default(30 * 24 * 60 * minute),

    /** How long after it was sent a message may be edited by who wrote it; by owners and admins of a group, their own. */
    messageEditMs: setting.integer({ min: 0, max: tenYears }).default(changeWindows.edit.ownMs),
    messageManagerEditMs: setting.integer({ min: 0, max: tenYears }).default(changeWindows.edit.managerMs),
    /** And recalled; by owners and admins also the messages of members they stand above. */
    messageRecallMs: setting.integer({ min: 0, max: tenYears }).default(changeWindows.recall.ownMs),
    messageManagerRecallMs: setting
      .integer({ min: 0, max: tenYears })
      .default(changeWindows.recall.managerMs),
  })
  .refine((one) => (one.gatewayTlsCertificateFile === undefined) === (one.gatewayTlsKeyFile === undefined), {
    path: ['gatewayTlsKeyFile'],
    message: 'certificate file and key file go together',
  })
  .refine((one) => !one.gatewayHttpTls || one.gatewayTlsKeyFile !== undefined, {
    path: ['gatewayHttpTls'],
    message: 'needs PARLEY_GATEWAY_TLS_CERTIFICATE_FILE and PARLEY_GATEWAY_TLS_KEY_FILE',
  })
  .refine((one) => one.gatewayKeepAliveMs * 2 <= one.gatewayIdleMs, {
    path: ['gatewayKeepAliveMs'],
    message: 'must be at most half of PARLEY_GATEWAY_IDLE_MS, or healthy clients are closed as idle',
  })
  .refine((one) => one.gatewayPushBacklogBytesMax * 2 <= one.gatewayBacklogBytesMax, {
    path: ['gatewayPushBacklogBytesMax'],
    message: 'must be at most half of PARLEY_GATEWAY_BACKLOG_BYTES_MAX, or replies find no room',
  })
  .refine((one) => one.groupSmallTo < one.groupLargeFrom, {
    path: ['groupSmallTo'],
    message: 'must be below PARLEY_GROUP_LARGE_FROM, or groups flap',
  });

export type GatewayConfig = Readonly<z.output<typeof gatewaySettings>>;

export const issuersOf = (config: GatewayConfig): readonly ExternalIssuer[] => config.authIssuers;

/** What a tenant allows its groups: the cluster's limits, and its own instead where it has some. */
export function groupLimitsOf(config: GatewayConfig): (tenant: string) => TenantGroupLimits {
  const all: TenantGroupLimits = {
    membersMax: config.groupMembersMax,
    groupsPerUserMax: config.groupsPerUserMax,
    changeWindowMsMax: config.groupChangeWindowMsMax,
  };
  const own = new Map(
    Object.entries(config.groupLimitsByTenant).map(([tenant, limits]) => [tenant, { ...all, ...limits }]),
  );
  return (tenant) => own.get(tenant) ?? all;
}

export const changeWindowsOf = (config: GatewayConfig): ChangeWindows => ({
  edit: { ownMs: config.messageEditMs, managerMs: config.messageManagerEditMs },
  recall: { ownMs: config.messageRecallMs, managerMs: config.messageManagerRecallMs },
});

export const socketLimitsOf = (config: GatewayConfig): SocketLimits => ({
  ...socketLimits,
  frameBytesMax: config.gatewayFrameBytesMax,
  messageBytesMax: Math.max(socketLimits.messageBytesMax, 2 * config.gatewayFrameBytesMax),
  textBytesMax: config.gatewayTextBytesMax,
  framesPerSecond: config.gatewayFramesPerSecond,
  frameBurstMax: config.gatewayFrameBurstMax,
  connectionsMax: config.gatewayConnectionsMax,
  keepAliveMs: config.gatewayKeepAliveMs,
  idleMs: config.gatewayIdleMs,
  connectionAgeMaxMs: config.gatewayConnectionAgeMaxMs,
  pushBacklogBytesMax: config.gatewayPushBacklogBytesMax,
  backlogBytesMax: config.gatewayBacklogBytesMax,
  slowConsumerMs: config.gatewaySlowConsumerMs,
  commandTimeoutMs: config.gatewayCommandTimeoutMs,
  hellosPerTurnMax: config.gatewayHellosPerTurnMax,
  readsAtOnceMax: config.gatewayReadsAtOnceMax,
  readsWaitingMax: config.gatewayReadsWaitingMax,
  readWaitMs: config.gatewayReadWaitMs,
});

export const sealingLimitsOf = (config: GatewayConfig): SealingLimits => ({
  keysMax: config.sealingKeysMax,
  keyAgeMaxMs: config.sealingKeyAgeMaxMs,
  textBytesMax: config.gatewayTextBytesMax,
  questionsAtOnceMax: socketLimits.questionsAtOnceMax,
});

function parseJson(text: string, context: z.RefinementCtx): unknown {
  try {
    // A long list is easier kept in a file: `@issuers.json`.
    return JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is no JSON (or, with @, no readable file with JSON)' });
    return z.NEVER;
  }
}
