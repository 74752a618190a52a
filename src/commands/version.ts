/** Which MongoDB this server says it is. */

/** Of the release whose behaviour clients may expect. The patch level is our own. */
export const VERSION = '7.0.14';
export const VERSION_ARRAY: readonly number[] = [7, 0, 14, 0];

/** Range of wire versions. 21 is MongoDB 7.0; it becomes 25 (8.0) together with bulkWrite. */
export const MIN_WIRE_VERSION = 0;
export const MAX_WIRE_VERSION = 21;
