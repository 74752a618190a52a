/** A region of the sphere: inside one loop and outside of its holes. */
import { interiorPoint, type Loop, type Side } from './loop.ts';
import type { Vector } from './vector.ts';

export class Polygon {
  readonly shell: Loop;
  /** Each as the region that is missing. */
  readonly holes: readonly Loop[];
  /** The shell, then the holes. */
  readonly loops: readonly Loop[];
  /** A point of the region, off its borders if it is not all border. */
  readonly interior: Vector;

  constructor(shell: Loop, holes: readonly Loop[]) {
    this.shell = shell;
    this.holes = holes;
    this.loops = [shell, ...holes];
    this.interior =
      holes.length === 0
        ? shell.interior
        : (interiorPoint(
            shell.vertices,
            shell.edges,
            holes.map((hole) => hole.edges),
          ) ?? shell.vertices[0]);
  }

  side(p: Vector): Side {
    const shell = this.shell.side(p);
    if (shell !== 'inside') return shell;
    for (const hole of this.holes) {
      const side = hole.side(p);
      if (side === 'border') return 'border';
      if (side === 'inside') return 'outside';
    }
    return 'inside';
  }

  /** Borders belong to it. */
  contains(p: Vector): boolean {
    return this.side(p) !== 'outside';
  }

  /** The angle from a point to the nearest point of the region, 0 inside. */
  distance(p: Vector): number {
    if (this.contains(p)) return 0;
    let nearest = Infinity;
    for (const loop of this.loops) {
      if (loop.distanceMin(p) < nearest) nearest = Math.min(nearest, loop.distance(p));
    }
    return nearest;
  }

  /** An angle that no point of the region is nearer by. Takes no longer for many edges than for few. */
  distanceMin(p: Vector): number {
    return this.shell.distanceMin(p);
  }
}
