// The history process: journals → ClickHouse and the Redis tail, and answers to history and search questions.
import './thread-pool.ts';

// Only now, when the size of the thread pool is set, may anything use it.
await import('./history-process.ts');
