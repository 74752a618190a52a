/** Whether the query itself can do the `$project` that comes first behind it. */
import { isEmptyDocument } from '../../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../../bson/types.ts';
import { isTruthy, type RawValue } from '../../../bson/value.ts';
import type { ExpressionScope } from '../../expression.ts';
import type { Pushdown } from '../compiled_pipeline.ts';
import { fieldsIn, type StageSpec } from '../rewrite/stage_spec.ts';
import { shownProjection } from './serialize_stage.ts';

/** As explain shows the projection; undefined when it stays a stage. What is computed is not computed before a sort or limit. */
export function pushedProjection(
  [first]: readonly StageSpec[],
  { sort, skip, limit }: Pushdown,
  scope: ExpressionScope,
): Uint8Array | undefined {
  if (first?.name !== '$project' || scope.metadata.isUsed) return undefined;
  const leaves = leavesOf(first.operand);
  const isKept = leaves.some(({ name, value }) => name !== '_id' && (!isFlag(value) || isTruthy(value)));
  const isOnlyId = leaves.length === 1 && leaves[0].name === '_id' && isTruthy(leaves[0].value);
  if (!isKept && !isOnlyId) return undefined;
  const computes = leaves.some(({ value }) => !isFlag(value));
  if (computes && (sort !== undefined || skip > 0 || limit !== Infinity)) return undefined;
  const { bytes, start, end } = shownProjection(first.operand, scope);
  return bytes.slice(start, end);
}

interface Leaf {
  readonly name: string;
  readonly value: RawValue;
}

function leavesOf(document: RawValue): Leaf[] {
  return fieldsIn(document).flatMap(([name, value]) => {
    const isDeeper =
      value.type === BSON_TYPE.object && !isEmptyDocument(value.bytes, value.start) && !isOperator(value);
    return isDeeper ? leavesOf(value).map((leaf) => ({ ...leaf, name: `${name}.${leaf.name}` })) : [{ name, value }];
  });
}

function isOperator(value: RawValue): boolean {
  return fieldsIn(value)[0]?.[0].startsWith('$') ?? false;
}

function isFlag({ type }: RawValue): boolean {
  return type === BSON_TYPE.bool || isNumericType(type);
}
