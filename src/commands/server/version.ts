/** Which MongoDB this server says it is. */

/** Of the release whose behaviour clients may expect. The patch level is our own. */
export const VERSION = '8.0.15';
export const VERSION_ARRAY: readonly number[] = [8, 0, 15, 0];

/** Range of wire versions; 25 is MongoDB 8.0. */
export const MIN_WIRE_VERSION = 0;
export const MAX_WIRE_VERSION = 25;
