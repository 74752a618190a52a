/** Stages that show the state of the server in place of documents: `$collStats`, `$indexStats`, `$currentOp`, sessions. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import { numberOf, type RawValue } from '../../bson/value.ts';
import { describeValue } from '../describe.ts';
import { itemsOf } from '../update/array_value.ts';
import { ListSource } from './list_source.ts';
import type { Source } from './source.ts';
import type { Stage, StageContext, StageKind } from './stage.ts';
import type { CollStatsRequest, CurrentOpRequest, SystemRequest } from './system_request.ts';

const NOT_IN_FACET = new Set(['facet'] as const);

/** The namespace of a command about a database rather than a collection. */
const NO_COLLECTION = '$cmd.aggregate';

export const collStatsStage: StageKind = {
  name: '$collStats',
  position: 'first',
  notIn: NOT_IN_FACET,
  parse(operand, context) {
    requireObject(operand, 5447000, `$collStats must take a nested object but found: ${shown('$collStats', operand)}`);
    let request: CollStatsRequest = { kind: 'collStats', ns: context.ns };
    const reader = new ElementReader(operand.bytes, operand.start);
    while (reader.next()) request = { ...request, ...collStatsField(reader.name(), reader.value()) };
    return stageOf(request, context);
  },
};

function collStatsField(name: string, value: RawValue): Partial<CollStatsRequest> {
  const path = `$collStats.${name}`;
  const kinds = ['latencyStats', 'storageStats', 'count', 'queryExecStats'];
  if (!kinds.includes(name)) throw new CommandError(40415, `BSON field '${path}' is an unknown field.`);
  requireObject(value, 14, wrongType(path, value, 'object'));
  switch (name) {
    case 'latencyStats':
      return { latencyStats: latencyOptions(path, value) };
    case 'storageStats':
      return { storageStats: storageOptions(path, value) };
    default:
      refuseFields(path, new ElementReader(value.bytes, value.start));
      return { [name]: true };
  }
}

function latencyOptions(path: string, value: RawValue): { readonly histograms: boolean } {
  let histograms = false;
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) {
    if (reader.name() !== 'histograms') throw unknown(path, reader);
    if (reader.type !== BSON_TYPE.bool) {
      throw new CommandError('TypeMismatch', wrongType(`${path}.histograms`, reader.value(), 'bool'));
    }
    histograms = reader.bytes[reader.start] !== 0;
  }
  return { histograms };
}

function storageOptions(path: string, value: RawValue): { readonly scale: number } {
  let scale = 1;
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) {
    const name = reader.name();
    if (name !== 'scale' && name !== 'verbose' && name !== 'waitForLock') throw unknown(path, reader);
    if (name !== 'scale') continue;
    scale = isNumericType(reader.type) ? Math.trunc(numberOf(reader)) : 0;
    if (!(scale >= 1)) throw new CommandError('BadValue', `BSON field '${path}.scale' value must be >= 1`);
  }
  return { scale };
}

function refuseFields(path: string, reader: ElementReader): void {
  if (reader.next()) throw unknown(path, reader);
}

function unknown(path: string, reader: ElementReader): CommandError {
  return new CommandError(40415, `BSON field '${path}.${reader.name()}' is an unknown field.`);
}

export const indexStatsStage: StageKind = {
  name: '$indexStats',
  position: 'first',
  notIn: NOT_IN_FACET,
  parse(operand, context) {
    const isEmpty = operand.type === BSON_TYPE.object && !new ElementReader(operand.bytes, operand.start).next();
    if (isEmpty) return stageOf({ kind: 'indexStats', ns: context.ns }, context);
    const text = `The $indexStats stage specification must be an empty object, but found: ${describeValue(operand)}`;
    throw new CommandError(28803, text);
  },
};

export const planCacheStatsStage: StageKind = {
  name: '$planCacheStats',
  position: 'first',
  notIn: NOT_IN_FACET,
  parse(operand, context) {
    requireObject(operand, 9, `$planCacheStats value must be an object. Found: ${typeName(operand)}`);
    const reader = new ElementReader(operand.bytes, operand.start);
    while (reader.next()) {
      const name = reader.name();
      if (name !== 'allHosts') {
        const text = `$planCacheStats parameters object may contain only 'allHosts' field. Found: ${name}`;
        throw new CommandError('FailedToParse', text);
      }
      if (reader.type !== BSON_TYPE.bool) {
        throw new CommandError('FailedToParse', '$planCacheStats allHosts must be a boolean');
      }
      if (reader.bytes[reader.start] !== 0) {
        throw new CommandError(4503200, '$planCacheStats stage supports allHosts: true only for sharded clusters');
      }
    }
    return stageOf({ kind: 'planCacheStats', ns: context.ns }, context);
  },
};

const CURRENT_OP_FLAGS = new Set([
  'idleConnections',
  'idleSessions',
  'allUsers',
  'localOps',
  'truncateOps',
  'idleCursors',
  'backtrace',
  'targetAllNodes',
]);

export const currentOpStage: StageKind = {
  name: '$currentOp',
  position: 'first',
  notIn: NOT_IN_FACET,
  parse(operand, context) {
    if (context.ns !== `admin.${NO_COLLECTION}`) {
      const text = "$currentOp must be run against the 'admin' database with {aggregate: 1}";
      throw new CommandError('InvalidNamespace', text);
    }
    requireObject(operand, 9, `$currentOp options must be specified in an object, but found: ${typeName(operand)}`);
    const flags = new Map<string, boolean>();
    const reader = new ElementReader(operand.bytes, operand.start);
    while (reader.next()) {
      const name = reader.name();
      if (!CURRENT_OP_FLAGS.has(name)) {
        throw new CommandError('FailedToParse', `Unrecognized option '${name}' in $currentOp stage.`);
      }
      if (reader.type !== BSON_TYPE.bool) {
        const found = typeAlias(reader.type);
        throw new CommandError(
          'TypeMismatch',
          `The '${name}' parameter of the $currentOp stage must be a boolean value, but found: ${found}`,
        );
      }
      flags.set(name, reader.bytes[reader.start] !== 0);
    }
    const request: CurrentOpRequest = {
      kind: 'currentOp',
      idleConnections: flags.get('idleConnections') ?? false,
      idleCursors: flags.get('idleCursors') ?? false,
    };
    return stageOf(request, context);
  },
};

export const listLocalSessionsStage: StageKind = {
  name: '$listLocalSessions',
  position: 'first',
  notIn: NOT_IN_FACET,
  parse(operand, context) {
    if (!context.ns.endsWith(`.${NO_COLLECTION}`)) {
      const text = '$listLocalSessions must be run against the database with {aggregate: 1}, not a collection';
      throw new CommandError('InvalidNamespace', text);
    }
    checkSessionsOperand('$listLocalSessions', operand);
    return stageOf({ kind: 'localSessions' }, context);
  },
};

/** The collection it must be run against holds what it lists. */
export const listSessionsStage: StageKind = {
  name: '$listSessions',
  position: 'first',
  notIn: NOT_IN_FACET,
  parse(operand, context) {
    if (context.ns !== 'config.system.sessions') {
      throw new CommandError('InvalidNamespace', '$listSessions may only be run against config.system.sessions');
    }
    checkSessionsOperand('$listSessions', operand);
    return { kind: 'other', open: (source) => source };
  },
};

/** Without users, whose sessions they are makes no difference. */
function checkSessionsOperand(stage: string, operand: RawValue): void {
  requireObject(operand, 14, `${stage} options must be specified in an object, but found: ${typeName(operand)}`);
  let isForAll = false;
  let hasUsers = false;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    const path = `${stage}.${name}`;
    if (name === 'allUsers') {
      if (reader.type !== BSON_TYPE.bool) {
        throw new CommandError('TypeMismatch', wrongType(path, reader.value(), 'bool'));
      }
      isForAll = reader.bytes[reader.start] !== 0;
    } else if (name === 'users') {
      if (reader.type !== BSON_TYPE.array) {
        throw new CommandError('TypeMismatch', wrongType(path, reader.value(), 'array'));
      }
      hasUsers = itemsOf(reader).length > 0;
    } else throw new CommandError(40415, `BSON field '${path}' is an unknown field.`);
  }
  if (isForAll && hasUsers) {
    throw new CommandError(
      'UnsupportedFormat',
      `${stage} may not specify {allUsers:true} and {users:[...]} at the same time`,
    );
  }
}

function stageOf(request: SystemRequest, { system, scope }: StageContext): Stage {
  return {
    kind: 'other',
    open(source): Source {
      source.close();
      let documents: Source | undefined;
      return {
        // Not before it runs: what goes wrong is said to have gone wrong while it did.
        next: () => (documents ??= new ListSource(system(request), scope.turn)).next(),
        close: () => documents?.close(),
      };
    },
  };
}

function requireObject(operand: RawValue, code: number, text: string): void {
  if (operand.type !== BSON_TYPE.object) throw new CommandError(code, text);
}

function wrongType(path: string, value: RawValue, expected: string): string {
  return `BSON field '${path}' is the wrong type '${typeAlias(value.type)}', expected type '${expected}'`;
}

function typeName(value: RawValue): string {
  return typeAlias(value.type);
}

function shown(name: string, value: RawValue): string {
  return `${name}: ${describeValue(value)}`;
}
