// People whom the operator names in the settings of the gateways, as tenant/user, for what concerns the whole of that tenant.
// Not a claim of the token: whoever is taken off the list has lost it at the next start, however long the token lives.
import type { Identity } from '../auth/token-verifier.ts';
import { ApiError } from './api-error.ts';
import type { HttpSettings } from './http-ports.ts';

type Named = Pick<HttpSettings, 'admins' | 'analysts'>;

const isOn = (list: readonly string[] | undefined, { tenant, user }: Identity): boolean =>
  list?.includes(`${tenant}/${user}`) === true;

/** Whoever is named has an account already: a stranger cannot be the first to take the name. */
export const isNamed = ({ admins, analysts }: Named, who: Identity): boolean =>
  isOn(admins, who) || isOn(analysts, who);

/** FORBIDDEN for everybody who is not one of the `admins`, or of the `analysts`. */
export function mustBeNamed(settings: Named, role: keyof Named, asker: Identity): void {
  if (!isOn(settings[role], asker))
    throw new ApiError('FORBIDDEN', `You are not among the ${role} of this tenant.`);
}
