/**
 * Predicate trees to functions over bytes. Conditions that concern one field of the top level, however nested, become
 * one test of that field's value, and all of a conjunction's tests are answered in a single walk over the document.
 */
import { invariant } from '../../base/invariant.ts';
import type { Matcher } from './document_matcher.ts';
import { FieldWalk } from './field_walk.ts';
import { filterPath, pathTest } from './path.ts';
import type { LeafPredicate, Predicate } from './predicate.ts';
import { allOf, always, anyOf, negate, never, type ValueTest } from './value_test.ts';

/** Matches documents. */
export function compilePredicate(predicate: Predicate): Matcher {
  if (predicate.kind === 'and') return compileConjunction(predicate.children);
  return compileConjunction([predicate]);
}

function compileConjunction(children: readonly Predicate[]): Matcher {
  const tests = new Map<string, ValueTest[]>();
  const others: Matcher[] = [];
  for (const child of flattened(children)) {
    const field = soleField(child);
    if (field === undefined) others.push(compileAcrossFields(child));
    else {
      const ofField = tests.get(field);
      if (ofField === undefined) tests.set(field, [compileFieldPredicate(child)]);
      else ofField.push(compileFieldPredicate(child));
    }
  }
  const fields = [...tests].map(([name, list]) => ({ name, test: allOf(list) }));
  const [first] = others;
  if (fields.length > 0) return FieldWalk.of(fields, others);
  if (others.length === 1 && first !== undefined) return first;
  return { matches: (bytes, at) => others.every((matcher) => matcher.matches(bytes, at)) };
}

/** Conjunctions inside a conjunction are part of it. */
function flattened(children: readonly Predicate[]): Predicate[] {
  return children.flatMap((child) => (child.kind === 'and' ? flattened(child.children) : [child]));
}

/** A predicate that no single field decides. */
function compileAcrossFields(predicate: Predicate): Matcher {
  switch (predicate.kind) {
    case 'constant': {
      const { value } = predicate;
      return { matches: () => value };
    }
    case 'document':
      return predicate;
    case 'not': {
      const child = compilePredicate(predicate.child);
      return { matches: (bytes, at) => !child.matches(bytes, at) };
    }
    case 'or':
      return anyMatcher(predicate.children);
    case 'nor': {
      const any = anyMatcher(predicate.children);
      return { matches: (bytes, at) => !any.matches(bytes, at) };
    }
    default:
      return compilePredicate(predicate);
  }
}

function anyMatcher(children: readonly Predicate[]): Matcher {
  const matchers = children.map(compilePredicate);
  return {
    matches(bytes, at) {
      for (const matcher of matchers) if (matcher.matches(bytes, at)) return true;
      return false;
    },
  };
}

/** The one top-level field that decides the predicate. */
export function soleField(predicate: Predicate): string | undefined {
  switch (predicate.kind) {
    case 'constant':
    case 'document':
      return undefined;
    case 'not':
      return soleField(predicate.child);
    case 'and':
    case 'or':
    case 'nor': {
      const [first, ...rest] = predicate.children.map(soleField);
      return rest.every((field) => field === first) ? first : undefined;
    }
    default:
      return firstComponent(predicate.path);
  }
}

export function firstComponent(path: string): string {
  const dot = path.indexOf('.');
  return dot < 0 ? path : path.slice(0, dot);
}

/** The predicate as a test of its sole field's value, missing included. */
export function compileFieldPredicate(predicate: Predicate): ValueTest {
  return combined(predicate, (leaf) => pathTest(filterPath(leaf.path), leaf.test, leaf.expandArrays));
}

/** The predicate, whose paths are empty, as a test of one value that is not expanded: an element in `$elemMatch`. */
export function compileValuePredicate(predicate: Predicate): ValueTest {
  return combined(predicate, (leaf) => {
    invariant(leaf.path === '', 'conditions on elements have no path');
    return leaf.test;
  });
}

function combined(predicate: Predicate, ofLeaf: (leaf: LeafPredicate) => ValueTest): ValueTest {
  switch (predicate.kind) {
    case 'constant':
      return predicate.value ? always : never;
    case 'document':
      return (bytes, _type, start) => predicate.matches(bytes, start);
    case 'not':
      return negate(combined(predicate.child, ofLeaf));
    case 'and':
      return allOf(predicate.children.map((child) => combined(child, ofLeaf)));
    case 'or':
      return anyOf(predicate.children.map((child) => combined(child, ofLeaf)));
    case 'nor':
      return negate(anyOf(predicate.children.map((child) => combined(child, ofLeaf))));
    default:
      return ofLeaf(predicate);
  }
}
