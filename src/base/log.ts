/** Log lines as MongoDB structures them; `host/` decides how they are printed. */

/** Fatal, error, warning, information, debug. */
export type LogSeverity = 'F' | 'E' | 'W' | 'I' | 'D1';

/** MongoDB's component names. */
export type LogComponent =
  | 'ACCESS'
  | 'COMMAND'
  | 'CONTROL'
  | 'ELECTION'
  | 'INDEX'
  | 'INITSYNC'
  | 'JOURNAL'
  | 'NETWORK'
  | 'QUERY'
  | 'RECOVERY'
  | 'REPL'
  | 'REPL_HB'
  | 'ROLLBACK'
  | 'STORAGE'
  | 'WRITE';

export interface LogLine {
  readonly severity: LogSeverity;
  readonly component: LogComponent;
  /** MongoDB's id of the message where it has one that tools match on; otherwise our own from 8,000,000 up. */
  readonly id: number;
  readonly context: string;
  readonly message: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface Log {
  write(line: LogLine): void;
}

/** Drops every line. */
export const NO_LOG: Log = { write: () => {} };
