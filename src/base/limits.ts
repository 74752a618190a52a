/** Every limit of the program, with its unit and where it comes from. */
import { ms } from './units.ts';

/** Largest stored document. Source: hello's maxBsonObjectSize. */
export const BSON_OBJECT_SIZE_BYTES_MAX = 16 * 1024 * 1024;

/** What an oplog entry or a reply may exceed the largest document by. Source: BSONObjMaxInternalSize. */
export const BSON_INTERNAL_OVERHEAD_BYTES_MAX = 16 * 1024;

/**
 * Deepest document in a message: 200 documents and arrays inside the outermost one, which counts as well. The manual
 * speaks of 100; servers take 200. Source: maxBSONDepth, default 200.
 */
export const BSON_MESSAGE_DEPTH_MAX = 201;

/**
 * Deepest document that a client may store, the document itself counting as 1. Source: recorded replies of a server,
 * which took 180 levels and refused 181 with Overflow (maxBSONDepth less 20, so that commands can wrap it).
 */
export const BSON_STORED_DEPTH_MAX = 180;

/** Most names of a path in an expression or a stage: no document is deeper. Source: maxBSONDepth, default 200. */
export const FIELD_PATH_LENGTH_MAX = 200;

/** Largest wire message. Source: hello's maxMessageSizeBytes. */
export const MESSAGE_SIZE_BYTES_MAX = 48_000_000;

/** Most statements in one write command. Source: hello's maxWriteBatchSize. */
export const WRITE_BATCH_SIZE_MAX = 100_000;

/** A session that is not used for this long ends. Source: localLogicalSessionTimeoutMinutes. */
export const SESSION_TIMEOUT_MINUTES = 30;

/** Most members of a set, and most that vote. Source: the manual, "Replica Set Limits". */
export const MEMBERS_MAX = 50;
export const VOTING_MEMBERS_MAX = 7;

/** Most document sequences in one message. bulkWrite, which has the most, has two. */
export const MESSAGE_SEQUENCES_MAX = 8;

/** Long work gives the loop back after this long. */
export const TURN_MS_MAX = ms(4);

/** Bytes of incoming documents that are checked in one turn: about a microsecond for each kilobyte. */
export const CHECKED_BYTES_PER_TURN = 4 * 1024 * 1024;

/** Most entries and bytes that are applied, and become visible, together. Source: replBatchLimitOperations, replBatchLimitBytes. */
export const APPLY_BATCH_OPERATIONS_MAX = 5000;
export const APPLY_BATCH_BYTES_MAX = 100 * 1024 * 1024;

/** Fetching waits while more than this is written and not applied. Source: the order of MongoDB's apply buffer. */
export const APPLY_BUFFER_BYTES_MAX = 100 * 1024 * 1024;

/** Blocks that a store keeps in memory unless told otherwise: with all else a busy member stays below 400 MB. */
export const BLOCK_CACHE_BYTES = 224 * 1024 * 1024;

/** Versions newer than the checkpoint may take this much memory before writers wait. */
export const VERSION_BYTES_MAX = 512 * 1024 * 1024;

/** Writers wait when this many changes that could be on disk are not. */
export const CHECKPOINT_BACKLOG_CHANGES_MAX = 40_000;

/** A checkpoint begins after this time or this many changes, whichever comes first. */
export const CHECKPOINT_INTERVAL_MS = ms(1000);
export const CHECKPOINT_CHANGES = 10_000;

/**
 * One checkpoint moves about this many changes at most: each may rewrite a block of 8 KB, all are in memory, and the base
 * store takes them in one turn, about 1.5 µs for each.
 */
export const CHECKPOINT_CHANGES_MAX = 10_000;

/** A checkpoint gives the loop back after this long. */
export const CHECKPOINT_TURN_MS_MAX = ms(3);

/** After a checkpoint found the disk full, the next one waits this long. */
export const CHECKPOINT_RETRY_MS = ms(5000);

/** Blocks of dropped tables that one checkpoint removes. */
export const CHECKPOINT_REMOVALS_MAX = 5000;

/** Memory for building blocks that may stay allocated between checkpoints. */
export const BLOCK_ARENA_BYTES = 128 * 1024 * 1024;

/**
 * Keys that an index build keeps in memory before they go to a file. MongoDB's maxIndexBuildMemoryUsageMegabytes is 200 by
 * default; a file costs little, and memory is what members have least of.
 */
export const INDEX_BUILD_BYTES_MAX = 64 * 1024 * 1024;

/** Size of the files of the journal; the oplog shrinks and grows by it. */
export const JOURNAL_SEGMENT_BYTES = 64 * 1024 * 1024;

/** What nobody waits for is synced after this long. Source: MongoDB's commitIntervalMs. */
export const JOURNAL_SYNC_DELAY_MS = ms(100);

/** Records gather in a buffer of this size before they are handed to the operating system. */
export const JOURNAL_BUFFER_BYTES = 256 * 1024;

/** Room of the journal that is reserved ahead of what is written, in steps that do not hold up the loop. */
export const JOURNAL_ROOM_BYTES = 8 * 1024 * 1024;
export const JOURNAL_ROOM_STEP_BYTES = 256 * 1024;

/** The step when the room is used up faster than it is made: each is synced, which then costs more than it saves. */
export const JOURNAL_ROOM_RUSH_BYTES = 1024 * 1024;

/** Journal files that wait to be used again; more are removed. */
export const JOURNAL_FREE_SEGMENTS_MAX = 2;

/** Size of the oplog unless told otherwise. Source: the smallest default of MongoDB, 990 MB. */
export const OPLOG_SIZE_BYTES = 990 * 1024 * 1024;

/** The newest entries of the oplog stay in memory, up to this size. */
export const OPLOG_TAIL_BYTES_MAX = 16 * 1024 * 1024;

/** What one stage of a pipeline may hold in memory. Source: the manual, "Aggregation Pipeline Limits". */
export const PIPELINE_STAGE_SIZE_BYTES_MAX = 100 * 1024 * 1024;

/** A client that leaves more than this unread gets no further requests handled until it has read some. */
export const SEND_QUEUE_BYTES_MAX = 4 * 1024 * 1024;

/** What a client may send ahead while its request is being handled; then its connection is not read from. */
export const RECEIVE_AHEAD_BYTES_MAX = 1024 * 1024;

/** Most stages of one pipeline. Source: the manual, "Aggregation Pipeline Limits". */
export const PIPELINE_STAGES_MAX = 1000;

/** Steps of one match of a regular expression. Source: PCRE2's match limit. */
export const REGEX_STEPS_MAX = 10_000_000;

/** What one match of a regular expression remembers to go back to, in numbers: 32 MB. */
export const REGEX_STACK_MAX = 4_000_000;

/** The same where it is interrupted: a pattern takes more steps here than where simple repetitions count as one. */
export const REGEX_INTERRUPTED_STEPS_MAX = 100_000_000;

/** Regular expressions that cannot take more steps than this run without counting them. */
export const REGEX_FAST_STEPS_MAX = 100_000_000;

/** The same where they can be interrupted: up to about 20 ms. */
export const REGEX_UNINTERRUPTED_STEPS_MAX = 30_000_000;

/** Instructions of one regular expression whose steps are counted. */
export const REGEX_PROGRAM_MAX = 100_000;

/** Length of a pattern. Source: MongoDB, 16 KB since 6.1. */
export const REGEX_PATTERN_BYTES_MAX = 16_384;

/** Most pipelines inside each other, as those of `$lookup`. Source: the manual, "Aggregation Pipeline Limits". */
export const SUB_PIPELINE_DEPTH_MAX = 20;

/** Most items that `$range` makes: about what 64 MB hold. Source: the limit of MongoDB's operators that gather values. */
export const EXPRESSION_RANGE_ITEMS_MAX = 4_000_000;

/** Results after which a trial of plans is over. Source: internalQueryPlanEvaluationMaxResults. */
export const TRIAL_RESULTS_MAX = 101;

/** Shapes of queries per collection whose plans are remembered. Source: internalQueryCacheMaxEntriesPerCollection. */
export const PLAN_CACHE_ENTRIES_MAX = 5000;

/** Shapes of queries per collection that are kept with their plans, ready to run. */
export const PREPARED_QUERIES_MAX = 500;

/** Bytes of one value that an expression computes. Source: the order of MongoDB's limit for accumulators and buffers. */
export const EXPRESSION_VALUE_BYTES_MAX = 100 * 1024 * 1024;
