/** Every limit of the program, with its unit and where it comes from. */
import { ms } from './units.ts';

/** Largest stored document. Source: hello's maxBsonObjectSize. */
export const BSON_OBJECT_SIZE_BYTES_MAX = 16 * 1024 * 1024;

/** What an oplog entry or a reply may exceed the largest document by. Source: BSONObjMaxInternalSize. */
export const BSON_INTERNAL_OVERHEAD_BYTES_MAX = 16 * 1024;

/** Largest wire message. Source: hello's maxMessageSizeBytes. */
export const MESSAGE_SIZE_BYTES_MAX = 48_000_000;

/** Most statements in one write command. Source: hello's maxWriteBatchSize. */
export const WRITE_BATCH_SIZE_MAX = 100_000;

/** A session that is not used for this long ends. Source: localLogicalSessionTimeoutMinutes. */
export const SESSION_TIMEOUT_MINUTES = 30;

/** Most members of a set, and most that vote. Source: the manual, "Replica Set Limits". */
export const MEMBERS_MAX = 50;
export const VOTING_MEMBERS_MAX = 7;

/** Long work gives the loop back after this long. */
export const TURN_MS_MAX = ms(4);
