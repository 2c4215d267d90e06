// The Nest side of the gateway: the HTTP API, and whatever gateway classes ride on the socket transport. Parley's own
// frames do not pass through Nest.
import { type DynamicModule, Module } from '@nestjs/common';
import { HttpModule } from './http/http.module.ts';
import type { HttpPorts } from './http/http-ports.ts';

@Module({})
export class GatewayModule {
  static forRoot(ports: HttpPorts): DynamicModule {
    return { module: GatewayModule, imports: [HttpModule.forRoot(ports)] };
  }
}
