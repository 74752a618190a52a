/**
 * Blocks: sorted runs of entries, the unit in which tables are stored.
 *
 * A block is one immutable byte array. The common prefix of its keys is taken out; entries are found by binary search
 * over their offsets. docs/block-format.md has the layout with a worked example:
 *
 *     narrow:  u32 checksum | u16 count | u8 flags | u8 prefixLength | prefix | u16 offsets[count + 1] | entries
 *     wide:    u32 checksum | u16 count | u8 flags | u8 0 | u32 prefixLength | prefix | u32 offsets[count + 1] | entries
 *     entry:   suffixLength (narrow u8, wide u32) | suffix | value
 *
 * Offsets count from the first entry; the last one is the end of the block. A block is wide when a suffix or the prefix
 * is over 255 bytes or the entries take over 65,535; that is so for big values, which stand alone, and for long keys.
 *
 * block_reader.ts reads them, block_writer.ts lays them out, block_merge.ts makes new blocks of old ones and edits.
 */

/** Blocks of small entries are at most this long: one overflow page of LMDB with pages of 8 KB. */
export const BLOCK_BYTES_MAX = 8160;

/** An entry over a third of a block stands alone, so that its neighbours' updates do not copy it. */
export const ENTRY_BYTES_MAX = 2720;

/** Below this a block is merged with its neighbour when both fit one block. */
export const BLOCK_BYTES_MIN = 2040;

/** Two small blocks are merged when the result leaves room to grow. */
export const MERGED_BYTES_MAX = 6936;

/** How full blocks become that are appended at a table's end. Documents grow little; index entries come in between. */
export const APPEND_FILL = { documents: 0.95, index: 0.85 } as const;

export const NARROW_HEADER_BYTES = 8;
export const WIDE_HEADER_BYTES = 12;
export const FLAG_WIDE = 1;

/** What a narrow block can hold. */
export const NARROW_LENGTH_MAX = 255;
export const NARROW_ENTRIES_BYTES_MAX = 65_535;
export const BLOCK_COUNT_MAX = 65_535;

/** The length of a block; `entriesBytes` are the bytes of its entries, their length fields included. */
export function blockBytes(shape: {
  readonly wide: boolean;
  readonly count: number;
  readonly prefixLength: number;
  readonly entriesBytes: number;
}): number {
  const { wide, count, prefixLength, entriesBytes } = shape;
  const header = wide ? WIDE_HEADER_BYTES : NARROW_HEADER_BYTES;
  return header + prefixLength + (wide ? 4 : 2) * (count + 1) + entriesBytes;
}
