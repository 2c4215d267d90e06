// Where clients open their WebSocket. One gateway names itself; choosing among several comes with endpoint selection.
import { Controller, Get, Inject, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { OpenRoute } from './api-route.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { endpointsAnswer } from './schemas.ts';

@ApiTags('endpoints')
@Controller('v1/endpoints')
export class EndpointsController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Get()
  @OpenRoute({ summary: 'Where to open the WebSocket', answer: endpointsAnswer })
  endpoints(@Req() request: FastifyRequest): z.infer<typeof endpointsAnswer> {
    const { socketUrl } = this.ports.settings;
    if (socketUrl === undefined) return { endpoints: [] };
    return { endpoints: [{ url: reachable(socketUrl, request.hostname) }] };
  }
}

/** A gateway that listens on every address is reached by the name it was asked under. */
function reachable(socketUrl: string, askedHost: string): string {
  const url = new URL(socketUrl);
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = askedHost;
  return url.href;
}
