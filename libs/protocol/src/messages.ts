// The generated protobuf code, set up so that 64-bit integers are plain numbers (safe up to 2^53-1) before it loads.
import './plain-numbers.ts';
import { parley } from './generated/messages.js';

/** Messages between clients and gateways: proto/parley/v1. */
export const wire = parley.v1;
/** Messages among the cluster's own processes: proto/parley/internal/v1. */
export const internal = parley.internal.v1;
export type { parley } from './generated/messages.js';
