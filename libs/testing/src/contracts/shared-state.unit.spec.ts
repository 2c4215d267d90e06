// The memory twins of what gateways and history share through Redis.
import {
  MemoryMessageTail,
  MemoryPresenceRegistry,
  MemoryRateLimiter,
  MemoryDeviceRegistry,
  MemoryUserDirectory,
} from '@parley/adapters';
import { systemClock } from '@parley/std';
import { describeMessageTail } from './message-tail.contract.ts';
import { describePresenceRegistry } from './presence-registry.contract.ts';
import { describeRateLimiter } from './rate-limiter.contract.ts';
import { describeDeviceRegistry } from './device-registry.contract.ts';
import { describeUserDirectory } from './user-directory.contract.ts';

describeMessageTail('memory', (limits) => Promise.resolve(new MemoryMessageTail(systemClock, limits)));
describePresenceRegistry('memory', (limits) =>
  Promise.resolve(new MemoryPresenceRegistry(systemClock, limits)),
);

describeDeviceRegistry('memory', () => Promise.resolve(new MemoryDeviceRegistry()));
describeUserDirectory('memory', () => Promise.resolve(new MemoryUserDirectory()));
describeRateLimiter('memory', () => Promise.resolve(new MemoryRateLimiter(systemClock)));
