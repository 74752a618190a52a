/** Conditions that only an index of their own kind can answer: `$text` and `$near`. */
import { CommandError } from '../../base/command_error.ts';
import type { DocumentMetadata } from '../metadata.ts';
import type { Predicate } from './predicate.ts';

export interface SpecialConditions {
  /** How many there are of each, wherever they stand. */
  readonly texts: number;
  readonly nears: number;
}

/** The error for `$near` where documents come in no order of distance. */
export function nearNotAllowed(): CommandError {
  return new CommandError(
    5_626_500,
    '$geoNear, $near, and $nearSphere are not allowed in this context, as these operators require sorting ' +
      'geospatial data. If you do not need sort, consider using $geoWithin instead.',
  );
}

const NONE: SpecialConditions = { texts: 0, nears: 0 };

export function specialConditionsOf(predicate: Predicate): SpecialConditions {
  switch (predicate.kind) {
    case 'and':
    case 'or':
    case 'nor':
      return predicate.children.map(specialConditionsOf).reduce(sum, NONE);
    case 'not':
      return specialConditionsOf(predicate.child);
    case 'document':
      return predicate.text !== undefined ? { texts: 1, nears: 0 } : NONE;
    case 'other':
      if (predicate.near !== undefined) return { texts: 0, nears: 1 };
      return predicate.item === undefined ? NONE : specialConditionsOf(predicate.item.predicate);
    default:
      return NONE;
  }
}

/** What the query's special condition knows of its documents. */
export function metadataOf(predicate: Predicate): DocumentMetadata | undefined {
  switch (predicate.kind) {
    case 'and':
    case 'or':
      for (const child of predicate.children) {
        const found = metadataOf(child);
        if (found !== undefined) return found;
      }
      return undefined;
    case 'document':
      return predicate.text?.metadata;
    case 'other':
      return predicate.near?.metadata;
    default:
      return undefined;
  }
}

function sum(a: SpecialConditions, b: SpecialConditions): SpecialConditions {
  return { texts: a.texts + b.texts, nears: a.nears + b.nears };
}
