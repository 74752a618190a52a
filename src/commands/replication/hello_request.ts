/** The arguments of hello. Those it does not know are ignored: newer drivers send more. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName, int64AsNumberAt } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, type ValueSpan } from '../../bson/types.ts';
import { isTruthy, maybeStringOf, numberOf, type RawValue } from '../../bson/value.ts';
import { missingField, wrongType } from '../fields.ts';

export interface HelloRequest {
  readonly helloOk: boolean;
  readonly topologyVersion: { readonly processId: Uint8Array; readonly counter: number } | undefined;
  readonly maxAwaitTimeMs: number | undefined;
  readonly hangUpOnStepDown: boolean;
  readonly isInternal: boolean;
  readonly offersZlib: boolean;
  /** The client's description of itself, unchecked. */
  readonly client: RawValue | undefined;
}

const HELLO_OK = fieldName('helloOk');
const TOPOLOGY_VERSION = fieldName('topologyVersion');
const PROCESS_ID = fieldName('processId');
const COUNTER = fieldName('counter');
const MAX_AWAIT_TIME_MS = fieldName('maxAwaitTimeMS');
const HANG_UP = fieldName('hangUpOnStepDown');
const INTERNAL_CLIENT = fieldName('internalClient');
const COMPRESSION = fieldName('compression');
const CLIENT = fieldName('client');

/** Throws CommandError 14, 31368, 31372 or 31373. */
export function parseHello(body: Uint8Array): HelloRequest {
  const helloOk = findField(body, HELLO_OK);
  const hangUp = findField(body, HANG_UP);
  const version = findField(body, TOPOLOGY_VERSION);
  const topologyVersion = version === undefined ? undefined : topologyVersionOf(version);
  const maxAwaitTimeMs = awaitTimeOf(findField(body, MAX_AWAIT_TIME_MS));
  if (topologyVersion !== undefined && maxAwaitTimeMs === undefined) {
    throw new CommandError(31_368, "A request with a 'topologyVersion' must include 'maxAwaitTimeMS'");
  }
  if (topologyVersion === undefined && maxAwaitTimeMs !== undefined) {
    throw new CommandError(31_368, "A request with 'maxAwaitTimeMS' must include a 'topologyVersion'");
  }
  return {
    helloOk: helloOk !== undefined && isTruthy(helloOk),
    topologyVersion,
    maxAwaitTimeMs,
    hangUpOnStepDown: hangUp === undefined || isTruthy(hangUp),
    isInternal: findField(body, INTERNAL_CLIENT) !== undefined,
    offersZlib: offersZlib(findField(body, COMPRESSION)),
    client: findField(body, CLIENT),
  };
}

function topologyVersionOf(value: ValueSpan): { processId: Uint8Array; counter: number } {
  if (value.type !== BSON_TYPE.object) throw wrongType('topologyVersion', value, 'object');
  const processId = findField(value.bytes, PROCESS_ID, value.start);
  if (processId === undefined) throw missingField('TopologyVersion.processId');
  if (processId.type !== BSON_TYPE.objectId) throw wrongType('TopologyVersion.processId', processId, 'objectId');
  const counter = findField(value.bytes, COUNTER, value.start);
  if (counter === undefined) throw missingField('TopologyVersion.counter');
  if (counter.type !== BSON_TYPE.int64) throw wrongType('TopologyVersion.counter', counter, 'long');
  const number = int64AsNumberAt(counter.bytes, counter.start);
  if (number < 0) throw new CommandError(31_372, 'topologyVersion must have a non-negative counter');
  return { processId: processId.bytes.subarray(processId.start, processId.end), counter: number };
}

function awaitTimeOf(value: ValueSpan | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!isNumericType(value.type)) throw wrongType('maxAwaitTimeMS', value, 'long', 'int', 'decimal', 'double');
  const number = Math.trunc(numberOf(value));
  if (number >= 0) return number;
  throw new CommandError(31_373, 'maxAwaitTimeMS must be a non-negative integer');
}

function offersZlib(value: ValueSpan | undefined): boolean {
  if (value?.type !== BSON_TYPE.array) return false;
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) {
    if (maybeStringOf(reader) === 'zlib') return true;
  }
  return false;
}
