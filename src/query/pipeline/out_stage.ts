/** `$out`: the documents become the whole content of a collection. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { stringOf, type RawValue } from '../../bson/value.ts';
import type { StageKind } from './stage.ts';
import { checkWriteTarget, type OutSpec } from './write_spec.ts';

export const outStage: StageKind = {
  name: '$out',
  position: 'last',
  notIn: new Set(['facet', 'lookup', 'unionWith']),
  parse(operand, { db }) {
    const target = parseTarget(operand, db);
    if (target.collection === '' || target.collection.startsWith('.')) {
      const ns = `${target.db}.${target.collection}`;
      throw new CommandError('InvalidNamespace', `Invalid $out target namespace, ${ns}`);
    }
    checkWriteTarget(target, { refusal: "Can't $out", internalCode: 31321, specialCode: 17385 });
    return { kind: 'write', write: target, open: (source) => source };
  },
};

function parseTarget(operand: RawValue, db: string): OutSpec {
  if (operand.type === BSON_TYPE.string) return { kind: 'out', db, collection: stringOf(operand) };
  if (operand.type !== BSON_TYPE.object) {
    const type = typeAlias(operand.type);
    throw new CommandError(16990, `$out only supports a string or object argument, but found ${type}`);
  }
  let database: string | undefined;
  let collection: string | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'db') database = stringField('db', reader);
    else if (name === 'coll') collection = stringField('coll', reader);
    else if (name === 'timeseries') {
      throw new CommandError('NotImplemented', 'time series collections are not implemented: $out.timeseries');
    } else throw new CommandError(40415, `BSON field '$out.${name}' is an unknown field.`);
  }
  if (collection === undefined) throw missing('coll');
  if (database === undefined) throw missing('db');
  return { kind: 'out', db: database, collection };
}

function stringField(name: string, reader: ElementReader): string {
  if (reader.type === BSON_TYPE.string) return stringOf(reader);
  const type = typeAlias(reader.type);
  throw new CommandError(
    'TypeMismatch',
    `BSON field '$out.${name}' is the wrong type '${type}', expected type 'string'`,
  );
}

function missing(name: string): CommandError {
  return new CommandError(40414, `BSON field '$out.${name}' is missing but a required field`);
}
