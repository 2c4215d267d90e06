// What every app process needs beside its own work: configuration, log, metrics, health, lifecycle.
export { ConfigError, commonSettings, parseConfig, redactedConfig, setting, variableName } from './config.ts';
export { Health, type HealthCheck, type HealthReport } from './health.ts';
export {
  type AppOptions,
  type Lifecycle,
  type LifecycleHost,
  type ReadyInfo,
  type ReadyMessage,
  runApp,
} from './lifecycle.ts';
export type { LogFields } from './log-fields.ts';
export { type Logger, type LoggerOptions, createLogger, nestLogger, silentLogger } from './logging.ts';
export { type Metrics, collectProcessMetrics, createMetrics } from './metrics.ts';
export {
  type OperationsServer,
  type OperationsServerOptions,
  startOperationsServer,
} from './operations-server.ts';
