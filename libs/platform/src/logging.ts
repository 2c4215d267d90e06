// The log: one JSON line an event on stdout, fixed message texts, variables in fields. info = a state of the system
// changed; warn = a limit was reached or a retry happened; error = a person should look.
import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, pino, stdSerializers } from 'pino';
import type { LogFields } from './log-fields.ts';

type LogLine = (fields: LogFields, message: string) => void;

/** The part of pino the code uses, with our field names. */
export interface Logger {
  readonly trace: LogLine;
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
  readonly fatal: LogLine;
  /** A logger whose lines all carry these fields. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level?: string | undefined;
  readonly nodeId?: string | undefined;
  /** Default stdout, written at once: the last line before a crash is not lost. */
  readonly destination?: DestinationStream | undefined;
}

export function createLogger(app: string, options: LoggerOptions = {}): Logger {
  const settings = {
    // A level nobody knows is a mistake of the configuration, which is read later and says so through this logger.
    level: options.level !== undefined && options.level in pino.levels.values ? options.level : 'info',
    base: { app, ...(options.nodeId === undefined ? {} : { node: options.nodeId }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: stdSerializers.errWithCause },
  };
  return pino(settings, options.destination ?? pino.destination({ dest: 1, sync: true }));
}

/** A logger that says nothing, for tests. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}

/** Nest's own lines as lines of ours: `app.useLogger(nestLogger(logger))`. Its start-up chatter is debug. */
export function nestLogger(logger: Logger): LoggerService {
  const line = (write: LogLine) => (message: unknown, context?: unknown) =>
    write(typeof context === 'string' ? { context } : {}, String(message));
  return {
    log: line((fields, message) => logger.debug(fields, message)),
    debug: line((fields, message) => logger.debug(fields, message)),
    verbose: line((fields, message) => logger.trace(fields, message)),
    warn: line((fields, message) => logger.warn(fields, message)),
    error: (message: unknown, stack?: unknown) =>
      logger.error(
        message instanceof Error ? { err: message } : { reason: typeof stack === 'string' ? stack : '' },
        String(message),
      ),
    fatal: (message: unknown) => logger.fatal({}, String(message)),
  };
}
