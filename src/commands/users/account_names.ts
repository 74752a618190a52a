/** How `usersInfo` and `rolesInfo` say whom they are about: a name, `{user, db}`, a list of those, or 1 for all. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, type ValueSpan } from '../../bson/types.ts';
import { maybeStringOf, numberOf } from '../../bson/value.ts';
import { itemsOf } from '../../query/update/array_value.ts';

export interface AccountName {
  readonly name: string;
  readonly db: string;
}

/** Of a database, of all, or those that are named. */
export type WantedAccounts =
  | { readonly kind: 'database' }
  | { readonly kind: 'everywhere' }
  | { readonly kind: 'named'; readonly names: readonly AccountName[] };

/** `field`: what a name is called in a document, 'user' or 'role'. */
export function wantedAccounts(value: ElementReader, field: 'user' | 'role', db: string): WantedAccounts {
  if (isNumericType(value.type) && numberOf(value) === 1) return { kind: 'database' };
  if (value.type === BSON_TYPE.array) {
    return { kind: 'named', names: itemsOf(value).map((item) => accountName(item, field, db)) };
  }
  if (field === 'user' && asksForAll(value)) return { kind: 'everywhere' };
  return { kind: 'named', names: [accountName(value, field, db)] };
}

function asksForAll(value: ValueSpan): boolean {
  if (value.type !== BSON_TYPE.object) return false;
  const reader = new ElementReader(value.bytes, value.start);
  return reader.next() && reader.name() === 'forAllDBs' && reader.type === BSON_TYPE.bool;
}

function accountName(value: ValueSpan, field: 'user' | 'role', db: string): AccountName {
  const text = maybeStringOf(value);
  if (text !== undefined) return { name: text, db };
  const what = field === 'user' ? 'User' : 'Role';
  if (value.type !== BSON_TYPE.object) {
    throw new CommandError('BadValue', `${what} name must be either a string or an object`);
  }
  const found: Record<string, string | undefined> = {};
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) {
    const name = reader.name();
    if (name !== field && name !== 'db') {
      throw new CommandError('BadValue', `${what} name contains an unexpected field: '${name}'`);
    }
    found[name] = maybeStringOf(reader);
  }
  const { [field]: name, db: at } = found;
  if (name === undefined || at === undefined) {
    throw new CommandError('BadValue', `${what} name must have the string fields '${field}' and 'db'`);
  }
  return { name, db: at };
}
