// Erases what a person wrote, or one message, by destroying its keys. The history service looks for legal holds and writes the
// audit before anything is destroyed, and once more when it was. Repeating it is safe, and finishes what was interrupted.
import { type SealPlace, TooManyErased } from '@parley/adapters';
import { inParallel } from '@parley/std';
import { ApiError } from '../http/api-error.ts';
import type { AdminAnswer, AdminRequest } from '../http/history-admin.ts';
import type { Sealing } from './sealing.ts';

export interface ErasureRequest {
  readonly user?: string | undefined;
  readonly conversation?: string | undefined;
  readonly sequence?: number | undefined;
  readonly reason: string;
}

export interface Erasure {
  readonly request: ErasureRequest;
  /** Asks the history service; throws ApiError when it refuses. */
  ask(question: Partial<AdminRequest>): Promise<AdminAnswer>;
}

/** Keys destroyed at the same time. */
const atOnceMax = 16;
/** Until nothing is found: somebody may write while the first keys are destroyed. */
const passesMax = 3;

/** Throws ApiError: ON_HOLD, NOT_SEALED, MESSAGE_NOT_FOUND, RANGE_TOO_LARGE, UNAVAILABLE. */
export async function erase(
  sealing: Sealing,
  tenant: string,
  { request, ask }: Erasure,
): Promise<{ readonly keys: number }> {
  const { reason, ...what } = request;
  const { erasure } = await ask({ erase: { ...what, reason } });
  const keys = await destroyed(sealing, tenant, what, {
    user: erasure?.user ?? '',
    messageId: erasure?.clientMessageId ?? '',
  }).catch((cause: unknown) => {
    if (cause instanceof TooManyErased)
      throw new ApiError(
        'RANGE_TOO_LARGE',
        `${cause.message}: erase that person in that conversation instead.`,
      );
    throw new ApiError('UNAVAILABLE', 'The keys cannot be reached; some may be destroyed: repeat it.');
  });
  await ask({ erasureDone: { ...what, keys } });
  return { keys };
}

async function destroyed(
  sealing: Sealing,
  tenant: string,
  { user, conversation, sequence }: Omit<ErasureRequest, 'reason'>,
  author: { readonly user: string; readonly messageId: string },
): Promise<number> {
  try {
    if (sequence !== undefined && conversation !== undefined) {
      const place = { tenant, user: author.user, conversation };
      return Number(await sealing.keys.destroyMessage(place, author.messageId));
    }
    if (user === undefined) return 0;
    if (conversation !== undefined) return Number(await sealing.keys.destroy({ tenant, user, conversation }));
    return await destroyedOf(sealing, { tenant, user });
  } finally {
    sealing.announceDestruction(tenant);
  }
}

async function destroyedOf(sealing: Sealing, person: Pick<SealPlace, 'tenant' | 'user'>): Promise<number> {
  let keys = 0;
  for (let pass = 0; pass < passesMax; pass++) {
    const conversations = await sealing.keys.conversationsOf(person.tenant, person.user);
    const gone = await inParallel(conversations, atOnceMax, (conversation) =>
      sealing.keys.destroy({ ...person, conversation }),
    );
    const now = gone.filter(Boolean).length;
    keys += now;
    if (now === 0) break;
    sealing.announceDestruction(person.tenant);
  }
  return keys;
}
