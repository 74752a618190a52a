/** `$addFields`, also called `$set`. */
import { CommandError, ConstantError, inContext } from '../../base/command_error.ts';
import { ElementReader, isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias, type ValueSpan } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { describeDocument } from '../describe.ts';
import { compileExpression, type ExpressionScope } from '../expression.ts';
import { fieldPathComponents } from '../field_path.ts';
import { ProjectionRun } from '../projection/apply.ts';
import { ProjectionTree } from '../projection/tree.ts';
import { MapSource } from './map_source.ts';
import type { StageKind } from './stage.ts';

export const addFieldsStage = addingStage('$addFields');
export const setStage = addingStage('$set');

function addingStage(name: `$${string}`): StageKind {
  return {
    name,
    isOneByOne: true,
    parse(operand, { scope, places }) {
      if (operand.type !== BSON_TYPE.object) {
        const type = typeAlias(operand.type);
        throw new CommandError(40272, `${name} specification stage must be an object, got ${type}`);
      }
      const { add, paths } = compile(name, operand, scope);
      // What an expression finds missing is removed.
      const change = places.keeping(add, { sets: paths, removes: paths });
      return { kind: 'other', open: (source) => new MapSource(source, change, scope.work) };
    },
  };
}

function compile(name: string, operand: RawValue, scope: ExpressionScope): AddFields {
  try {
    return compileAddFields(operand, scope);
  } catch (error) {
    throw error instanceof ConstantError ? error : inContext(error, `Invalid ${name}`);
  }
}

interface AddFields {
  /** Adds the fields to a document, or replaces them where they are. */
  readonly add: (document: Uint8Array) => Uint8Array;
  readonly paths: readonly string[];
}

function compileAddFields(spec: RawValue, scope: ExpressionScope): AddFields {
  const parser = new AddFieldsParser(scope, describeDocument(spec.bytes, spec.start));
  const reader = new ElementReader(spec.bytes, spec.start);
  while (reader.next()) parser.field(fieldPathComponents(reader.name()), reader);
  const nodes = parser.tree.nodes();
  const run = new ProjectionRun('add');
  const writer = new BsonWriter();
  const add = (document: Uint8Array): Uint8Array => {
    run.document(nodes, new ElementReader(document), () => document, writer.reset().startDocument());
    return writer.endDocument().finish();
  };
  return { add, paths: parser.paths };
}

class AddFieldsParser {
  readonly tree = new ProjectionTree();
  readonly paths: string[] = [];
  readonly #scope: ExpressionScope;
  readonly #shown: string;

  /** `shown`: the specification, for errors. */
  constructor(scope: ExpressionScope, shown: string) {
    this.#scope = scope;
    this.#shown = shown;
  }

  field(path: readonly string[], value: ValueSpan & { value(): RawValue }): void {
    if (value.type === BSON_TYPE.object && !isExpressionObject(value)) {
      this.#nested(path, value);
      return;
    }
    this.#refuseConflict(path);
    this.paths.push(path.join('.'));
    this.tree.add(path, { kind: 'compute', expression: compileExpression(value.value(), this.#scope) });
  }

  #nested(path: readonly string[], { bytes, start }: ValueSpan): void {
    if (isEmptyDocument(bytes, start)) {
      const shown = path.join('.');
      throw new CommandError(40180, `an empty object is not a valid value. Found empty object at path ${shown}`);
    }
    const reader = new ElementReader(bytes, start);
    while (reader.next()) {
      const name = reader.name();
      if (name.includes('.')) {
        throw new CommandError(40183, `cannot use dotted field name '${name}' in a sub object: ${this.#shown}`);
      }
      this.field([...path, ...fieldPathComponents(name)], reader);
    }
  }

  #refuseConflict(path: readonly string[]): void {
    let { tree } = this;
    for (const [i, component] of path.entries()) {
      const child = tree.child(component);
      if (child === undefined) return;
      tree = child;
      if (tree.leaf !== undefined) throw this.#conflict(path, path.slice(0, i + 1));
    }
    throw this.#conflict(path, path);
  }

  #conflict(a: readonly string[], b: readonly string[]): CommandError {
    const paths = `'${a.join('.')}' and '${b.join('.')}'`;
    return new CommandError(
      40176,
      `specification contains two conflicting paths. Cannot specify both ${paths}: ${this.#shown}`,
    );
  }
}

function isExpressionObject({ bytes, start }: ValueSpan): boolean {
  const first = new ElementReader(bytes, start);
  return first.next() && first.name().startsWith('$');
}
