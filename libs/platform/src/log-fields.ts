// The names of log fields, so that one thing has one name in every log line. Ids only: never message text, tokens,
// names or other personal data.

export interface LogFields {
  readonly kind?: string;
  readonly shard?: number;
  readonly epoch?: number;
  readonly tenant?: string;
  readonly user?: string;
  readonly conversation?: string;
  readonly entity?: string;
  readonly connection?: number | string;
  readonly gateway?: string;
  readonly node?: string;
  readonly sequence?: number;
  readonly position?: number;
  readonly offset?: number;
  readonly stream?: string;
  readonly subject?: string;
  readonly code?: string;
  readonly reason?: string;
  readonly count?: number;
  readonly bytes?: number;
  readonly durationMs?: number;
  readonly limitMs?: number;
  readonly attempt?: number;
  readonly url?: string;
  readonly port?: number;
  readonly signal?: string;
  readonly check?: string;
  readonly step?: string;
  /** Where a line of Nest's own comes from. */
  readonly context?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  /** An Error with its cause chain. */
  readonly err?: unknown;
}
