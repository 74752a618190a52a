/** Eight hexadecimal digits that stand for the shape of a query. */
export function shapeHashOf(shape: string): string {
  // FNV-1a: equal shapes have equal hashes on every member, which is all that is asked of it.
  let hash = 0x811c9dc5;
  for (let i = 0; i < shape.length; i++) hash = Math.imul(hash ^ shape.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).toUpperCase().padStart(8, '0');
}
