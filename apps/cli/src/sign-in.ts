// Gets a token for a handle: the remembered one, a log in, or an account made on first use.
import { randomBytes } from 'node:crypto';
import { ClientError, type HttpApi, type Login, localError } from '@parley/client';
import type { AccountFile, AccountKey } from './account-file.ts';

export interface SignInOptions {
  readonly api: HttpApi;
  readonly accounts: AccountFile;
  readonly key: AccountKey;
  /** As given on the command line. */
  readonly password: string | undefined;
  /** Tells the user what was done. */
  tell(line: string): void;
}

/** A token this close to its end is renewed at once. */
const tokenReserveMs = 60_000;

/** `renew`: the remembered token was refused. */
export async function signIn(
  options: SignInOptions,
  { renew }: { readonly renew: boolean },
): Promise<string> {
  const { accounts, key } = options;
  const known = accounts.find(key);
  if (!renew && known !== undefined && known.expiresAtMs > Date.now() + tokenReserveMs) return known.token;
  const password = options.password ?? known?.password;
  if (password === undefined) return register(options, randomBytes(18).toString('base64url'));
  try {
    const credentials = { tenant: key.tenant, handle: key.handle, password };
    return remember(options, password, await options.api.login(credentials));
  } catch (error) {
    // No such account yet, or a wrong password: the server does not say which. Registering tells.
    if (!(error instanceof ClientError) || error.code !== 'WRONG_CREDENTIALS') throw error;
    return register(options, password);
  }
}

async function register(options: SignInOptions, password: string): Promise<string> {
  const { tenant, handle } = options.key;
  try {
    const login = await options.api.register({ tenant, handle, password });
    options.tell(
      `welcome, ${handle}: your account was made; its password is kept in ${options.accounts.path}`,
    );
    return remember(options, password, login);
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== 'ALREADY_EXISTS') throw error;
    throw localError(
      'STOPPED',
      `${handle} exists, and ${options.password === undefined ? 'no password is known here: give --password' : 'the password is wrong'}`,
    );
  }
}

function remember({ accounts, key }: SignInOptions, password: string, login: Login): string {
  accounts.save(key, { password, token: login.token, expiresAtMs: login.expiresAtMs });
  return login.token;
}
