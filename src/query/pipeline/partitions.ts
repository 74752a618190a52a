/** Documents by partition, each partition in order: the frame of `$setWindowFields` and `$fill`. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { RAW_NULL, rawString, type RawValue } from '../../bson/value.ts';
import { compileExpression, type Expression, type ExpressionScope } from '../expression.ts';
import type { Entry } from '../sort/merge.ts';
import { Sorter } from '../sort/sorter.ts';
import { valueKeys, valueThenSort } from '../sort/value_keys.ts';
import type { SortSpec } from '../sort.ts';
import type { Partition } from '../window/partition.ts';
import { SpillableList } from '../spill/spillable_list.ts';
import type { StageMemory } from './memory_budget.ts';
import { Pace } from '../pace.ts';
import { PAUSE } from './source.ts';

export interface PartitionsPlace {
  readonly scope: ExpressionScope;
  /** Of all documents, while they are sorted, and of one partition. */
  readonly memory: StageMemory;
}

/** All documents are sorted by partition; then one partition after the other is gathered, on disk if it is large. */
export class Partitions {
  readonly #by: Expression | undefined;
  readonly #sort: SortSpec | undefined;
  readonly #place: PartitionsPlace;
  readonly #sorter: Sorter;
  readonly #compare: (a: Uint8Array, b: Uint8Array) => number;

  /** Of the partition at hand. */
  #members: SpillableList;

  constructor(by: Expression | undefined, sort: SortSpec | undefined, place: PartitionsPlace) {
    this.#by = by;
    this.#sort = sort;
    this.#place = place;
    const { keyOf, compare } = valueThenSort(valueKeys(place.scope.order), sort);
    this.#compare = compare;
    const key = (document: Uint8Array): Uint8Array => keyOf(this.#valueOf(document), document);
    this.#sorter = new Sorter({ key, compare }, Infinity, place.memory);
    this.#members = new SpillableList({ ...place.memory, exceeded: partitionTooLarge });
  }

  add(document: Uint8Array): void {
    this.#sorter.add(document);
  }

  /** In the order of their values. One is gone when the next is asked for. */
  *sorted(): Generator<Partition | typeof PAUSE> {
    const { memory } = this.#place;
    const pace = new Pace(this.#place.scope.turn);
    let next = this.#sorter.nextEntry();
    while (next !== undefined) {
      const name = this.#nameOf(next);
      this.#members.close();
      this.#members = new SpillableList({ ...memory, exceeded: partitionTooLarge });
      do {
        this.#members.add(next);
        if (pace.isOver()) yield PAUSE;
        next = this.#sorter.nextEntry();
      } while (next !== undefined && this.#nameOf(next) === name);
      yield this.#partition(this.#members);
    }
  }

  close(): void {
    this.#sorter.close();
    this.#members.close();
  }

  #valueOf(document: Uint8Array): RawValue {
    const value = this.#by?.evaluate(document) ?? RAW_NULL;
    if (value.type !== BSON_TYPE.array) return value;
    throw new CommandError('TypeMismatch', 'An expression used to partition cannot evaluate to value of type array');
  }

  /** Equal for the documents of one partition. */
  #nameOf({ document }: Entry): string {
    return this.#by === undefined ? '' : this.#place.scope.order.keyOf(this.#valueOf(document));
  }

  #partition(members: SpillableList): Partition {
    const [field] = this.#sort?.fields ?? [];
    const value = field === undefined ? undefined : compileExpression(rawString(`$${field.path}`), this.#place.scope);
    return {
      length: members.length,
      document: (index) => members.get(index).document,
      isTied: (a, b) => this.#compare(members.get(a).key, members.get(b).key) === 0,
      sortValue: (index) => value?.evaluate(members.get(index).document),
    };
  }
}

function partitionTooLarge(): CommandError {
  return new CommandError(5643011, "Exceeded max memory. Set 'allowDiskUse: true' to spill to disk");
}
