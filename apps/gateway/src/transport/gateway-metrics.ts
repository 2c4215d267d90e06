// The part of the metrics the socket half feeds.
import type { Metrics } from '@parley/platform';

export type GatewayMetrics = Metrics['gateway'];
