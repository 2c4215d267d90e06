// given / when / then for deciders.
export { type DecidesAsOptions, decidesAs } from './decides-as.ts';
export { DomainWorld } from './domain-world.ts';
