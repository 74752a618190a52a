/**
 * The parameter `logComponentVerbosity`: MongoDB has a level for each part of the server, here one level, that of `logLevel`,
 * is for all. -1 stands for the level of the whole.
 */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import { numberOf, rawInt32, type RawValue } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { Parameters } from '../server/parameters.ts';

export const LOG_COMPONENT_VERBOSITY = 'logComponentVerbosity';

/** Parts with the parts that they have. */
const COMPONENTS: Readonly<Record<string, readonly string[]>> = {
  accessControl: [],
  command: [],
  control: [],
  executor: [],
  geo: [],
  index: [],
  network: ['asio', 'bridge', 'connectionPool'],
  query: [],
  replication: ['election', 'heartbeats', 'initialSync', 'rollback'],
  sharding: [],
  storage: ['journal', 'recovery'],
  transaction: [],
  write: [],
};

/** Writes the parameter under `name`. */
export function writeVerbosity(reply: BsonWriter, name: string, parameters: Parameters): void {
  reply.startSubdocument(name).int32('verbosity', parameters.get('logLevel'));
  for (const [component, parts] of Object.entries(COMPONENTS)) {
    reply.startSubdocument(component).int32('verbosity', -1);
    for (const part of parts) reply.startSubdocument(part).int32('verbosity', -1).end();
    reply.end();
  }
  reply.end();
}

/** Sets the level of the whole. Throws where a part shall have one of its own. */
export function setVerbosity(value: RawValue, parameters: Parameters): void {
  if (value.type !== BSON_TYPE.object) {
    const found = typeAlias(value.type);
    throw new CommandError('TypeMismatch', `log component verbosity is not a BSON object: ${found}`);
  }
  let level: number | undefined;
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'verbosity') level = levelOf(reader.value());
    else if (COMPONENTS[name] === undefined) throw new CommandError('BadValue', `Invalid component name ${name}`);
    else checkPart(name, reader.value());
  }
  if (level !== undefined) parameters.setAtRuntime('logLevel', rawInt32(Math.max(level, 0)));
}

function checkPart(name: string, value: RawValue): void {
  if (value.type !== BSON_TYPE.object) return refuseOwnLevel(name, levelOf(value));
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) {
    if (reader.name() === 'verbosity') refuseOwnLevel(name, levelOf(reader.value()));
    else if (COMPONENTS[name]?.includes(reader.name()) === true) checkPart(reader.name(), reader.value());
    else throw new CommandError('BadValue', `Invalid component name ${name}.${reader.name()}`);
  }
}

function refuseOwnLevel(name: string, level: number): void {
  if (level < 0) return;
  throw new CommandError('NotImplemented', `a level of its own for the log component ${name} is not implemented`);
}

function levelOf(value: RawValue): number {
  const level = isNumericType(value.type) ? numberOf(value) : Number.NaN;
  if (Number.isInteger(level) && Math.abs(level) < 2 ** 31) return level;
  throw new CommandError('BadValue', 'Expected a number for the verbosity of a log component');
}
