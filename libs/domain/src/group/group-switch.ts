// When a group turns to read-diffusion and back: the fact that goes along with a change of its size.
import type { Diffusion } from '../conversation/diffusion.ts';
import type { Fact } from './group-facts.ts';
import { diffusionFor } from './group-policy.ts';
import type { GroupState } from './group-state.ts';

/** With `count` members. */
export const switchFor = (state: GroupState, count: number): readonly Fact[] =>
  switchTo(state.diffusion, diffusionFor(state.diffusion, count, state.policy));

export const switchTo = (current: Diffusion, diffusion: Diffusion): readonly Fact[] =>
  diffusion === current ? [] : [{ type: 'DiffusionChanged', diffusion }];
