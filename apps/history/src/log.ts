// What history writes to the operator's log: the platform's logger, as far as it is used here.
import type { Logger } from '@parley/platform';

export type Log = Pick<Logger, 'info' | 'warn' | 'error'>;

export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
