// Lets a request through when its bearer token stands, and notes who asks. Used by every route below /v1 except
// registering and logging in.
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Inject, Injectable, createParamDecorator } from '@nestjs/common';
import { assert } from '@parley/std';
import type { FastifyRequest } from 'fastify';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { ApiError, valueOf } from './api-error.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { mustBeWithin } from './rate-limits.ts';

type AskedRequest = FastifyRequest & { asker?: VerifiedToken };

@Injectable()
export class AuthGuard implements CanActivate {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<AskedRequest>();
    const { verifier, registration, rates, settings } = this.ports;
    const asker = valueOf(await verifier.verify(bearerToken(request.headers.authorization)));
    await mustBeWithin(rates, settings.limits.requestsPerUser, `${asker.tenant}/${asker.user}`);
    valueOf(await registration.ensureRegistered(asker));
    request.asker = asker;
    return true;
  }
}

/** Who asks, as the guard found out: `@Asker() asker: VerifiedToken`. */
export const Asker = createParamDecorator((_: unknown, context: ExecutionContext): VerifiedToken => {
  const { asker } = context.switchToHttp().getRequest<AskedRequest>();
  assert(asker !== undefined, 'a route with @Asker is behind AuthGuard');
  return asker;
});

function bearerToken(header: string | undefined): string {
  const match = /^Bearer +([^ ]+) *$/i.exec(header ?? '');
  if (match?.[1] === undefined)
    throw new ApiError('UNAUTHENTICATED', 'Send the header Authorization: Bearer <token>.');
  return match[1];
}
