// What an export is asked for, checked: scope, format, and through where the store must be complete before it begins.
import { type DocumentFormat } from '@parley/adapters';
import {
  idPattern,
  internal,
  type parley,
  parseConversation,
  tenantPattern,
  timeMsMax,
} from '@parley/protocol';
import { BadRequest } from '../reading/bad-request.ts';
import type { ExportScope } from './export-sql.ts';

export interface ExportOrder {
  readonly scope: ExportScope;
  readonly format: DocumentFormat;
  /** Of a conversation: the newest sequence that must be in the store; 0 when there is none. */
  readonly through: number;
}

/** Spans of membership in one export; the group's own limit is lower. */
const spansMax = 64;

/** Throws BadRequest. */
export function exportOrderOf(bytes: Uint8Array): ExportOrder {
  const request = decoded(bytes);
  const { tenant, user, conversation, spans, through, fromMs, toMs, displayName } = request;
  if (!tenantPattern.test(tenant)) throw new BadRequest('BAD_ID', 'the tenant is not valid');
  if (!idPattern.test(user)) throw new BadRequest('BAD_ID', 'the user is not valid');
  if (conversation !== '' && parseConversation(conversation) === undefined)
    throw new BadRequest('BAD_ID', 'the conversation is not valid');
  if (spans.length > spansMax) throw new BadRequest('BAD_REQUEST', `more than ${spansMax} spans`);
  for (const ms of [fromMs, toMs]) {
    if (!Number.isSafeInteger(ms) || ms < 0 || ms > timeMsMax)
      throw new BadRequest('BAD_REQUEST', 'a time is not valid');
  }
  const format = formats[request.format];
  if (format === undefined) throw new BadRequest('BAD_REQUEST', 'the format is not known');
  const closed = spans.map(({ from, to }) => ({ from: from ?? 1, to: Math.min(to || through, through) }));
  const views = request.views.map((view) => ({
    conversation: view.conversation ?? '',
    clearedThrough: view.clearedThrough ?? 0,
    deleted: view.deleted ?? [],
  }));
  const scope = { tenant, user, conversation, spans: closed, fromMs, toMs, displayName, views };
  return { scope, format, through };
}

function decoded(bytes: Uint8Array): parley.internal.v1.ExportRequest {
  try {
    return internal.ExportRequest.decode(bytes);
  } catch {
    throw new BadRequest('BAD_REQUEST', 'the question could not be read');
  }
}

const formats: Readonly<Record<number, DocumentFormat>> = {
  [internal.ExportFormat.EXPORT_FORMAT_JSON_LINES]: 'JSONEachRow',
  [internal.ExportFormat.EXPORT_FORMAT_CSV]: 'CSVWithNames',
  [internal.ExportFormat.EXPORT_FORMAT_PARQUET]: 'Parquet',
};
