// The words a tenant does not want, kept by its admins. Every change is in the audit before it is made.
import { Body, Controller, Get, HttpCode, Inject, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { type WordAction, foundWordsMax, wordActions } from '../safety/word-filter.ts';
import { wordListLimits } from '../safety/word-list.ts';
import { ApiError } from './api-error.ts';
import { AskerRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { mustBeNamed } from './named-users.ts';
import { ZodPipe } from './zod-pipe.ts';

const words = z.array(z.string().min(1).max(wordListLimits.wordCharactersMax)).default([]);
const changeBody = z.strictObject({ reject: words, mask: words, flag: words, remove: words });
const changeAnswer = z.object({ words: z.number(), revision: z.number() });
const listQuery = z.strictObject({
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(5_000).default(1_000),
});
const listAnswer = z.object({
  words: z.array(z.object({ word: z.string(), action: z.enum(wordActions) })),
  count: z.number(),
});
const checkBody = z.strictObject({ text: z.string().min(1).max(10_000) });
const checkAnswer = z.object({
  isRejected: z.boolean(),
  text: z.string(),
  words: z.array(z.string()).max(foundWordsMax),
});

@ApiTags('admin')
@Controller('v1/admin/words')
export class WordsController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Get()
  @AskerRoute({
    summary: 'The list: the words and what becomes of a message',
    query: listQuery,
    answer: listAnswer,
  })
  async list(
    @Asker() asker: VerifiedToken,
    @Query(new ZodPipe(listQuery)) { offset, limit }: z.infer<typeof listQuery>,
  ): Promise<z.infer<typeof listAnswer>> {
    mustBeNamed(this.ports.settings, 'admins', asker);
    const list = await this.ports.words.list(asker.tenant);
    const all = wordActions.flatMap((action: WordAction) => list[action].map((word) => ({ word, action })));
    return { words: all.slice(offset, offset + limit), count: all.length };
  }

  @Patch()
  @AskerRoute({
    summary: 'Add, move and remove words; every gateway goes over to the new list at once',
    body: changeBody,
    answer: changeAnswer,
  })
  async change(
    @Asker() asker: VerifiedToken,
    @Body(new ZodPipe(changeBody)) body: z.infer<typeof changeBody>,
  ): Promise<z.infer<typeof changeAnswer>> {
    const { settings, admin } = this.ports;
    mustBeNamed(settings, 'admins', asker);
    const note = { action: 'change_words', subject: '', details: JSON.stringify(body) };
    const request = { tenant: asker.tenant, by: asker.user, note };
    const noted = await admin.ask(request, settings.limits.adminTimeoutMs);
    if (!noted.ok) throw new ApiError(noted.error.code, noted.error.message);
    const changed = await this.ports.words.change(asker.tenant, body);
    if (!changed.ok) throw new ApiError(changed.error.code, changed.error.message);
    return changed.value;
  }

  @Post('check')
  @HttpCode(200)
  @AskerRoute({
    summary: 'What this gateway would do with a text now',
    body: checkBody,
    answer: checkAnswer,
  })
  check(
    @Asker() asker: VerifiedToken,
    @Body(new ZodPipe(checkBody)) { text }: z.infer<typeof checkBody>,
  ): z.infer<typeof checkAnswer> {
    mustBeNamed(this.ports.settings, 'admins', asker);
    const verdict = this.ports.words.check(asker.tenant, text);
    return verdict === undefined
      ? { isRejected: false, text, words: [] }
      : { ...verdict, words: [...verdict.words] };
  }
}
