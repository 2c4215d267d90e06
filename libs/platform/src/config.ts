// Configuration from environment variables: one zod schema an app, parsed once at start, frozen, all problems at once.
// A field `leaseExpiryMs` is read from PARLEY_LEASE_EXPIRY_MS; the name carries the unit.
import { z } from 'zod';

/** The configuration does not hold; `problems` has one line for each thing to repair. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is not usable:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the fields of `schema` from the environment. Empty variables count as absent.
 * Relations between values are `.refine`s of the schema, with `path` naming the field to blame.
 */
export function parseConfig<Schema extends z.ZodObject>(
  schema: Schema,
  environment: Environment,
): Readonly<z.output<Schema>> {
  const values: Record<string, string> = {};
  for (const field of Object.keys(schema.shape)) {
    const value = environment[variableName(field)]?.trim();
    if (value) values[field] = value;
  }
  const parsed = schema.safeParse(values);
  if (!parsed.success)
    throw new ConfigError(parsed.error.issues.map((issue) => describeIssue(issue, values)));
  return Object.freeze(parsed.data);
}

/** The variable a field is read from: `gatewayWsPort` → `PARLEY_GATEWAY_WS_PORT`. */
export function variableName(field: string): string {
  return `PARLEY_${field.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** The configuration for the log: secrets and passwords inside addresses are not in it. */
export function redactedConfig(schema: z.ZodObject, config: object): Record<string, unknown> {
  const entries = Object.entries(config).map(([field, value]) => {
    const definition: unknown = schema.shape[field];
    if (definition instanceof z.ZodType && isSecret(definition)) return [field, '(secret)'];
    return [field, Array.isArray(value) ? value.map(withoutCredentials) : withoutCredentials(value)];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}

const withoutCredentials = (value: unknown): unknown =>
  typeof value === 'string' ? value.replace(/^(\w+:\/\/)?\S*@/, '$1(secret)@') : value;

/** Kinds of values, for schemas: text from the environment to a typed value with a range. */
export const setting = {
  /** Any text of at least one character. */
  text: () => z.string().min(1),
  /** A whole number in the range, both ends included. */
  integer: ({ min, max }: { min: number; max: number }) =>
    z
      .string()
      .regex(/^-?\d+$/, 'must be a whole number')
      .transform(Number)
      .pipe(z.number().int().min(min).max(max)),
  /** 0 = a free port chosen by the system. */
  port: () => setting.integer({ min: 0, max: 65_535 }),
  /** true or false. */
  flag: () => z.enum(['true', 'false']).transform((text) => text === 'true'),
  /** Values separated by commas. */
  list: () =>
    z
      .string()
      .transform((text) => text.split(',').map((part) => part.trim()))
      .pipe(z.array(z.string().min(1)).min(1)),
  /** Never printed. */
  secret: () => z.string().min(1).meta({ secret: true }),
};

/** What every app of the cluster is told; spread it into the app's own `z.object({...})`. */
export const commonSettings = {
  /** NATS servers, separated by commas. */
  natsUrl: setting.list(),
  redisUrl: setting.text(),
  /** Shards of each kind; the first process of a new cluster fixes it for ever. */
  clusterShards: setting.integer({ min: 1, max: 4_096 }).default(8),
  /** Copies of streams and buckets that this process creates: 1, or 3 on a cluster of NATS servers. */
  natsReplicas: setting.integer({ min: 1, max: 5 }).default(1),
  /** Names this process in the cluster. New at every start: a process that comes back is a new member. */
  nodeId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'may have letters, digits, "-" and "_" only, at most 64'),
  /** Keys and the embedded history engine live below it. */
  dataFolder: setting.text().default('./parley-data'),
  /** Where /live, /ready and /metrics are served; 0 = nowhere. */
  operationsPort: setting.port().default(0),
  operationsHost: setting.text().default('127.0.0.1'),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
};

function isSecret(definition: z.ZodType): boolean {
  if (definition.meta()?.['secret'] === true) return true;
  const isWrapper =
    definition instanceof z.ZodOptional ||
    definition instanceof z.ZodDefault ||
    definition instanceof z.ZodNullable;
  return isWrapper && isSecret(definition.unwrap() as z.ZodType);
}

function describeIssue(issue: z.core.$ZodIssue, values: Record<string, string>): string {
  const field = issue.path[0];
  if (typeof field !== 'string') return issue.message;
  const isAbsent = values[field] === undefined && issue.code === 'invalid_type';
  return `${variableName(field)}: ${isAbsent ? 'is not set, and has no default' : issue.message}`;
}
