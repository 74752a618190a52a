/** Finding fields of one document, and of what is in it, for leaves that look elsewhere than at their own path. */
import { ElementReader, findField } from '../../bson/elements.ts';
import type { RawValue } from '../../bson/value.ts';

/** Of more fields than this, a table is made, instead of walking to each of them. */
export const SEARCHED_FIELDS_MAX = 16;

/** All fields of a document by their names; of a name that occurs twice the first. */
export function tableOf({ bytes, start }: RawValue): Map<string, RawValue> {
  const table = new Map<string, RawValue>();
  const reader = new ElementReader(bytes, start);
  while (reader.next()) {
    const name = reader.name();
    if (!table.has(name)) table.set(name, reader.value());
  }
  return table;
}

/** What is known of one container. */
interface Searched {
  times: number;
  table: ReadonlyMap<string, RawValue> | undefined;
}

/** Of one document, which must not change. */
export class FieldFinder {
  /** By where the container begins. */
  readonly #searched = new Map<number, Searched>();

  /** The first field of that name in a container that is a document; `name` is `component` as bytes. */
  find(container: RawValue, component: string, name: Uint8Array): RawValue | undefined {
    let searched = this.#searched.get(container.start);
    if (searched === undefined) {
      searched = { times: 0, table: undefined };
      this.#searched.set(container.start, searched);
    }
    searched.times += 1;
    if (searched.times <= SEARCHED_FIELDS_MAX) return findField(container.bytes, name, container.start);
    searched.table ??= tableOf(container);
    return searched.table.get(component);
  }
}
