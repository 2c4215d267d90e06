// A tenant's analysts ask about the whole of it: ready questions, answered from roll-ups. And the page that draws them.
import { Controller, Get, Header, Inject, Param, Query } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { countRows, takeQuestion } from './analytics-quota.ts';
import { analyticsPage } from './analytics-page.ts';
import { analyticsPageScript } from './analytics-page-script.ts';
import { ApiError } from './api-error.ts';
import { AskerRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { mustBeNamed } from './named-users.ts';
import { analyticsAnswer, analyticsCatalogue, analyticsName, analyticsQuery } from './schemas.ts';
import { ZodPipe } from './zod-pipe.ts';

@ApiTags('analytics')
@Controller()
export class AnalyticsController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Get('analytics')
  @ApiExcludeEndpoint()
  @Header('content-type', 'text/html; charset=utf-8')
  page(): string {
    return analyticsPage();
  }

  /** Of its own, because pages here may not have scripts in them. */
  @Get('analytics/page.js')
  @ApiExcludeEndpoint()
  @Header('content-type', 'text/javascript; charset=utf-8')
  script(): string {
    return analyticsPageScript;
  }

  @Get('v1/analytics')
  @AskerRoute({ summary: 'The ready questions for analysts', answer: analyticsCatalogue })
  async questions(@Asker() asker: VerifiedToken): Promise<z.infer<typeof analyticsCatalogue>> {
    mustBeNamed(this.ports.settings, 'analysts', asker);
    const { body } = await this.#ask(asker, '', {});
    return body as z.infer<typeof analyticsCatalogue>;
  }

  @Get('v1/analytics/:question')
  @AskerRoute({
    summary: 'Ask one of them; its parameters are in the list of questions',
    params: ['question'],
    query: analyticsQuery,
    answer: analyticsAnswer,
  })
  async answer(
    @Asker() asker: VerifiedToken,
    @Param('question', new ZodPipe(analyticsName)) question: string,
    @Query(new ZodPipe(analyticsQuery)) parameters: z.infer<typeof analyticsQuery>,
  ): Promise<z.infer<typeof analyticsAnswer>> {
    mustBeNamed(this.ports.settings, 'analysts', asker);
    await takeQuestion(this.ports, asker);
    const { body, rowsRead, completeThroughMs, countedThroughMs } = await this.#ask(
      asker,
      question,
      parameters,
    );
    await countRows(this.ports, asker, rowsRead);
    return {
      ...(body as Pick<z.infer<typeof analyticsAnswer>, 'columns' | 'rows'>),
      rowsRead,
      completeThroughMs,
      countedThroughMs,
    };
  }

  async #ask({ tenant }: VerifiedToken, question: string, parameters: Readonly<Record<string, string>>) {
    const { analytics, settings } = this.ports;
    const result = await analytics.ask({ tenant, question, parameters }, settings.limits.analyticsTimeoutMs);
    if (!result.ok) throw new ApiError(result.error.code, result.error.message);
    return result.value;
  }
}
