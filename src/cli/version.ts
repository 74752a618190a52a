/** The program's own version; the MongoDB version it speaks as is in `commands/`. Kept equal to package.json by a test. */
export const VERSION = '0.1.0';
