/** Specifications of projections, find's and `$project`'s, to trees. */
import { CommandError } from '../../base/command_error.ts';
import { countElements, ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { isTruthy } from '../../bson/value.ts';
import { describeElement } from '../describe.ts';
import { isExpressionOperator } from '../expression/operators.ts';
import { compileExpression, type ExpressionScope } from '../expression.ts';
import { fieldPathComponents } from '../field_path.ts';
import { elemMatchExpression, sliceChange } from './find_operators.ts';
import { ProjectionTree, type ProjectionLeaf } from './tree.ts';

/**
 * 'find' also has `$slice`, `$elemMatch` and the positional `$`. A `$meta` alone leaves all other fields where they are in
 * 'find', and drops them in 'pipeline'.
 */
export type ProjectionDialect = 'find' | 'pipeline';

type Mode = 'include' | 'exclude';

export class ProjectionParser {
  readonly tree = new ProjectionTree();
  readonly #dialect: ProjectionDialect;
  readonly #scope: ExpressionScope;
  /** Decided by the first field, other than `_id`, that is plainly kept, dropped or computed. */
  #mode: Mode | undefined;
  /** Whether `_id` is kept, when the specification says so. */
  #keepsId: boolean | undefined;
  #hasSlice = false;
  #hasElemMatch = false;
  /** Whether there is a field of metadata, which goes with inclusion and exclusion alike. */
  #hasMeta = false;
  /** The path before a `.$`. */
  positional: string | undefined;

  constructor(dialect: ProjectionDialect, scope: ExpressionScope) {
    this.#dialect = dialect;
    this.#scope = scope;
  }

  get isEmpty(): boolean {
    const hasFindOperator = this.#hasSlice || this.#hasElemMatch || this.#hasMeta;
    return this.#mode === undefined && this.#keepsId === undefined && !hasFindOperator;
  }

  /** `_id` alone decides when nothing else does. */
  get mode(): Mode {
    if (this.#mode !== undefined) return this.#mode;
    if (this.#hasElemMatch || (this.#hasMeta && this.#dialect === 'pipeline')) return 'include';
    return this.#keepsId === true && !this.#hasSlice ? 'include' : 'exclude';
  }

  document(prefix: string, bytes: Uint8Array, at: number): void {
    const reader = new ElementReader(bytes, at);
    while (reader.next()) this.#field(prefix === '' ? reader.name() : `${prefix}.${reader.name()}`, reader);
  }

  /** Adds what the specification leaves unsaid about `_id`. */
  finish(): void {
    const keepsId = this.#keepsId ?? true;
    if (this.tree.child('_id') !== undefined) return;
    if (keepsId && this.mode === 'include') this.tree.add(['_id'], { kind: 'keep' });
    if (!keepsId && this.mode === 'exclude') this.tree.add(['_id'], { kind: 'drop' });
  }

  #field(path: string, reader: ElementReader): void {
    if (this.#dialect === 'find') checkPositionalPlace(path);
    if (reader.type === BSON_TYPE.object) {
      this.#nested(path, reader);
      return;
    }
    const isPlain = isNumericType(reader.type) || reader.type === BSON_TYPE.bool;
    if (path.endsWith('.$')) {
      this.#takePositional(path.slice(0, -2), isPlain ? isTruthy(reader) : undefined);
      return;
    }
    const components = fieldPathComponents(path);
    if (!isPlain) {
      this.#compute(path, components, reader);
      return;
    }
    const keeps = isTruthy(reader);
    if (path === '_id') {
      this.#keepsId = keeps;
      return;
    }
    this.#setMode(path, keeps);
    this.#add(path, components, { kind: keeps ? 'keep' : 'drop' });
  }

  #nested(path: string, reader: ElementReader): void {
    if (path.endsWith('.$')) {
      throw new CommandError(31271, 'positional projection cannot be used with an expression or sub object');
    }
    const first = new ElementReader(reader.bytes, reader.start);
    if (!first.next()) {
      throw new CommandError(51270, `An empty sub-projection is not a valid value. Found empty object at path ${path}`);
    }
    if (first.name().startsWith('$')) this.#operator(path, first.name(), reader);
    else this.document(path, reader.bytes, reader.start);
  }

  #operator(path: string, operator: string, reader: ElementReader): void {
    if (countElements(reader.bytes, reader.start) > 1) {
      throw new CommandError(
        16410,
        "FieldPath field names may not start with '$'. Consider using $getField or $setField.",
      );
    }
    if (operator === '$meta') {
      this.#takeMeta(path, reader);
      return;
    }
    if (this.#dialect === 'find' && this.#findOperator(path, operator, reader)) return;
    if (operator === '$elemMatch') {
      throw new CommandError('InvalidPipelineOperator', 'Cannot use $elemMatch in this context');
    }
    if (!isExpressionOperator(operator)) throw new CommandError(31325, `Unknown expression ${operator}`);
    this.#compute(path, fieldPathComponents(path), reader);
  }

  /** Whether the operator is one that only find has. */
  #findOperator(path: string, operator: string, reader: ElementReader): boolean {
    const inner = new ElementReader(reader.bytes, reader.start);
    inner.next();
    if (operator === '$elemMatch') {
      this.#takeElemMatch(path, inner);
      return true;
    }
    if (operator !== '$slice') return false;
    const change = sliceChange(inner.value());
    if (change === undefined) return false;
    this.#hasSlice = true;
    this.#add(path, fieldPathComponents(path), { kind: 'change', change });
    return true;
  }

  #takeMeta(path: string, reader: ElementReader): void {
    this.#hasMeta = true;
    const expression = compileExpression(reader.value(), this.#scope);
    this.#add(path, fieldPathComponents(path), { kind: 'compute', expression });
  }

  #takeElemMatch(path: string, operand: ElementReader): void {
    if (this.positional !== undefined) {
      throw new CommandError(31255, 'Cannot specify positional operator and $elemMatch.');
    }
    if (path.includes('.')) throw new CommandError(31275, 'Cannot use $elemMatch projection on a nested field.');
    this.#hasElemMatch = true;
    this.#add(path, fieldPathComponents(path), {
      kind: 'compute',
      expression: elemMatchExpression(path, operand.value(), this.#scope),
    });
  }

  /** `keeps` is undefined for a value that is neither kept nor dropped. */
  #takePositional(path: string, keeps: boolean | undefined): void {
    if (keeps === undefined) throw new CommandError(31308, 'positional projection cannot be used with a literal');
    if (this.#dialect === 'pipeline') {
      throw new CommandError(31324, 'Cannot use positional projection in aggregation projection');
    }
    if (path === '') throw new CommandError(5392900, 'positional projection needs a path');
    const components = fieldPathComponents(path);
    if (!keeps) throw new CommandError(31395, 'positional projection cannot be used with exclusion');
    if (this.positional !== undefined) {
      throw new CommandError(31276, 'Cannot specify more than one positional projection per query.');
    }
    if (this.#hasElemMatch) throw new CommandError(31256, 'Cannot specify positional operator and $elemMatch.');
    this.#setMode(path, true);
    this.#add(path, components, { kind: 'keep' });
    this.positional = path;
  }

  #compute(path: string, components: readonly string[], reader: ElementReader): void {
    if (this.#mode === 'exclude') {
      const shown = describeElement(path, reader);
      throw new CommandError(31310, `Cannot use an expression ${shown} in an exclusion projection`);
    }
    const expression = compileExpression(reader.value(), this.#scope);
    this.#mode = 'include';
    this.#add(path, components, { kind: 'compute', expression });
  }

  #setMode(path: string, keeps: boolean): void {
    const mode = keeps ? 'include' : 'exclude';
    this.#mode ??= mode;
    if (this.#mode === mode) return;
    if (keeps) throw new CommandError(31253, `Cannot do inclusion on field ${path} in exclusion projection`);
    throw new CommandError(31254, `Cannot do exclusion on field ${path} in inclusion projection`);
  }

  #add(path: string, components: readonly string[], leaf: ProjectionLeaf): void {
    this.#refuseCollision(path, components);
    this.tree.add(components, leaf);
  }

  #refuseCollision(path: string, components: readonly string[]): void {
    let { tree } = this;
    for (const [i, component] of components.entries()) {
      const child = tree.child(component);
      if (child === undefined) return;
      tree = child;
      if (tree.leaf !== undefined && i < components.length - 1) {
        const rest = components.slice(i + 1).join('.');
        throw new CommandError(31249, `Path collision at ${path} remaining portion ${rest}`);
      }
    }
    throw new CommandError(31250, `Path collision at ${path}`);
  }
}

/** Source: the wording of MongoDB's error. */
function checkPositionalPlace(path: string): void {
  if (!path.includes('.$.')) return;
  throw new CommandError(
    31394,
    "As of 4.4, it's illegal to specify positional operator in the middle of a path." +
      'Positional projection may only be used at the end, for example: a.b.$. If the query previously used a form ' +
      "like a.b.$.d, remove the parts following the '$' and the results will be equivalent.",
  );
}
