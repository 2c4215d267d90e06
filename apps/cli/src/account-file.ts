// What the terminal chat remembers between runs: password and token of each account, in one file only the user can read.
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

export interface Account {
  readonly password: string;
  readonly token: string;
  readonly expiresAtMs: number;
}

export interface AccountKey {
  readonly url: string;
  readonly tenant: string;
  readonly handle: string;
}

export class AccountFile {
  readonly path: string;

  constructor(env: NodeJS.ProcessEnv) {
    const base = env['XDG_CONFIG_HOME'] || path.join(homedir(), '.config');
    this.path = path.join(base, 'parley', 'accounts.json');
  }

  find(key: AccountKey): Account | undefined {
    return this.#read()[nameOf(key)];
  }

  save(key: AccountKey, account: Account): void {
    const accounts = { ...this.#read(), [nameOf(key)]: account };
    mkdirSync(path.dirname(this.path), { recursive: true, mode: 0o700 });
    // Written whole beside it and renamed: another terminal never reads half a file.
    const fresh = `${this.path}.${process.pid}`;
    writeFileSync(fresh, `${JSON.stringify(accounts, null, 2)}\n`, { mode: 0o600 });
    chmodSync(fresh, 0o600);
    renameSync(fresh, this.path);
  }

  #read(): Record<string, Account> {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw error;
    }
    return JSON.parse(text) as Record<string, Account>;
  }
}

const nameOf = ({ url, tenant, handle }: AccountKey): string => `${handle}@${tenant} ${url}`;
