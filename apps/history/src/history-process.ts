// Configuration, log, metrics, health and lifecycle around the history module. Nest assembles it; there is no HTTP
// here but the operations port, and questions come over NATS through the Messenger port like all others.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import {
  Health,
  collectProcessMetrics,
  createLogger,
  createMetrics,
  nestLogger,
  parseConfig,
  redactedConfig,
  runApp,
  startOperationsServer,
} from '@parley/platform';
import { historySettings } from './history-config.ts';
import { HistoryService } from './history-service.ts';
import { HistoryModule } from './history.module.ts';

const logger = createLogger('history', {
  level: process.env['PARLEY_LOG_LEVEL'],
  nodeId: process.env['PARLEY_NODE_ID'],
});

await runApp({
  logger,
  async start(lifecycle) {
    const config = parseConfig(historySettings, process.env);
    logger.info({ config: redactedConfig(historySettings, config) }, 'starting');
    const metrics = createMetrics('history');
    collectProcessMetrics(metrics);
    const context = await NestFactory.createApplicationContext(
      HistoryModule.with({ config, logger, metrics }),
      {
        // What goes wrong here is told by the lifecycle, in one line.
        logger: false,
        abortOnError: false,
      },
    );
    context.useLogger(nestLogger(logger));
    lifecycle.onStop('connections', () => context.close());
    const history = context.get(HistoryService);
    lifecycle.onStop('history', () => history.stop());
    await history.start();
    const health = new Health();
    history.addChecks(health);
    if (config.operationsPort === 0) return;
    const { operationsPort: port, operationsHost: host } = config;
    const operations = await startOperationsServer({ port, host, health, metrics });
    lifecycle.onStop('operations server', () => operations.close());
    return { operationsPort: operations.port };
  },
});
