/** Geometries as they are compared: any GeoJSON geometry is a heap of points, lines and polygons on the sphere. */
import type { Polygon } from './polygon.ts';
import type { Vector } from './vector.ts';

/** A chain of edges, of at least two vertices. */
export type Line = readonly Vector[];

export interface Shape {
  readonly points: readonly Vector[];
  readonly lines: readonly Line[];
  readonly polygons: readonly Polygon[];
}

/** A pair of numbers in a plane; degrees of longitude and latitude when it is on the earth as well. */
export interface FlatPoint {
  readonly x: number;
  readonly y: number;
}

/** A rectangle along the axes. */
export interface FlatBox {
  readonly low: FlatPoint;
  readonly high: FlatPoint;
}

/** A geometry as documents hold it. */
export interface StoredGeometry {
  /** On the sphere; undefined for a legacy pair that is no place on the earth. */
  readonly shape: Shape | undefined;
  /** In the plane; only points are there. */
  readonly flat: FlatPoint | undefined;
  /** A legacy pair of coordinates, not GeoJSON. */
  readonly isLegacy: boolean;
  /** A polygon that means the side its winding says, however large: not to be stored in an index, and never matched. */
  readonly isStrict: boolean;
}

export function pointShape(point: Vector): Shape {
  return { points: [point], lines: [], polygons: [] };
}
