/** Server parameters: what getParameter shows and setParameter changes. */
import { CommandError } from '../../base/command_error.ts';
import { JOURNAL_SEGMENT_BYTES } from '../../base/limits.ts';
import { BSON_TYPE, isNumericType, typeAlias, type ValueSpan } from '../../bson/types.ts';
import { isTruthy, isWholeNumber, maybeStringOf, numberOf } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';

export type ParameterValue = number | boolean | string;

/** When a parameter may be set: only with `--setParameter`, only later, or both. */
export type ParameterTime = 'startup' | 'runtime' | 'both' | 'never';

interface ParameterBase {
  readonly name: string;
  readonly time: ParameterTime;
}

export type ParameterSpec = ParameterBase &
  (
    | { readonly type: 'int' | 'double'; readonly initial: number; readonly min?: number; readonly max?: number }
    | { readonly type: 'bool'; readonly initial: boolean }
    | { readonly type: 'string'; readonly initial: string }
  );

const MEBIBYTE = 1024 * 1024;

/** Names are MongoDB's, or our own where MongoDB has no such thing. Sorted. */
export const PARAMETER_SPECS = [
  { name: 'allowDiskUseByDefault', type: 'bool', initial: true, time: 'both' },
  { name: 'cursorTimeoutMillis', type: 'int', initial: 600_000, time: 'both' },
  { name: 'diagnosticDataCollectionEnabled', type: 'bool', initial: false, time: 'both' },
  { name: 'enableFlowControl', type: 'bool', initial: false, time: 'both' },
  { name: 'enableTestCommands', type: 'bool', initial: false, time: 'startup' },
  { name: 'internalDocumentSourceGroupMaxMemoryBytes', type: 'int', initial: 104_857_600, min: 1, time: 'both' },
  { name: 'internalQueryMaxBlockingSortMemoryUsageBytes', type: 'int', initial: 104_857_600, min: 0, time: 'both' },
  {
    name: 'journalSegmentSizeMB',
    type: 'int',
    initial: JOURNAL_SEGMENT_BYTES / MEBIBYTE,
    min: 1,
    max: 1024,
    time: 'startup',
  },
  { name: 'localLogicalSessionTimeoutMinutes', type: 'int', initial: 30, min: 1, time: 'startup' },
  { name: 'logLevel', type: 'int', initial: 0, min: 0, max: 5, time: 'both' },
  { name: 'logicalSessionRefreshMillis', type: 'int', initial: 300_000, min: 0, time: 'startup' },
  { name: 'maxIncomingConnections', type: 'int', initial: 65_536, min: 1, time: 'startup' },
  { name: 'maxSessions', type: 'int', initial: 1_000_000, min: 1, time: 'startup' },
  { name: 'maxTransactionLockRequestTimeoutMillis', type: 'int', initial: 5, time: 'both' },
  { name: 'minSnapshotHistoryWindowInSeconds', type: 'int', initial: 300, min: 0, time: 'both' },
  { name: 'notablescan', type: 'bool', initial: false, time: 'both' },
  { name: 'periodicNoopIntervalSecs', type: 'int', initial: 10, min: 1, time: 'both' },
  { name: 'quiet', type: 'bool', initial: false, time: 'both' },
  { name: 'replBatchLimitOperations', type: 'int', initial: 5000, min: 1, max: 1_000_000, time: 'both' },
  { name: 'rollbackTimeLimitSecs', type: 'int', initial: 86_400, min: 1, time: 'both' },
  { name: 'shutdownTimeoutMillisForSignaledShutdown', type: 'int', initial: 15_000, min: 0, time: 'both' },
  { name: 'slowms', type: 'int', initial: 100, min: 0, time: 'both' },
  { name: 'transactionLifetimeLimitSeconds', type: 'int', initial: 60, min: 1, time: 'both' },
  { name: 'ttlMonitorEnabled', type: 'bool', initial: true, time: 'both' },
  { name: 'ttlMonitorSleepSecs', type: 'int', initial: 60, min: 1, time: 'both' },
  { name: 'writePeriodicNoops', type: 'bool', initial: true, time: 'both' },
] as const satisfies readonly ParameterSpec[];

type Spec = (typeof PARAMETER_SPECS)[number];
export type ParameterName = Spec['name'];
type ValueOf<Name extends ParameterName> =
  Extract<Spec, { name: Name }> extends { type: 'bool' }
    ? boolean
    : Extract<Spec, { name: Name }> extends { type: 'string' }
      ? string
      : number;

export class Parameters {
  readonly #specs = new Map<string, ParameterSpec>(PARAMETER_SPECS.map((spec) => [spec.name, spec]));
  readonly #values = new Map<string, ParameterValue>(PARAMETER_SPECS.map((spec) => [spec.name, spec.initial]));
  readonly #listeners: ((name: string, value: ParameterValue) => void)[] = [];

  /** The present value. */
  get<Name extends ParameterName>(name: Name): ValueOf<Name> {
    return this.#values.get(name) as ValueOf<Name>;
  }

  /** By a name that may not exist. */
  find(name: string): { readonly spec: ParameterSpec; readonly value: ParameterValue } | undefined {
    const spec = this.#specs.get(name);
    const value = this.#values.get(name);
    return spec === undefined || value === undefined ? undefined : { spec, value };
  }

  all(): Iterable<ParameterSpec> {
    return this.#specs.values();
  }

  /** Calls back after each change made while the server runs. */
  onChange(callback: (name: string, value: ParameterValue) => void): void {
    this.#listeners.push(callback);
  }

  /** Sets what `--setParameter name=text` says. Throws CommandError BadValue, also for names that do not exist. */
  setAtStartup(name: string, text: string): void {
    const spec = this.#specs.get(name);
    if (spec === undefined) throw new CommandError('BadValue', `Unknown --setParameter '${name}'`);
    if (spec.time === 'runtime' || spec.time === 'never') {
      throw new CommandError('BadValue', `Cannot use --setParameter to set '${name}' at startup`);
    }
    this.#values.set(name, checked(spec, valueOfText(spec, text)));
  }

  /** Sets what a setParameter command says; returns the value before. */
  setAtRuntime(name: string, value: ValueSpan): ParameterValue {
    const found = this.find(name);
    if (found === undefined) {
      throw new CommandError(
        'InvalidOptions',
        `attempted to set unrecognized parameter [${name}], use help:true to see options `,
      );
    }
    if (found.spec.time === 'startup' || found.spec.time === 'never') {
      throw new CommandError('IllegalOperation', `not allowed to change [${name}] at runtime`);
    }
    const next = checked(found.spec, valueOfSpan(found.spec, value));
    this.#values.set(name, next);
    for (const listener of this.#listeners) listener(name, next);
    return found.value;
  }
}

function valueOfText(spec: ParameterSpec, text: string): ParameterValue {
  if (spec.type === 'string') return text;
  if (spec.type === 'bool') {
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
  } else if (text.trim() !== '' && Number.isFinite(Number(text))) {
    return Number(text);
  }
  throw new CommandError('BadValue', `Bad value for parameter "${spec.name}": ${text}`);
}

function valueOfSpan(spec: ParameterSpec, value: ValueSpan): ParameterValue {
  if (spec.type === 'bool' && (value.type === BSON_TYPE.bool || isNumericType(value.type))) return isTruthy(value);
  if (spec.type === 'string') {
    const text = maybeStringOf(value);
    if (text !== undefined) return text;
  }
  if (spec.type === 'double' && isNumericType(value.type)) return numberOf(value);
  if (spec.type === 'int' && isNumericType(value.type) && isWholeNumber(value)) return numberOf(value);
  throw new CommandError('BadValue', `Failed to set parameter '${spec.name}': wrong type ${typeAlias(value.type)}`);
}

function checked(spec: ParameterSpec, value: ParameterValue): ParameterValue {
  if (spec.type !== 'int' && spec.type !== 'double') return value;
  if (spec.type === 'int' && !isInt32(value)) {
    throw new CommandError('BadValue', `Failed to set parameter '${spec.name}': ${value} is not a 32-bit whole number`);
  }
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = spec;
  if (typeof value === 'number' && value >= min && value <= max) return value;
  const bound = Number(value) < min ? `greater than or equal to ${min}` : `less than or equal to ${max}`;
  throw new CommandError('BadValue', `Invalid value for parameter ${spec.name}: ${value} is not ${bound}`);
}

function isInt32(value: ParameterValue): boolean {
  return typeof value === 'number' && (value | 0) === value;
}

/** Writes a value in its parameter's type. */
export function writeParameter(
  reply: BsonWriter,
  name: string,
  type: ParameterSpec['type'],
  value: ParameterValue,
): void {
  if (typeof value === 'boolean') reply.bool(name, value);
  else if (typeof value === 'string') reply.string(name, value);
  else if (type === 'double') reply.double(name, value);
  else reply.int32(name, value);
}
