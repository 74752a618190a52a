/**
 * Records by their distance from a point, nearest first. The index is read in rings that grow around the point: when a
 * ring has been read, every record as near as its rim is known, and those are handed out before the next one is read.
 */
import type { Timestamp } from '../../base/optime.ts';
import { ElementReader } from '../../bson/elements.ts';
import { KeyWriter } from '../../bson/key.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawDouble, rawInt64, type RawValue } from '../../bson/value.ts';
import type { CellRange } from '../../query/geo/cells.ts';
import { distanceFromCap, joined, rangesAround, without } from '../../query/geo/covering.ts';
import { rangesOfBox } from '../../query/geo/geohash.ts';
import { distanceTo, radiansOf, type NearQuery } from '../../query/geo/near.ts';
import { storedGeometry } from '../../query/match/geo_operators.ts';
import type { NearCondition } from '../../query/match/predicate.ts';
import type { Index } from '../index/index.ts';
import type { IndexField } from '../index/index_key.ts';
import { elementsAlong } from '../index_kinds/elements_along.ts';
import { checkOnGrid, gridOf } from '../index_kinds/two_d.ts';
import type { KeyRange } from '../key_range.ts';
import { RECORD_ID_BYTES, recordIdOf } from '../record_id.ts';
import type { RecordScan, ScanTarget, Step } from './record_scan.ts';
import { RangeWalk } from './range_walk.ts';

/** The way to the records that are near. */
export interface NearTarget {
  readonly condition: NearCondition;
  readonly index: Index;
  readonly field: IndexField;
  /** How keys begin before the field; undefined when the filter does not pin that: the index is read as a whole. */
  readonly prefix: Uint8Array | undefined;
  readonly isFlat: boolean;
}

interface Found {
  readonly recordId: Uint8Array;
  /** In the query's unit. */
  readonly distance: number;
}

/** Where a record is nearest. */
interface Nearest {
  readonly distance: number;
  readonly place: RawValue;
}

const NONE = new Uint8Array(0);

export class NearScan implements RecordScan {
  recordId: Uint8Array = NONE;
  document: Uint8Array = NONE;
  keysExamined = 0;
  docsExamined = 0;
  readonly #request: ScanTarget;
  readonly #target: NearTarget;
  readonly #rings: Rings;
  readonly #seen = new Set<number>();
  #at: Timestamp;
  /** The ring that is being read. */
  #walk: RangeWalk | undefined;
  /** Records beyond the rim of the rings so far, in no order. */
  #beyond: Found[] = [];
  /** Records that can be handed out, the nearest last. */
  #ready: Found[] = [];

  constructor(request: ScanTarget, target: NearTarget) {
    this.#request = request;
    this.#target = target;
    this.#at = request.at;
    this.#rings = ringsOf(target);
  }

  advance(): Step {
    for (;;) {
      if (this.#request.turn.isOver()) return 'pause';
      const next = this.#ready.pop();
      if (next !== undefined) {
        if (this.#handOut(next)) return 'record';
      } else if (this.#walk === undefined) {
        const ranges = this.#rings.next();
        if (ranges === undefined) return 'end';
        this.#walk = new RangeWalk(this.#target.index.table, ranges, false, this.#at);
      } else {
        const cursor = this.#walk.next();
        if (cursor === undefined) this.#endRing();
        else this.#look(cursor.keyBytes.slice(cursor.keyEnd - RECORD_ID_BYTES, cursor.keyEnd));
      }
    }
  }

  moveTo(at: Timestamp): void {
    this.#at = at;
    this.#walk?.moveTo(at);
  }

  #look(recordId: Uint8Array): void {
    this.keysExamined += 1;
    const id = recordIdOf(recordId);
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    const { collection, matcher } = this.#request;
    this.docsExamined += 1;
    const document = collection.documentAt(recordId, this.#at);
    if (document === undefined || matcher?.matches(document, 0) === false) return;
    const { query } = this.#target.condition;
    const nearest = nearestIn(document, this.#target.field, query);
    if (nearest === undefined) return;
    const { distance } = nearest;
    if (distance >= query.minDistance && distance <= query.maxDistance) this.#beyond.push({ recordId, distance });
  }

  #endRing(): void {
    this.#walk = undefined;
    const { rim } = this.#rings;
    const ready = this.#beyond.filter((found) => found.distance <= rim);
    this.#rings.noteFound(ready.length);
    this.#beyond = this.#beyond.filter((found) => found.distance > rim);
    // Equally far ones come in the order in which they were inserted.
    this.#ready = ready.sort((a, b) => b.distance - a.distance || recordIdOf(b.recordId) - recordIdOf(a.recordId));
  }

  /** False when the record has gone since it was found. */
  #handOut({ recordId, distance }: Found): boolean {
    const document = this.#request.collection.documentAt(recordId, this.#at);
    if (document === undefined) return false;
    this.recordId = recordId;
    this.document = document;
    const { metadata, query } = this.#target.condition;
    if (metadata.isAsked('geoNearDistance')) metadata.set(document, 'geoNearDistance', rawDouble(distance));
    if (metadata.isAsked('geoNearPoint')) {
      const nearest = nearestIn(document, this.#target.field, query);
      if (nearest !== undefined) metadata.set(document, 'geoNearPoint', nearest.place);
    }
    return true;
  }
}

/** The nearest of the geometries at the field; a list of them may stand where one does. */
function nearestIn(document: Uint8Array, field: IndexField, query: NearQuery): Nearest | undefined {
  let nearest: Nearest | undefined;
  for (const place of placesIn(document, field)) {
    const geometry = storedGeometry(place);
    const distance = geometry === undefined ? undefined : distanceTo(query, geometry);
    if (distance !== undefined && (nearest === undefined || distance < nearest.distance)) nearest = { distance, place };
  }
  return nearest;
}

function* placesIn(document: Uint8Array, field: IndexField): Iterable<RawValue> {
  for (const value of elementsAlong(document, field.segments).values) {
    if (value.type !== BSON_TYPE.array && value.type !== BSON_TYPE.object) continue;
    if (storedGeometry(value) !== undefined) {
      yield value;
      continue;
    }
    const reader = new ElementReader(value.bytes, value.start);
    while (reader.next()) {
      if (reader.type === BSON_TYPE.array || reader.type === BSON_TYPE.object) yield reader.value();
    }
  }
}

/** The rings of one query, one after the other. */
interface Rings {
  /** Up to this distance, in the query's unit, everything is in the rings so far. */
  readonly rim: number;
  /** What the next ring adds; undefined when there is none. */
  next(): readonly KeyRange[] | undefined;
  /** How many records the last ring gave: the next one is made to fit. */
  noteFound(count: number): void;
}

function ringsOf({ condition, index, isFlat, prefix }: NearTarget): Rings {
  const { query } = condition;
  if (isFlat) checkOnGrid(gridOf(index.spec), query.point);
  if (prefix === undefined) return new WholeIndex();
  if (isFlat) return query.center === undefined ? new FlatRings(query, index) : new WholeIndex();
  return new SphereRings(query, prefix);
}

/** One ring that holds everything. */
class WholeIndex implements Rings {
  readonly rim = Infinity;
  #isDone = false;

  next(): readonly KeyRange[] | undefined {
    if (this.#isDone) return undefined;
    this.#isDone = true;
    return [{ from: undefined, to: undefined }];
  }

  noteFound(): void {}
}

/** What the growing of rings has in common; lengths are angles, or in units of the plane. */
abstract class GrowingRings implements Rings {
  rim = 0;
  /** The distance that `rim` stands for. */
  #radius: number;
  readonly #first: number;
  readonly #prefix: Uint8Array;
  readonly #last: number;
  #factor = 4;
  #isLast = false;
  #read: readonly CellRange[] = [];

  constructor(first: number, last: number, prefix: Uint8Array) {
    this.#first = first;
    this.#last = last;
    this.#radius = 0;
    this.#prefix = prefix;
  }

  next(): readonly KeyRange[] | undefined {
    if (this.#isLast) return undefined;
    this.#radius = this.#radius === 0 ? this.#first : this.#radius * this.#factor;
    this.#isLast = this.#radius >= this.#last;
    if (this.#isLast) this.#radius = this.#last;
    this.rim = this.#isLast ? Infinity : this.distanceOf(this.#radius);
    const ranges = this.rangesWithin(this.#radius);
    const added = without(ranges, this.#read);
    this.#read = joined([...this.#read, ...ranges]);
    return added.map((range) => keyRangeOf(this.#prefix, range));
  }

  noteFound(count: number): void {
    this.#factor = count === 0 ? 4 : count < 300 ? 2 : 1.3;
  }

  /** A radius in the query's unit. */
  protected abstract distanceOf(radius: number): number;
  protected abstract rangesWithin(radius: number): readonly CellRange[];
}

const KEYS = new KeyWriter();

function keyRangeOf(prefix: Uint8Array, { low, high }: CellRange): KeyRange {
  const keyOf = (number: number): Uint8Array => {
    return KEYS.reset()
      .appendBytes(prefix)
      .append(rawInt64(BigInt(number)))
      .finish();
  };
  return { from: keyOf(low), to: keyOf(high + 1) };
}

/** The first ring of the sphere: about a kilometre. */
const FIRST_RADIANS = 1.5e-4;

class SphereRings extends GrowingRings {
  readonly #query: NearQuery;

  constructor(query: NearQuery, prefix: Uint8Array) {
    const first = Math.max(FIRST_RADIANS, radiansOf(query, query.minDistance) * 1.1);
    super(first, Math.min(Math.PI, radiansOf(query, query.maxDistance)), prefix);
    this.#query = query;
  }

  protected distanceOf(radius: number): number {
    return radius / radiansOf(this.#query, 1);
  }

  protected rangesWithin(radius: number): readonly CellRange[] {
    const { center } = this.#query;
    return center === undefined ? [] : rangesAround(distanceFromCap(center, radius));
  }
}

/** How many rings, about, lead from the first to one as wide as the grid. */
const FLAT_STEPS = 2 ** 16;

class FlatRings extends GrowingRings {
  readonly #query: NearQuery;
  readonly #index: Index;

  constructor(query: NearQuery, index: Index) {
    const { min, max } = gridOf(index.spec);
    const { x, y } = query.point;
    // From anywhere, this far reaches the farthest corner.
    const farthest = Math.hypot(Math.max(max - x, x - min), Math.max(max - y, y - min));
    const first = Math.max((max - min) / FLAT_STEPS, query.minDistance * 1.1);
    // Such an index begins with its field.
    super(first, Math.min(farthest, query.maxDistance), new Uint8Array(0));
    this.#query = query;
    this.#index = index;
  }

  protected distanceOf(radius: number): number {
    return radius;
  }

  protected rangesWithin(radius: number): readonly CellRange[] {
    const { x, y } = this.#query.point;
    const reach = radius + (Math.abs(x) + Math.abs(y) + radius) * 1e-15;
    const box = { low: { x: x - reach, y: y - reach }, high: { x: x + reach, y: y + reach } };
    return rangesOfBox(gridOf(this.#index.spec), box);
  }
}
