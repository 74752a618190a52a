/** The arguments of `create` and `collMod` that are about validation. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader, isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { databaseOf } from '../../database/catalog/collection.ts';
import type { ValidationAction, ValidationLevel } from '../../database/catalog/collection_options.ts';
import { compileFilter } from '../../query/matcher.ts';
import type { Arguments } from '../arguments.ts';

/** Databases of the system have collections that must always take what is written. */
const INTERNAL_DATABASES = new Set(['admin', 'config', 'local']);

const LEVELS: readonly ValidationLevel[] = ['off', 'strict', 'moderate'];
const ACTIONS: readonly ValidationAction[] = ['error', 'warn', 'errorAndLog'];

/** Throws what a filter would be refused with, and for operators and places that validators may not have. */
export function checkedValidator(filter: Uint8Array, ns: string): Uint8Array {
  if (isEmptyDocument(filter)) return filter;
  const db = databaseOf(ns);
  if (INTERNAL_DATABASES.has(db)) {
    const text = `Document validators are not allowed on collection ${ns} in the ${db} internal database`;
    throw new CommandError('InvalidOptions', text);
  }
  if (ns.startsWith(`${db}.system.`)) {
    throw new CommandError('InvalidOptions', `Document validators not allowed on system collection ${ns}`);
  }
  refuseOperators({ bytes: filter, type: BSON_TYPE.object, start: 0, end: filter.length });
  compileFilter(filter);
  return filter;
}

export function validationLevel(command: string, args: Arguments): ValidationLevel {
  return oneOf(LEVELS, args.string(), `${command}.validationLevel`);
}

export function validationAction(command: string, args: Arguments): ValidationAction {
  return oneOf(ACTIONS, args.string(), `${command}.validationAction`);
}

function oneOf<T extends string>(values: readonly T[], text: string, path: string): T {
  const found = values.find((value) => value === text);
  if (found !== undefined) return found;
  throw new CommandError('BadValue', `Enumeration value '${text}' for field '${path}' is not a valid value.`);
}

const NEAR = new Set(['$near', '$nearSphere', '$geoNear']);
const LISTS = new Set(['$and', '$or', '$nor']);

/** Those that need an index or order their results. */
function refuseOperators(filter: ValueSpan): void {
  const reader = new ElementReader(filter.bytes, filter.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === '$text' || name === '$where') {
      throw new CommandError('BadValue', `${name} is not allowed in this context`);
    }
    if (NEAR.has(name)) {
      throw new CommandError('BadValue', '$geoNear, $near, and $nearSphere are not allowed in this context');
    }
    if (LISTS.has(name) && reader.type === BSON_TYPE.array) {
      const items = new ElementReader(reader.bytes, reader.start);
      while (items.next()) if (items.type === BSON_TYPE.object) refuseOperators(items);
    } else if ((!name.startsWith('$') || name === '$not') && reader.type === BSON_TYPE.object) {
      refuseOperators(reader);
    }
  }
}
