/** Field paths as sorts, projections and expressions accept them. */
import { CommandError } from '../base/command_error.ts';
import { FIELD_PATH_LENGTH_MAX } from '../base/limits.ts';

/** The names in references to documents, which are paths below a field all the same. */
const REFERENCE_NAMES = new Set(['$ref', '$id', '$db']);

/** Cuts a path into its components. Refuses empty ones and names that begin with a dollar sign. */
export function fieldPathComponents(path: string): string[] {
  if (path === '') throw new CommandError(40352, 'FieldPath cannot be constructed with empty string');
  if (path.endsWith('.')) throw new CommandError(40353, "FieldPath must not end with a '.'.");
  const components = path.split('.');
  if (components.length > FIELD_PATH_LENGTH_MAX) throw new CommandError('Overflow', 'FieldPath is too long');
  for (const [i, component] of components.entries()) {
    if (component === '') throw new CommandError(15998, 'FieldPath field names may not be empty strings.');
    if (component.includes('\0')) throw new CommandError(16411, "FieldPath field names may not contain '\\0'.");
    if (component.startsWith('$') && (i === 0 || !REFERENCE_NAMES.has(component))) {
      throw new CommandError(
        16410,
        `FieldPath field names may not start with '$'. Consider using $getField or $setField.`,
      );
    }
  }
  return components;
}
