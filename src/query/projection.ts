/**
 * Projections of `find`: documents reshaped by keeping some fields or dropping some.
 *
 * A specification is all inclusion or all exclusion, `_id` aside. What is kept is copied as bytes, whole runs of fields
 * at a time. Top-level fields may be computed by expressions and come last. Not done: computed fields below others,
 * `$slice`, `$elemMatch` and the positional `$`; they are refused.
 */
import { CommandError } from '../base/command_error.ts';
import { countElements, documentSize, ElementReader } from '../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../bson/types.ts';
import { isTruthy } from '../bson/value.ts';
import { BsonWriter } from '../bson/writer.ts';
import { describeElement } from './describe.ts';
import { isExpressionOperator } from './expression/operators.ts';
import { compileExpression, type Expression } from './expression.ts';
import { fieldPathComponents } from './field_path.ts';
import type { CompiledFilter } from './matcher.ts';
import { exclude, include } from './projection/apply.ts';
import { ProjectionTree } from './projection/tree.ts';

export interface Projection {
  /** The reshaped document, owned by the caller. */
  apply(bytes: Uint8Array, at: number): Uint8Array;
  /** As `apply`, writing the fields into the document that is open in `writer`. */
  write(bytes: Uint8Array, at: number, writer: BsonWriter): void;
}

/** Operators of find's projections that are not expressions. */
const PROJECTION_OPERATORS = new Set(['$slice', '$elemMatch', '$meta']);

type Mode = 'inclusion' | 'exclusion';

/** Compiles find's `projection`; undefined when it keeps documents as they are. `filter` serves the positional `$`. */
export function compileProjection(spec: Uint8Array, _filter?: CompiledFilter): Projection | undefined {
  const parser = new ProjectionParser();
  parser.document('', spec, 0);
  if (parser.isEmpty) return undefined;
  const nodes = parser.finish();
  const { computed } = parser;
  const apply = parser.mode === 'inclusion' ? include : exclude;
  const writer = new BsonWriter();
  const write: Projection['write'] = (bytes, at, target) => {
    apply(nodes, bytes, at, target);
    if (computed.length > 0) writeComputed(computed, bytes, at, target);
  };
  return {
    apply(bytes, at) {
      write(bytes, at, writer.reset().startDocument());
      return writer.endDocument().finish();
    },
    write,
  };
}

interface ComputedField {
  readonly name: string;
  readonly expression: Expression;
}

function writeComputed(fields: readonly ComputedField[], bytes: Uint8Array, at: number, writer: BsonWriter): void {
  const isWhole = at === 0 && documentSize(bytes) === bytes.length;
  const root = isWhole ? bytes : bytes.subarray(at, at + documentSize(bytes, at));
  for (const { name, expression } of fields) {
    const value = expression.evaluate(root);
    if (value !== undefined) writer.value(name, value);
  }
}

class ProjectionParser {
  readonly computed: ComputedField[] = [];
  readonly #tree = new ProjectionTree();
  /** Decided by the first field other than `_id`. */
  #mode: Mode | undefined;
  /** Whether `_id` is kept, when the specification says so. */
  #keepsId: boolean | undefined;

  get isEmpty(): boolean {
    return this.#mode === undefined && this.#keepsId === undefined && this.computed.length === 0;
  }

  /** `_id` alone decides when nothing else is there. */
  get mode(): Mode {
    return this.#mode ?? (this.#keepsId === true ? 'inclusion' : 'exclusion');
  }

  document(prefix: string, bytes: Uint8Array, at: number): void {
    const reader = new ElementReader(bytes, at);
    while (reader.next()) this.#field(prefix === '' ? reader.name() : `${prefix}.${reader.name()}`, reader);
  }

  finish(): ReturnType<ProjectionTree['nodes']> {
    const keepsId = this.#keepsId ?? true;
    if (keepsId === (this.mode === 'inclusion') && this.#tree.child('_id') === undefined) this.#tree.add(['_id']);
    return this.#tree.nodes();
  }

  #field(path: string, reader: ElementReader): void {
    if (reader.type === BSON_TYPE.object) {
      this.#nested(path, reader);
      return;
    }
    const components = fieldPathComponents(path.endsWith('.$') ? path.slice(0, -2) : path);
    if (path.endsWith('.$')) throw new CommandError('NotImplemented', 'positional projection is not implemented');
    if (!isNumericType(reader.type) && reader.type !== BSON_TYPE.bool) {
      this.#compute(path, components, reader);
      return;
    }
    const keeps = isTruthy(reader);
    if (path === '_id') {
      this.#keepsId = keeps;
      return;
    }
    this.#setMode(path, keeps);
    this.#refuseCollision(path, components);
    this.#tree.add(components);
  }

  #nested(path: string, reader: ElementReader): void {
    const first = new ElementReader(reader.bytes, reader.start);
    if (!first.next())
      throw new CommandError(51270, `An empty sub-projection is not a valid value. Found empty object at path ${path}`);
    if (first.name().startsWith('$')) {
      this.#operator(path, first.name(), reader);
      return;
    }
    this.document(path, reader.bytes, reader.start);
  }

  #operator(path: string, operator: string, reader: ElementReader): void {
    if (PROJECTION_OPERATORS.has(operator)) {
      throw new CommandError('NotImplemented', `${operator} in a projection is not implemented`);
    }
    if (countElements(reader.bytes, reader.start) > 1) {
      throw new CommandError(
        16410,
        "FieldPath field names may not start with '$'. Consider using $getField or $setField.",
      );
    }
    if (!isExpressionOperator(operator)) throw new CommandError(31325, `Unknown expression ${operator}`);
    this.#compute(path, fieldPathComponents(path), reader);
  }

  #compute(path: string, components: readonly string[], reader: ElementReader): void {
    if (this.#mode === 'exclusion') {
      const shown = describeElement(path, reader);
      throw new CommandError(31310, `Cannot use an expression ${shown} in an exclusion projection`);
    }
    const expression = compileExpression(reader.value());
    if (components.length > 1 || path === '_id') {
      throw new CommandError('NotImplemented', `a computed field at ${path} is not implemented`);
    }
    this.#mode = 'inclusion';
    const isTaken = this.#tree.child(path) !== undefined || this.computed.some(({ name }) => name === path);
    if (isTaken) throw new CommandError(31250, `Path collision at ${path}`);
    this.computed.push({ name: path, expression });
  }

  #setMode(path: string, keeps: boolean): void {
    const mode = keeps ? 'inclusion' : 'exclusion';
    this.#mode ??= mode;
    if (this.#mode === mode) return;
    if (keeps) throw new CommandError(31253, `Cannot do inclusion on field ${path} in exclusion projection`);
    throw new CommandError(31254, `Cannot do exclusion on field ${path} in inclusion projection`);
  }

  #refuseCollision(path: string, components: readonly string[]): void {
    let tree: ProjectionTree | undefined = this.#tree;
    if (this.computed.some(({ name }) => name === components[0]))
      throw new CommandError(31250, `Path collision at ${path}`);
    for (const [i, component] of components.entries()) {
      tree = tree.child(component);
      if (tree === undefined) return;
      if (tree.isLeaf && i < components.length - 1) {
        const rest = components.slice(i + 1).join('.');
        throw new CommandError(31249, `Path collision at ${path} remaining portion ${rest}`);
      }
    }
    throw new CommandError(31250, `Path collision at ${path}`);
  }
}
