/** `$rename`: one leaf takes the field away, the other puts its value at the new path. Neither may lie in an array. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { maybeStringOf, rawObject, type RawValue } from '../../bson/value.ts';
import { describeElement } from '../describe.ts';
import { describeId } from './document_id.ts';
import { KEEP, type LeafTarget, type Modifier } from './leaf.ts';
import { updatePath } from './update_path.ts';

export const renameModifier: Modifier = {
  name: '$rename',
  parse(from, operand) {
    const to = parseTarget(from, operand);
    const fromNames = from.split('.').map(fieldName);
    const toNames = to.split('.').map(fieldName);
    return [
      {
        path: from,
        leaf: {
          missingPath: 'ignore',
          edit: ({ value }) => (value === undefined ? KEEP : { kind: 'remove' }),
        },
      },
      {
        path: to,
        leaf: {
          missingPath: 'create',
          edit: (target) => {
            const value = sourceValue(target, from, fromNames);
            if (value === undefined) return KEEP;
            refuseArrays('destination', target, to, toNames);
            return { kind: 'set', value };
          },
        },
      },
    ];
  },
};

function parseTarget(from: string, operand: RawValue): string {
  const to = maybeStringOf(operand);
  const shown = describeElement(from, operand);
  if (to === undefined) {
    throw new CommandError('BadValue', `The 'to' field for $rename must be a string: ${shown}`);
  }
  if (to.includes('\0'))
    throw new CommandError('BadValue', `The 'to' field for $rename cannot contain an embedded null byte`);
  updatePath(from);
  updatePath(to);
  if (isDynamic(from)) throw new CommandError('BadValue', `The source field for $rename may not be dynamic: ${from}`);
  if (isDynamic(to)) throw new CommandError('BadValue', `The destination field for $rename may not be dynamic: ${to}`);
  if (from === to) throw new CommandError('BadValue', `The source and target field for $rename must differ: ${shown}`);
  if (`${from}.`.startsWith(`${to}.`) || `${to}.`.startsWith(`${from}.`)) {
    throw new CommandError(
      'BadValue',
      `The source and target field for $rename must not be on the same path: ${shown}`,
    );
  }
  return to;
}

function isDynamic(path: string): boolean {
  return path.split('.').some((component) => component === '$' || component.startsWith('$['));
}

function sourceValue(target: LeafTarget, path: string, names: readonly Uint8Array[]): RawValue | undefined {
  let container = rawObject(target.document);
  const components = path.split('.');
  for (const [i, name] of names.entries()) {
    if (container.type === BSON_TYPE.array && /^[0-9]+$/.test(components[i])) {
      refuseArrays('source', target, path, names);
    }
    if (container.type !== BSON_TYPE.object) {
      const shown = describeElement(components[i - 1], container);
      throw new CommandError(
        'PathNotViable',
        `cannot use the part (${components[i - 1]} of ${path}) to traverse the element ({${shown}})`,
      );
    }
    const value = target.finder.find(container, components[i], name);
    if (value === undefined) return undefined;
    container = value;
  }
  return container;
}

function refuseArrays(role: string, target: LeafTarget, path: string, names: readonly Uint8Array[]): void {
  let container = rawObject(target.document);
  const components = path.split('.');
  for (const [i, name] of names.slice(0, -1).entries()) {
    const value = container.type === BSON_TYPE.object ? target.finder.find(container, components[i], name) : undefined;
    if (value === undefined) return;
    if (value.type === BSON_TYPE.array) {
      throw new CommandError(
        'BadValue',
        `The ${role} field cannot be an array element, '${path}' in doc with ${describeId(target.document)} ` +
          `has an array field called '${components[i]}'`,
      );
    }
    container = value;
  }
}
