// One clock for all processes of a bench: the machine's monotonic clock, in microseconds. Times of two processes on one
// machine can be subtracted.

const offsetUs = Number(process.hrtime.bigint() / 1_000n) - performance.now() * 1_000;

export const nowUs = (): number => performance.now() * 1_000 + offsetUs;
