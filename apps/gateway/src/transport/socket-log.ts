// The part of the log the socket half uses.
import type { Logger } from '@parley/platform';

export type SocketLog = Pick<Logger, 'info' | 'warn' | 'error'>;
