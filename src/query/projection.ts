/**
 * Projections: documents reshaped by keeping some fields or dropping some, with computed ones.
 *
 * A specification is all inclusion or all exclusion, `_id` aside (`projection/parse.ts`). It becomes a tree of names
 * (`projection/tree.ts`), and the tree is carried out over bytes (`projection/apply.ts`): what is kept is copied, whole
 * runs of fields at a time. Computed fields come last.
 */
import { CommandError } from '../base/command_error.ts';
import { fieldName } from '../bson/bytes.ts';
import { documentSize, ElementReader } from '../bson/elements.ts';
import { BsonWriter } from '../bson/writer.ts';
import { BARE_SCOPE, type ExpressionScope } from './expression.ts';
import type { Work } from './expression/work.ts';
import { matchedArrayIndex } from './match/positional.ts';
import type { CompiledFilter } from './matcher.ts';
import { ProjectionRun } from './projection/apply.ts';
import { withPositionalItem } from './projection/find_operators.ts';
import { ProjectionParser } from './projection/parse.ts';

export interface Projection {
  /** Set when it computes fields, which may take longer than a turn. */
  readonly work?: Work | undefined;
  /** The reshaped document, owned by the caller. */
  apply(bytes: Uint8Array, at: number): Uint8Array;
  /** As `apply`, writing the fields into the document that is open in `writer`. */
  write(bytes: Uint8Array, at: number, writer: BsonWriter): void;
}

/** Compiles find's `projection`; undefined when it keeps documents as they are. `filter` serves the positional `$`. */
export function compileProjection(
  spec: Uint8Array,
  filter?: CompiledFilter,
  scope = BARE_SCOPE,
): Projection | undefined {
  const parser = new ProjectionParser('find', scope);
  parser.document('', spec, 0);
  if (parser.isEmpty) return undefined;
  const projection = { ...projectionOf(parser), work: parser.tree.computes ? scope.work : undefined };
  const { positional } = parser;
  return positional === undefined ? projection : positionalProjection(projection, positional, filter);
}

/** Compiles the operand of `$project`; undefined when it is empty. */
export function compileStageProjection(spec: Uint8Array, scope: ExpressionScope): Projection | undefined {
  const parser = new ProjectionParser('pipeline', scope);
  parser.document('', spec, 0);
  return parser.isEmpty ? undefined : projectionOf(parser);
}

function projectionOf(parser: ProjectionParser): Projection {
  parser.finish();
  const nodes = parser.tree.nodes();
  const run = new ProjectionRun(parser.mode);
  return projectionFrom((bytes, at, target) => {
    run.document(nodes, new ElementReader(bytes, at), () => wholeDocument(bytes, at), target);
  });
}

function projectionFrom(write: Projection['write']): Projection {
  const writer = new BsonWriter();
  return {
    apply(bytes, at) {
      write(bytes, at, writer.reset().startDocument());
      return writer.endDocument().finish();
    },
    write,
  };
}

function wholeDocument(bytes: Uint8Array, at: number): Uint8Array {
  const size = documentSize(bytes, at);
  return at === 0 && size === bytes.length ? bytes : bytes.subarray(at, at + size);
}

function positionalProjection(projection: Projection, path: string, filter: CompiledFilter | undefined): Projection {
  if (filter === undefined) {
    throw new CommandError(31277, 'Cannot use positional projection without a filter');
  }
  const names = path.split('.').map(fieldName);
  return projectionFrom((bytes, at, target) => {
    const whole = wholeDocument(bytes, at);
    const index = matchedArrayIndex(filter.predicate, whole);
    projection.write(withPositionalItem(whole, names, index), 0, target);
  });
}
