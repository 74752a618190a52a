/**
 * A filter as the planner sees it: a conjunction, and in it the conditions on single paths from which bounds of indexes
 * can be made.
 */
import type { LeafPredicate, Predicate } from '../../query/match/predicate.ts';

/** One `$elemMatch`: its conditions are met by one and the same element of the array at `path`. */
export interface ElementGroup {
  readonly path: string;
  /** How many segments the path has. */
  readonly depth: number;
}

/** One condition that every match meets. */
export interface Condition {
  readonly path: string;
  readonly leaf: LeafPredicate;
  /** The condition is that `leaf` does not hold. */
  readonly isNegated: boolean;
  readonly group: ElementGroup | undefined;
  /** The part of the conjunction it comes from; meeting the condition is all of it unless there is a group. */
  readonly conjunct: Predicate;
}

/** The parts of a conjunction, conjunctions inside it taken apart. */
export function conjunctsOf(predicate: Predicate): readonly Predicate[] {
  return predicate.kind === 'and' ? predicate.children.flatMap(conjunctsOf) : [predicate];
}

export function conditionsOf(conjuncts: readonly Predicate[]): Condition[] {
  return conjuncts.flatMap((conjunct) => conditionsIn(conjunct, { conjunct, prefix: '', group: undefined }));
}

interface Place {
  readonly conjunct: Predicate;
  /** What stands before the paths here, with its dot. */
  readonly prefix: string;
  readonly group: ElementGroup | undefined;
}

function conditionsIn(predicate: Predicate, place: Place): Condition[] {
  const { conjunct, group } = place;
  if (predicate.kind === 'and') return predicate.children.flatMap((child) => conditionsIn(child, place));
  if (predicate.kind === 'not') {
    const { child } = predicate;
    if (!isLeaf(child) || isElementMatch(child) || 'collation' in child) return [];
    return [{ path: pathOf(child, place), leaf: child, isNegated: true, group, conjunct }];
  }
  if (!isLeaf(predicate)) return [];
  const path = pathOf(predicate, place);
  if (predicate.kind !== 'other' || predicate.item === undefined) {
    return [{ path, leaf: predicate, isNegated: false, group, conjunct }];
  }
  const { item } = predicate;
  const inner = { path, depth: path.split('.').length };
  const found = conditionsIn(item.predicate, { conjunct, prefix: item.isValueForm ? path : `${path}.`, group: inner });
  // Items that are arrays have their positions for names here.
  return found.filter((one) => !/(^|\.)\d+(\.|$)/.test(one.path.slice(path.length)));
}

export function isLeaf(predicate: Predicate): predicate is LeafPredicate {
  return 'path' in predicate;
}

function isElementMatch(leaf: LeafPredicate): boolean {
  return leaf.kind === 'other' && leaf.item !== undefined;
}

function pathOf(leaf: LeafPredicate, { prefix }: Place): string {
  return prefix + leaf.path;
}
