/** Groups of documents with the same id, each with its accumulators. */
import { copyValue, RAW_NULL, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Accumulator } from '../accumulator/accumulator.ts';
import type { Expression } from '../expression.ts';
import type { AccumulatedField } from './accumulated_fields.ts';
import { MemoryBudget } from './memory_budget.ts';

/** What a group costs besides its values. */
const GROUP_OVERHEAD_BYTES = 64;

export interface GroupSpec {
  readonly id: Expression;
  readonly fields: readonly AccumulatedField[];
  /** Equal for ids of one group. */
  keyOf(id: RawValue): string;
}

interface Group {
  readonly id: RawValue;
  readonly accumulators: readonly Accumulator[];
}

export class GroupWork {
  readonly #spec: GroupSpec;
  readonly #groups = new Map<string, Group>();
  readonly #memory: MemoryBudget;
  readonly #writer = new BsonWriter();

  constructor(stage: string, spec: GroupSpec) {
    this.#spec = spec;
    this.#memory = new MemoryBudget(stage);
  }

  add(document: Uint8Array): void {
    const { accumulators } = this.#groupOf(this.#spec.id.evaluate(document) ?? RAW_NULL);
    for (const accumulator of accumulators) accumulator.add(document);
  }

  /** One for each group, in the order of their first documents. */
  *documents(): Generator<Uint8Array> {
    for (const group of this.#groups.values()) {
      const writer = this.#writer.reset().startDocument().value('_id', group.id);
      for (const [i, { name }] of this.#spec.fields.entries()) writer.value(name, group.accumulators[i].result());
      yield writer.endDocument().finish();
    }
  }

  results(): Iterator<Uint8Array> {
    return this.documents();
  }

  #groupOf(id: RawValue): Group {
    const key = this.#spec.keyOf(id);
    const existing = this.#groups.get(key);
    if (existing !== undefined) return existing;
    const own = copyValue(id);
    this.#memory.take(key.length + own.end - own.start + GROUP_OVERHEAD_BYTES);
    const accumulators = this.#spec.fields.map(({ accumulator }) => accumulator.create(this.#memory, own));
    const group = { id: own, accumulators };
    this.#groups.set(key, group);
    return group;
  }
}
