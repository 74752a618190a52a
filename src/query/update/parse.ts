/** Documents of modifiers to update trees. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { documentDepth, STORED_DOCUMENT_LIMITS } from '../../bson/validate.ts';
import type { RawValue } from '../../bson/value.ts';
import { describeDocument, describeElement } from '../describe.ts';
import type { ExpressionScope } from '../expression.ts';
import { compileArrayFilter, type ArrayFilter } from '../match/item_filter.ts';
import { itemsOf } from './array_value.ts';
import { MODIFIER_BY_NAME } from './modifiers.ts';
import { TreeBuilder, type FieldsNode } from './tree.ts';
import { isArrayUpdate } from './update_path.ts';

export interface ParsedModifiers {
  readonly root: FieldsNode;
  readonly arrayFilters: readonly ArrayFilter[];
  /** Whether some document may come out of it nested deeper than documents may be stored. */
  readonly mayNestTooDeep: boolean;
}

/** `update` is a document whose first field begins with a dollar sign. */
export function parseModifiers(
  update: RawValue,
  arrayFilters: RawValue | undefined,
  scope: ExpressionScope,
): ParsedModifiers {
  const builder = new TreeBuilder();
  const filters = parseArrayFilters(arrayFilters, scope);
  const used = new Set<string>();
  let longest = 0;
  let renames = false;
  const reader = new ElementReader(update.bytes, update.start);
  while (reader.next()) {
    renames ||= reader.name() === '$rename';
    for (const path of addModifier(builder, reader, scope)) {
      const components = path.split('.');
      longest = Math.max(longest, components.length);
      for (const component of components) {
        if (isArrayUpdate(component) && component !== '$[]') used.add(checkIdentifier(component, path, filters));
      }
    }
  }
  refuseUnused(filters, used, update);
  const deepest = longest + documentDepth(update.bytes, update.start);
  const mayNestTooDeep = renames || deepest > STORED_DOCUMENT_LIMITS.depthMax;
  return { root: builder.finish(), arrayFilters: filters, mayNestTooDeep };
}

/** Adds all fields of one modifier; returns their paths. */
function addModifier(builder: TreeBuilder, reader: ElementReader, scope: ExpressionScope): string[] {
  const name = reader.name();
  const modifier = MODIFIER_BY_NAME.get(name);
  if (modifier === undefined) {
    throw new CommandError(
      'FailedToParse',
      `Unknown modifier: ${name}. Expected a valid update modifier or pipeline-style update specified as an array`,
    );
  }
  if (reader.type !== BSON_TYPE.object) {
    throw new CommandError(
      'FailedToParse',
      `Modifiers operate on fields but we found type ${typeAlias(reader.type)} instead. ` +
        `For example: {$mod: {<field>: ...}} not {${describeElement(name, reader)}}`,
    );
  }
  const paths: string[] = [];
  const fields = new ElementReader(reader.bytes, reader.start);
  while (fields.next()) {
    for (const { path, leaf } of modifier.parse(fields.name(), fields.value(), scope)) {
      builder.add(path, leaf);
      paths.push(path);
    }
  }
  return paths;
}

function parseArrayFilters(arrayFilters: RawValue | undefined, scope: ExpressionScope): ArrayFilter[] {
  if (arrayFilters === undefined) return [];
  const filters: ArrayFilter[] = [];
  for (const item of itemsOf(arrayFilters)) {
    const filter = compileArrayFilter(item.bytes.slice(item.start, item.end), scope);
    if (filters.some(({ identifier }) => identifier === filter.identifier)) {
      throw new CommandError(
        'FailedToParse',
        `Found multiple array filters with the same top-level field name ${filter.identifier}`,
      );
    }
    filters.push(filter);
  }
  return filters;
}

function checkIdentifier(component: string, path: string, filters: readonly ArrayFilter[]): string {
  const name = component.slice(2, -1);
  if (filters.some(({ identifier }) => identifier === name)) return name;
  throw new CommandError('BadValue', `No array filter found for identifier '${name}' in path '${path}'`);
}

function refuseUnused(filters: readonly ArrayFilter[], used: ReadonlySet<string>, update: RawValue): void {
  for (const { identifier } of filters) {
    if (used.has(identifier)) continue;
    const shown = describeDocument(update.bytes, update.start);
    throw new CommandError(
      'FailedToParse',
      `The array filter for identifier '${identifier}' was not used in the update ${shown}`,
    );
  }
}
