export { type Wanted, asTyped, plainMatch, plainWords } from './plain-search.ts';
export { sampleTerms } from './term-sampler.ts';
