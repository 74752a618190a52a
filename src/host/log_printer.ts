/** Prints log lines to standard output, one JSON document per line as MongoDB does, or as plain text for people. */
import type { Log, LogLine } from '../base/log.ts';

export type LogFormat = 'json' | 'plain';

/**
 * Lines are written at once: what a process said before it died is all there.
 * @param write takes one line with its end; normally `process.stdout.write`
 */
export function createLogPrinter(format: LogFormat, write: (text: string) => void): Log {
  const print = format === 'json' ? jsonLine : plainLine;
  return {
    write: (line) => {
      // Debug lines are for the simulator and tests.
      if (line.severity !== 'D1') write(print(line, new Date()));
    },
  };
}

/** MongoDB's form with its padding: `{"t":{"$date":…},"s":"I",  "c":"NETWORK",  "id":23016,   "ctx":…}`. */
export function jsonLine(line: LogLine, now: Date): string {
  const time = now.toISOString().replace('Z', '+00:00');
  const severity = `"s":"${line.severity}",`.padEnd(10);
  const component = `"c":"${line.component}",`.padEnd(16);
  const id = `"id":${line.id},`.padEnd(14);
  const attributes = Object.keys(line.attributes).length === 0 ? '' : `,"attr":${toJson(line.attributes)}`;
  const text = `"ctx":${JSON.stringify(line.context)},"msg":${JSON.stringify(line.message)}`;
  return `{"t":{"$date":"${time}"},${severity}${component}${id}${text}${attributes}}\n`;
}

/** `10:04:05.123 I REPL  message key=value`. */
export function plainLine(line: LogLine, now: Date): string {
  const time = now.toISOString().slice(11, 23);
  const attributes = Object.entries(line.attributes).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : toJson(value)}`,
  );
  return `${time} ${line.severity} ${line.component} ${line.message}${attributes.join('')}\n`;
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? Number(inner) : inner)) ?? 'null';
}
