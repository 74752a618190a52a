/** `$unwind`: one document for each item of an array. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { maybeStringOf, RAW_NULL, rawInt64, stringOf, type RawValue } from '../../bson/value.ts';
import { fieldPathComponents } from '../field_path.ts';
import { valueThroughDocuments, withValueAt } from './set_at_path.ts';
import { Pace, type TurnTime } from '../pace.ts';
import { PAUSE, type Source } from './source.ts';
import type { StageKind } from './stage.ts';

interface UnwindSpec {
  readonly path: readonly Uint8Array[];
  readonly keepsEmpty: boolean;
  /** Where the item's index goes. */
  readonly indexPath: readonly Uint8Array[] | undefined;
}

export const unwindStage: StageKind = {
  name: '$unwind',
  isOneByOne: true,
  parse(operand, { scope }) {
    const spec = parseSpec(operand);
    return { kind: 'other', open: (source) => new UnwindSource(source, spec, scope.turn) };
  },
};

function parseSpec(operand: RawValue): UnwindSpec {
  if (operand.type === BSON_TYPE.string) {
    return { path: parsePath(stringOf(operand)), keepsEmpty: false, indexPath: undefined };
  }
  if (operand.type !== BSON_TYPE.object) {
    const type = typeAlias(operand.type);
    throw new CommandError(
      15981,
      `expected either a string or an object as specification for $unwind stage, got ${type}`,
    );
  }
  let path: readonly Uint8Array[] | undefined;
  let keepsEmpty = false;
  let indexPath: readonly Uint8Array[] | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'path') {
      const text = maybeStringOf(reader.value());
      if (text === undefined) {
        throw new CommandError(28808, `expected a string as the path for $unwind stage, got ${typeAlias(reader.type)}`);
      }
      path = parsePath(text);
    } else if (name === 'preserveNullAndEmptyArrays') {
      if (reader.type !== BSON_TYPE.bool) {
        throw new CommandError(
          28809,
          `expected a boolean for the preserveNullAndEmptyArrays option to $unwind stage, got ${typeAlias(reader.type)}`,
        );
      }
      keepsEmpty = reader.bytes[reader.start] !== 0;
    } else if (name === 'includeArrayIndex') {
      indexPath = parseIndexPath(reader.value());
    } else {
      throw new CommandError(28811, `unrecognized option to $unwind stage: ${name}`);
    }
  }
  if (path === undefined) throw new CommandError(28812, 'no path specified to $unwind stage');
  return { path, keepsEmpty, indexPath };
}

function parsePath(text: string): Uint8Array[] {
  if (text === '') throw new CommandError(28812, 'no path specified to $unwind stage');
  if (!text.startsWith('$')) {
    throw new CommandError(28818, `path option to $unwind stage should be prefixed with a '$': ${text}`);
  }
  return fieldPathComponents(text.slice(1)).map(fieldName);
}

function parseIndexPath(value: RawValue): Uint8Array[] {
  const text = maybeStringOf(value);
  if (text === undefined || text === '') {
    throw new CommandError(
      28810,
      `expected a non-empty string for the includeArrayIndex  option to $unwind stage, got ${typeAlias(value.type)}`,
    );
  }
  if (text.startsWith('$')) {
    throw new CommandError(
      28822,
      `includeArrayIndex option to $unwind stage should not be prefixed with a '$': ${text}`,
    );
  }
  return fieldPathComponents(text).map(fieldName);
}

class UnwindSource implements Source {
  readonly #source: Source;
  readonly #spec: UnwindSpec;
  /** The document that is being taken apart, and its items that are left. */
  #document: Uint8Array | undefined;
  #items = new ElementReader();
  #index = 0n;
  readonly #pace: Pace;

  constructor(source: Source, spec: UnwindSpec, turn: TurnTime) {
    this.#source = source;
    this.#pace = new Pace(turn);
    this.#spec = spec;
  }

  next(): ReturnType<Source['next']> {
    for (;;) {
      const document = this.#document;
      if (document !== undefined) {
        if (this.#pace.isOver()) return PAUSE;
        if (this.#items.next()) return this.#item(document);
        this.#document = undefined;
      }
      const next = this.#source.next();
      if (next === undefined || next === PAUSE) return next;
      const single = this.#take(next);
      if (single !== undefined) return single;
    }
  }

  close(): void {
    this.#source.close();
  }

  #item(document: Uint8Array): Uint8Array {
    const { path, indexPath } = this.#spec;
    const unwound = withValueAt(document, path, this.#items.value());
    return indexPath === undefined ? unwound : withValueAt(unwound, indexPath, rawInt64(this.#index++));
  }

  /** Begins with a document; what it gives when it is not one with items. */
  #take(document: Uint8Array): Uint8Array | undefined {
    const { path, keepsEmpty, indexPath } = this.#spec;
    const value = valueThroughDocuments(document, path);
    if (value?.type === BSON_TYPE.array) {
      const items = new ElementReader(value.bytes, value.start);
      if (new ElementReader(value.bytes, value.start).next()) {
        this.#document = document;
        this.#items = items;
        this.#index = 0n;
        return undefined;
      }
    }
    const isNothing = value === undefined || value.type === BSON_TYPE.null || value.type === BSON_TYPE.undefined;
    const isEmpty = value?.type === BSON_TYPE.array;
    if ((isNothing || isEmpty) && !keepsEmpty) return undefined;
    const kept = isEmpty ? withValueAt(document, path, undefined) : document;
    return indexPath === undefined ? kept : withValueAt(kept, indexPath, RAW_NULL);
  }
}
