/** Shapes in the plane: boxes, circles and polygons of legacy coordinate pairs. Borders belong to them. */
import type { FlatRing } from './flat_ring.ts';
import type { FlatBox, FlatPoint } from './shape.ts';

export type FlatRegion =
  | { readonly kind: 'box'; readonly low: FlatPoint; readonly high: FlatPoint }
  | { readonly kind: 'circle'; readonly center: FlatPoint; readonly radius: number }
  | { readonly kind: 'flatPolygon'; readonly ring: FlatRing };

/** A box from any two opposite corners. */
export function boxOf(a: FlatPoint, b: FlatPoint): FlatRegion {
  return {
    kind: 'box',
    low: { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y) },
    high: { x: Math.max(a.x, b.x), y: Math.max(a.y, b.y) },
  };
}

export function flatContains(region: FlatRegion, p: FlatPoint): boolean {
  switch (region.kind) {
    case 'box':
      return p.x >= region.low.x && p.x <= region.high.x && p.y >= region.low.y && p.y <= region.high.y;
    case 'circle':
      return isWithin(region.center, p, region.radius);
    case 'flatPolygon':
      return region.ring.contains(p);
  }
}

/** Points straight above or beside the centre are compared without a square root, so that its rounding shows nowhere. */
function isWithin(center: FlatPoint, p: FlatPoint, radius: number): boolean {
  if (p.x === center.x) return Math.max(p.y, center.y) <= Math.min(p.y, center.y) + radius;
  if (p.y === center.y) return Math.max(p.x, center.x) <= Math.min(p.x, center.x) + radius;
  return flatDistance(center, p) <= radius;
}

export function flatDistance(a: FlatPoint, b: FlatPoint): number {
  const x = a.x - b.x;
  const y = a.y - b.y;
  if (x === 0) return Math.abs(y);
  if (y === 0) return Math.abs(x);
  return Math.sqrt(x * x + y * y);
}

/** The least rectangle around the region. */
export function boundsOf(region: FlatRegion): FlatBox {
  switch (region.kind) {
    case 'box':
      return region;
    case 'circle': {
      const { center, radius } = region;
      // Rounding may put a point on the rim a little outside of the exact square.
      const reach = radius + (Math.abs(center.x) + Math.abs(center.y) + radius) * 1e-15;
      return {
        low: { x: center.x - reach, y: center.y - reach },
        high: { x: center.x + reach, y: center.y + reach },
      };
    }
    case 'flatPolygon':
      return region.ring.bounds;
  }
}
