// A store that does something otherwise, for tests.
import type { ClickHouse } from '@parley/adapters';

/** `store`, but for what `change` does; `this` in its methods is the changed store. */
export const around = <Change extends Partial<ClickHouse>>(
  store: ClickHouse,
  change: Change & ThisType<ClickHouse & Change>,
): ClickHouse & Change => ({
  insert: (...asked) => store.insert(...asked),
  select: (...asked) => store.select(...asked),
  stream: (...asked) => store.stream(...asked),
  execute: (...asked) => store.execute(...asked),
  version: () => store.version(),
  close: () => store.close(),
  ...change,
});
