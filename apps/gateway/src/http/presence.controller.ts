// Who is online. Answers with an error, never with a guess, while the presence store is away.
import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { ApiError } from './api-error.ts';
import { AskerRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { presenceAnswer, presenceQuery } from './schemas.ts';
import { ZodPipe } from './zod-pipe.ts';

@ApiTags('presence')
@Controller('v1/presence')
export class PresenceController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Get()
  @AskerRoute({ summary: 'Who of these users is online', query: presenceQuery, answer: presenceAnswer })
  async presence(
    @Asker() asker: VerifiedToken,
    @Query(new ZodPipe(presenceQuery)) query: z.infer<typeof presenceQuery>,
  ): Promise<z.infer<typeof presenceAnswer>> {
    const result = await this.ports.presence.query(asker.tenant, query.users);
    if (!result.ok) throw new ApiError('UNAVAILABLE', 'Presence is not known at the moment.');
    return { users: result.value.map(({ user, online, lastSeenMs }) => ({ user, online, lastSeenMs })) };
  }
}
