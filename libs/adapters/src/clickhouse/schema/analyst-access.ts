// What gives a tenant's analyst SQL of their own on a ClickHouse server: a database of views that show one tenant's rows and no
// other's, a user who may read these and nothing else, and a quota. Generated from the list of views, for an operator to run.
// Not for the embedded engine: it knows one user, who may do everything.
import { sqlInteger, sqlText } from '../literals.ts';
import { analyticsViews } from './steps/0005-analytics-views.ts';

export interface AnalystAccess {
  readonly tenant: string;
  /** Name of the SQL user. */
  readonly user: string;
  /** SHA-256 of the password, 64 hexadecimal digits. */
  readonly passwordSha256: string;
  readonly queriesPerHour: number;
  readonly rowsReadPerHour: number;
  /** One query: seconds, and bytes of memory. */
  readonly secondsMax: number;
  readonly memoryBytesMax: number;
  /** Name of the cluster, where there is one. */
  readonly cluster?: string;
}

export const analystAccessDefaults = {
  queriesPerHour: 600,
  rowsReadPerHour: 5_000_000_000,
  secondsMax: 30,
  memoryBytesMax: 2 * 1024 ** 3,
};

/** May be run again. Whoever runs them must be allowed to read the views: the tenant's views read on their behalf. */
export function analystAccess(access: AnalystAccess): readonly string[] {
  const { tenant, user, passwordSha256, cluster } = access;
  for (const [name, pattern] of [
    [tenant, /^[A-Za-z0-9_-]{1,32}$/],
    [user, /^[A-Za-z][A-Za-z0-9_]{0,63}$/],
    [passwordSha256, /^[0-9a-f]{64}$/],
    [cluster ?? 'c', /^[A-Za-z][A-Za-z0-9_]*$/],
  ] as const) {
    if (!pattern.test(name)) throw new Error(`not a name that can be used here: ${name}`);
  }
  const on = cluster === undefined ? '' : ` ON CLUSTER '${cluster}'`;
  const database = tenantDatabase(tenant);
  const { queriesPerHour, rowsReadPerHour, secondsMax, memoryBytesMax } = access;
  return [
    `CREATE DATABASE IF NOT EXISTS ${database}${on}`,
    ...analyticsViews.map(
      ({ name }) =>
        `CREATE OR REPLACE VIEW ${database}.${name.replace(/^analytics_/, '')}${on} DEFINER = CURRENT_USER SQL SECURITY DEFINER` +
        ` AS SELECT * EXCEPT tenant FROM parley.${name} WHERE tenant = ${sqlText(tenant)}`,
    ),
    `CREATE USER IF NOT EXISTS ${user}${on} IDENTIFIED WITH sha256_hash BY '${passwordSha256}' DEFAULT DATABASE ${database}`,
    // Values that the user cannot change: readonly forbids SET.
    `ALTER USER ${user}${on} SETTINGS readonly = 1, max_execution_time = ${sqlInteger(secondsMax)},` +
      ` max_memory_usage = ${sqlInteger(memoryBytesMax)}, max_result_rows = 1000000, result_overflow_mode = 'throw'`,
    `CREATE QUOTA OR REPLACE ${user}${on} KEYED BY user_name FOR INTERVAL 1 hour` +
      ` MAX queries = ${sqlInteger(queriesPerHour)}, read_rows = ${sqlInteger(rowsReadPerHour)} TO ${user}`,
    // Only this: no SOURCES, so no file(), url(), remote() or s3().
    `GRANT${on} SELECT ON ${database}.* TO ${user}`,
  ];
}

/** In backquotes: a tenant's name may begin with a digit and have dashes in it. */
export const tenantDatabase = (tenant: string): string => `\`parley_${tenant}\``;
