// The asker's devices: which there are, and logging one out from afar.
import { Controller, Delete, Get, HttpCode, Inject, Param } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { internal } from '@parley/protocol';
import type { z } from 'zod';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { ApiError, mustBeDone } from './api-error.ts';
import { AskerRoute } from './api-route.ts';
import { Asker } from './auth.guard.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';
import { deviceList } from './people-schemas.ts';
import { userId } from './schemas.ts';
import { ZodPipe } from './zod-pipe.ts';

@ApiTags('people')
@Controller('v1/me/devices')
export class DevicesController {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  @Get()
  @AskerRoute({ summary: 'Your devices, the one seen last first', answer: deviceList })
  async list(@Asker() { tenant, user }: VerifiedToken): Promise<z.infer<typeof deviceList>> {
    const { devices, presence } = this.ports;
    const [seen, routes] = await Promise.all([devices.list(tenant, user), presence.routesOf(tenant, user)]);
    if (!seen.ok || !routes.ok) throw new ApiError('UNAVAILABLE', 'Devices are not known at the moment.');
    const online = new Set(routes.value.map(({ device }) => device));
    return {
      devices: seen.value.map(({ device, deviceClass, lastSeenMs }) => ({
        deviceId: device,
        deviceClass: classWords[deviceClass] ?? 'unknown',
        lastSeenMs,
        isOnline: online.has(device),
      })),
    };
  }

  @Delete(':device')
  @HttpCode(204)
  @AskerRoute({ summary: 'Log a device out: it has to log in again', params: ['device'] })
  async logOut(
    @Asker() { tenant, user }: VerifiedToken,
    @Param('device', new ZodPipe(userId, 'BAD_ID')) deviceId: string,
  ): Promise<void> {
    const payload = internal.UserCommand.encode({ logOutDevice: { deviceId } }).finish();
    mustBeDone(await this.ports.commands.send({ type: 'user', tenant, id: user }, payload));
    await this.ports.devices.forget(tenant, user, deviceId);
  }
}

/** By number of the protocol. */
const classWords = ['unknown', 'phone', 'desktop'] as const;
