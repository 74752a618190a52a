/** Paths of modifiers: checked, cut into components. */
import { CommandError } from '../../base/command_error.ts';

/** A component that stands for positions in an array: `$`, `$[]` or `$[name]`. */
export function isPositional(component: string): boolean {
  return component === '$' || isArrayUpdate(component);
}

/** `$[]` or `$[name]`. */
export function isArrayUpdate(component: string): boolean {
  return component.startsWith('$[') && component.endsWith(']');
}

/** The array index that a component names, or -1. Unlike in filters, leading zeros are fine. */
export function updateIndex(component: string): number {
  return /^[0-9]{1,15}$/.test(component) ? Number(component) : -1;
}

export function updatePath(path: string): string[] {
  if (path === '') throw new CommandError('EmptyFieldName', 'An empty update path is not valid.');
  const components = path.split('.');
  if (components.includes('')) {
    throw new CommandError(
      'EmptyFieldName',
      `The update path '${path}' contains an empty field name, which is not allowed.`,
    );
  }
  const [first = ''] = components;
  if (isPositional(first)) {
    throw new CommandError(
      'BadValue',
      `Cannot have positional (i.e. '$') element in the first position in path '${path}'`,
    );
  }
  if (components.filter((component) => component === '$').length > 1) {
    throw new CommandError('BadValue', `Too many positional (i.e. '$') elements found in path '${path}'`);
  }
  return components;
}
