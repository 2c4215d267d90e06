// Documents with all messages of a conversation, or with everything the asker may read. They are made while they travel and
// are never whole in memory here: what goes wrong on the way breaks the connection, so a short document never looks whole.
import { Readable } from 'node:stream';
import { Controller, Get, Inject, Param, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { internal, parseConversation } from '@parley/protocol';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { ApiError } from './api-error.ts';
import { AskerRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import { accountOf, ask, mustOwnViews } from './entity-questions.ts';
import type { ExportRequest } from './history-export.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { mustBeWithin } from './rate-limits.ts';
import { conversationId, exportDocument, exportQuery } from './schemas.ts';
import { ZodPipe } from './zod-pipe.ts';

type ExportQuery = z.infer<typeof exportQuery>;

@ApiTags('exports')
@Controller('v1')
export class ExportController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Get('conversations/:conversation/export')
  @AskerRoute({
    summary: 'All messages of a conversation that I may read, as one document',
    params: ['conversation'],
    query: exportQuery,
    answer: exportDocument,
  })
  async conversation(
    @Asker() asker: VerifiedToken,
    @Param('conversation', new ZodPipe(conversationId, 'BAD_ID')) conversation: string,
    @Query(new ZodPipe(exportQuery)) query: ExportQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.#mustBeAllowed(asker);
    const address = parseConversation(conversation);
    if (address === undefined) throw new ApiError('BAD_ID');
    // What the conversation's owner says now is what the document will have: spans and head, without messages.
    const log = await ask(
      this.ports,
      { type: address.type, tenant: asker.tenant, id: address.id },
      { log: { reader: asker.user, from: 1, to: 1 } },
      'log',
    );
    const scope = { conversation, spans: log.spans ?? [], through: log.head ?? 0 };
    await this.#send(reply, { asker, query, scope, name: conversation });
  }

  @Get('export')
  @AskerRoute({
    summary: 'My account and everything I may read, as one document',
    query: exportQuery,
    answer: exportDocument,
  })
  async own(
    @Asker() asker: VerifiedToken,
    @Query(new ZodPipe(exportQuery)) query: ExportQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.#mustBeAllowed(asker);
    const account = await accountOf(this.ports, asker);
    const scope = { displayName: account?.displayName ?? '' };
    await this.#send(reply, { asker, query, scope, name: asker.user });
  }

  #mustBeAllowed(asker: VerifiedToken): Promise<void> {
    const { rates, settings, sealing } = this.ports;
    // Documents are made where nothing can be read: better none than one that looks whole and is empty.
    if (sealing?.seals(asker.tenant)) throw new ApiError('CONTENT_SEALED');
    return mustBeWithin(rates, settings.limits.exportsPerUser, `${asker.tenant}/${asker.user}`);
  }

  async #send(
    reply: FastifyReply,
    {
      asker,
      query,
      scope,
      name,
    }: { asker: VerifiedToken; query: ExportQuery; scope: ExportRequest; name: string },
  ): Promise<void> {
    const { format, fromMs, toMs } = query;
    const { exportFormat, contentType } = formats[format];
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const { tenant, user } = asker;
    const views = [...(await mustOwnViews(this.ports, asker))];
    const request = { tenant, user, ...scope, format: exportFormat, fromMs, toMs, views };
    const opened = await this.ports.exports.open(request, gone.signal);
    if (!opened.ok) throw new ApiError(opened.error.code, opened.error.message, opened.error.retryAfterMs);
    await reply
      .header('content-type', contentType)
      .header('content-disposition', `attachment; filename="${name}.${format}"`)
      .send(Readable.from(opened.value, { objectMode: false }));
  }
}

const formats = {
  jsonl: {
    exportFormat: internal.ExportFormat.EXPORT_FORMAT_JSON_LINES,
    contentType: 'application/jsonl; charset=utf-8',
  },
  csv: {
    exportFormat: internal.ExportFormat.EXPORT_FORMAT_CSV,
    contentType: 'text/csv; charset=utf-8; header=present',
  },
  parquet: {
    exportFormat: internal.ExportFormat.EXPORT_FORMAT_PARQUET,
    contentType: 'application/vnd.apache.parquet',
  },
} as const;
