// What operators, their tools and other services ask: liveness, readiness, metrics, public keys, and the front page.
import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { HealthReport } from '@parley/platform';
import type { FastifyReply } from 'fastify';
import { frontPage } from './front-page.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';

@ApiExcludeController()
@Controller()
export class OperationsController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  front(): string {
    return frontPage(this.ports.settings);
  }

  /** The process runs and its event loop turns: restart it when this fails. */
  @Get('health/live')
  live(): { status: string } {
    return { status: 'up' };
  }

  /** Send clients here? 503 while something it cannot do without is away. */
  @Get('health/ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthReport> {
    const report = await this.ports.health.report();
    void reply.status(report.isReady ? 200 : 503);
    return report;
  }

  @Get('metrics')
  async metrics(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const { registry } = this.ports.metrics;
    void reply.header('content-type', registry.contentType);
    return registry.metrics();
  }

  /** The public keys our tokens can be checked with (RFC 7517). */
  @Get('.well-known/jwks.json')
  @Header('cache-control', 'public, max-age=300')
  publicKeys() {
    return this.ports.issuer.publicKeys();
  }
}
