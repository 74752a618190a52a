/** Documents by partition, each partition in order: the frame of `$setWindowFields` and `$fill`. */
import { CommandError } from '../../base/command_error.ts';
import { compileExpression, type Expression, type ExpressionScope } from '../expression.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { copyValue, RAW_NULL, rawString, type RawValue } from '../../bson/value.ts';
import type { SortSpec } from '../sort.ts';
import type { Partition } from '../window/partition.ts';
import type { MemoryBudget } from './memory_budget.ts';

/** What a document costs besides its bytes. */
const DOCUMENT_OVERHEAD_BYTES = 64;

interface Member {
  readonly document: Uint8Array;
  readonly key: Uint8Array;
}

export class Partitions {
  readonly #by: Expression | undefined;
  readonly #sort: SortSpec | undefined;
  readonly #scope: ExpressionScope;
  readonly #memory: MemoryBudget;
  readonly #members = new Map<string, { readonly value: RawValue; readonly members: Member[] }>();

  constructor(
    by: Expression | undefined,
    sort: SortSpec | undefined,
    { scope, memory }: { readonly scope: ExpressionScope; readonly memory: MemoryBudget },
  ) {
    this.#by = by;
    this.#sort = sort;
    this.#scope = scope;
    this.#memory = memory;
  }

  add(document: Uint8Array): void {
    this.#memory.take(document.length + DOCUMENT_OVERHEAD_BYTES);
    const value = this.#by?.evaluate(document) ?? RAW_NULL;
    if (value.type === BSON_TYPE.array) {
      throw new CommandError('TypeMismatch', 'An expression used to partition cannot evaluate to value of type array');
    }
    const key = this.#scope.order.keyOf(value);
    let partition = this.#members.get(key);
    if (partition === undefined) {
      partition = { value: copyValue(value), members: [] };
      this.#members.set(key, partition);
    }
    partition.members.push({ document, key: this.#sort?.key(document, 0) ?? NO_KEY });
  }

  /** In the order of their values. */
  sorted(): Partition[] {
    const { order } = this.#scope;
    const all = [...this.#members.values()].toSorted((a, b) => order.compare(a.value, b.value));
    return all.map(({ members }) => this.#partition(members));
  }

  #partition(members: readonly Member[]): Partition {
    const sort = this.#sort;
    const sorted = sort === undefined ? members : members.toSorted((a, b) => sort.compare(a.key, b.key));
    const documents = sorted.map(({ document }) => document);
    const [field] = this.#sort?.fields ?? [];
    const value = field === undefined ? undefined : compileExpression(rawString(`$${field.path}`), this.#scope);
    return {
      documents,
      isTied: (a, b) => sort === undefined || sort.compare(sorted[a].key, sorted[b].key) === 0,
      sortValue: (index) => value?.evaluate(documents[index]),
    };
  }
}

const NO_KEY = new Uint8Array(0);
