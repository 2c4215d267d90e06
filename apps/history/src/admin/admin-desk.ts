// Carries out what an admin asks: first the audit, then the answer. Whoever asks has been checked by the asker's gateway.
import type { ClickHouse } from '@parley/adapters';
import { internal, parseConversation, type parley, tenantPattern } from '@parley/protocol';
import { type Clock, systemClock } from '@parley/std';
import { erasureReport } from '../erasure/erasure-report.ts';
import { grantErasure } from '../erasure/erasure.ts';
import { BadRequest } from '../reading/bad-request.ts';
import { readHolds, setHold } from '../retention/holds.ts';
import { readRetention, setRetention } from '../retention/policies.ts';
import { conversationAsOf } from '../time-travel/conversation-as-of.ts';
import type { EventLimits } from '../time-travel/entity-events.ts';
import { inboxAsOf } from '../time-travel/inbox-as-of.ts';
import { messageVersions } from '../time-travel/message-versions.ts';
import { readAudit, record } from './audit-log.ts';

type Request = parley.internal.v1.AdminRequest;
type Answer = parley.internal.v1.AdminAnswer;

export interface AdminDeskOptions {
  readonly clickHouse: ClickHouse;
  readonly completeThroughMs: () => Promise<number>;
  /** Events of people are in the store, too: without them nothing is known of inboxes. */
  readonly keepsInboxes: boolean;
  readonly limits?: EventLimits;
  readonly clock?: Clock;
}

export class AdminDesk {
  readonly #options: AdminDeskOptions;
  readonly #clock: Clock;

  constructor(options: AdminDeskOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Throws BadRequest, and whatever the store throws. */
  async answer(request: Request): Promise<Answer> {
    const { clickHouse } = this.#options;
    const { tenant, by } = request;
    if (!tenantPattern.test(tenant)) throw new BadRequest('BAD_ID', 'the tenant is not valid');
    if (!askerPattern.test(by)) throw new BadRequest('BAD_ID', 'who asks is not valid');
    const action = actionOf(request);
    await record(clickHouse, { tenant, by, ...action }, this.#clock.nowMs());
    // Asked before the answer is made: what is committed later may be in it or not.
    const completeThroughMs = await this.#options.completeThroughMs();
    return internal.AdminAnswer.create({ ...(await this.#carryOut(request)), completeThroughMs });
  }

  async #carryOut(request: Request): Promise<parley.internal.v1.IAdminAnswer> {
    const { clickHouse, limits } = this.#options;
    const { tenant, by } = request;
    const stamp = { by, nowMs: this.#clock.nowMs() };
    if (request.conversationAsOf) {
      const query = internal.ConversationAsOfQuery.create(request.conversationAsOf);
      return { conversationAsOf: await conversationAsOf(clickHouse, tenant, query, limits) };
    }
    if (request.messageVersions) {
      const query = internal.MessageVersionsQuery.create(request.messageVersions);
      return { messageVersions: await messageVersions(clickHouse, tenant, query, limits) };
    }
    if (request.inboxAsOf) {
      if (!this.#options.keepsInboxes)
        throw new BadRequest(
          'EVENTS_MISSING',
          'this cluster keeps no events of people (PARLEY_HISTORY_EVENTS)',
        );
      const query = internal.InboxAsOfQuery.create(request.inboxAsOf);
      return { inboxAsOf: await inboxAsOf(clickHouse, tenant, query, limits) };
    }
    if (request.setRetention)
      await setRetention(clickHouse, { tenant, days: request.setRetention.days ?? 0, ...stamp });
    if (request.setRetention ?? request.retention)
      return { retention: await readRetention(clickHouse, tenant) };
    if (request.note) return {};
    if (request.setHold) {
      await setHold(clickHouse, tenant, internal.HoldChange.create(request.setHold), stamp);
      return { holds: {} };
    }
    if (request.erase) {
      const erasure = internal.ErasureRequest.create(request.erase);
      return { erasure: await grantErasure(clickHouse, tenant, erasure) };
    }
    // It is in the audit: that is all there is to it.
    if (request.erasureDone) return { erasure: {} };
    if (request.erasureReport) {
      const query = internal.ErasureReportQuery.create(request.erasureReport);
      return { erasureReport: await erasureReport(clickHouse, tenant, query) };
    }
    if (request.holds)
      return { holds: await readHolds(clickHouse, tenant, internal.HoldsQuery.create(request.holds)) };
    return { audit: await readAudit(clickHouse, tenant, internal.AuditQuery.create(request.audit ?? {})) };
  }
}

/** A user id, or a tool's name for whoever uses it. */
const askerPattern = /^(operator:)?[A-Za-z0-9_-]{1,64}$/;

interface Action {
  readonly action: string;
  readonly subject: string;
  readonly details: string;
}

/** As the audit says it. Requests with bad ids are in it, too. Throws BadRequest when nothing is asked. */
function actionOf(request: Request): Action {
  const { body } = request;
  if (body === undefined)
    throw new BadRequest('BAD_REQUEST', 'the request has no body that this process knows');
  if (request.note) return noteOf(internal.AuditNote.create(request.note));
  const fields: object = withoutPhrases(request[body] ?? {});
  const action = body.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return { action, subject: subjectOf(request), details: JSON.stringify(fields) };
}

/** What another process is about to change. The words are its own, within bounds that a reader of the audit can bear. */
function noteOf({ action, subject, details }: parley.internal.v1.AuditNote): Action {
  if (!/^[a-z_]{1,64}$/.test(action)) throw new BadRequest('BAD_REQUEST', 'the note has no action');
  return { action, subject, details };
}

/** What somebody wrote must not come into the audit by asking whether it is anywhere. */
const withoutPhrases = (fields: object): object =>
  'phrases' in fields && Array.isArray(fields.phrases)
    ? { ...fields, phrases: fields.phrases.length }
    : fields;
function subjectOf(request: Request): string {
  const { setHold } = request;
  const erasure = request.erase ?? request.erasureDone ?? request.erasureReport;
  const user =
    request.inboxAsOf?.user ?? erasure?.user ?? (setHold?.kind === 'user' ? setHold.id : undefined);
  if (user) return `user:${user}`;
  const conversation =
    request.conversationAsOf?.conversation ??
    request.messageVersions?.conversation ??
    erasure?.conversation ??
    setHold?.id ??
    '';
  return parseConversation(conversation) === undefined ? '' : conversation;
}
