// The history process: journals → ClickHouse and the Redis tail, and answers to history and search questions.
import './no-proxy.ts';
import './thread-pool.ts';

// Only now, when the environment is as the engine needs it, may anything use it.
await import('./history-process.ts');
