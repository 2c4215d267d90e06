// `npm run -s analyst-access -- --tenant acme --user ana`: the statements that give an analyst SQL of their own on a
// ClickHouse server. It connects to nothing: an operator reads them, and runs them.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { analystAccess, analystAccessDefaults } from '@parley/adapters';

const help = `Prints SQL for a ClickHouse server: views of one tenant, a user who may read them, a quota.

  npm run -s analyst-access -- --tenant NAME --user NAME < file-with-the-password

  --tenant NAME            whose rows
  --user NAME              the SQL user; letters, digits and _
  --cluster NAME           as in PARLEY_CLICKHOUSE_CLUSTER
  --queries-per-hour N     (default ${analystAccessDefaults.queriesPerHour})
  --rows-per-hour N        rows read   (default ${analystAccessDefaults.rowsReadPerHour})
  --seconds N              of one query   (default ${analystAccessDefaults.secondsMax})
  --memory-bytes N         of one query   (default ${analystAccessDefaults.memoryBytesMax})
  --help

The password is the first line of standard input; only its SHA-256 is printed. See docs/analytics.md.
`;

const passwordCharactersMin = 12;
const names = ['tenant', 'user', 'cluster'] as const;
const numbers = ['queries-per-hour', 'rows-per-hour', 'seconds', 'memory-bytes'] as const;
const options = Object.fromEntries([...names, ...numbers].map((name) => [name, { type: 'string' as const }]));

try {
  const { values } = parseArgs({ options: { ...options, help: { type: 'boolean' } } });
  process.stdout.write(values['help'] === true ? help : `${statements(values).join(';\n')};\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${help}`);
  process.exitCode = 2;
}

function statements(values: Readonly<Record<string, unknown>>): readonly string[] {
  const [tenant, user, cluster] = names.map((name) => values[name] as string | undefined);
  if (tenant === undefined || user === undefined) throw new Error('--tenant and --user are required');
  const [password = ''] = readFileSync(0, 'utf8').split(/\r?\n/);
  if (password.length < passwordCharactersMin)
    throw new Error(`the password has less than ${passwordCharactersMin} characters`);
  const [queriesPerHour, rowsReadPerHour, secondsMax, memoryBytesMax] = numbers.map((name) =>
    numberOf(name, values[name]),
  );
  return analystAccess({
    tenant,
    user,
    passwordSha256: createHash('sha256').update(password).digest('hex'),
    queriesPerHour: queriesPerHour ?? analystAccessDefaults.queriesPerHour,
    rowsReadPerHour: rowsReadPerHour ?? analystAccessDefaults.rowsReadPerHour,
    secondsMax: secondsMax ?? analystAccessDefaults.secondsMax,
    memoryBytesMax: memoryBytesMax ?? analystAccessDefaults.memoryBytesMax,
    ...(cluster === undefined ? {} : { cluster }),
  });
}

function numberOf(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`--${name} is a whole number from 1 on`);
  return number;
}
