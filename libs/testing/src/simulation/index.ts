// The deterministic simulator: a whole cluster from a seed. `npm run simulate`.
export { type RunSeedsOptions, type SeedTask, runSeeds } from './run-seeds.ts';
export { type RunReport, simulate } from './simulate.ts';
export type { Violation } from './trace.ts';
export { type Mutation, mutations } from './mutations/mutations.ts';
