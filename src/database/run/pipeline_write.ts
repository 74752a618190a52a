/**
 * A pipeline that writes its documents instead of returning them (`$out`, `$merge`).
 *
 * Documents are gathered into batches and a batch is written as a whole, as MongoDB does it: an error of the pipeline
 * leaves the batch it happened in unwritten, whatever came before is written.
 */
import { CommandError } from '../../base/command_error.ts';
import { BSON_OBJECT_SIZE_BYTES_MAX, WRITE_BATCH_SIZE_MAX } from '../../base/limits.ts';
import type { Timestamp } from '../../base/optime.ts';
import { Pace } from '../../query/pace.ts';
import { PAUSE } from '../../query/pipeline/source.ts';
import type { CursorSubject } from './cursors.ts';
import type { RunningQuery } from './running_query.ts';

/** Where the documents go. */
export interface DocumentSink {
  /** On 'pause' the same document is to be given again in another turn. */
  write(document: Uint8Array): 'done' | 'pause';
  /** Called after each batch; may throw what its documents met. */
  endBatch(): void;
  /** All documents were written. */
  finish(): void;
  /** Something failed: what is half done is to be taken away. */
  abandon(): void;
}

interface PipelineWriteParts {
  readonly query: RunningQuery;
  /** What the pipeline reads. */
  readonly subjects: readonly CursorSubject[];
  readonly readAt: () => Timestamp;
  readonly sink: DocumentSink;
}

export class PipelineWrite {
  readonly #parts: PipelineWriteParts;
  /** Of writing, which takes longer than what the pipeline's own pace goes by. */
  readonly #pace: Pace;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  /** The next document of the batch to write; undefined while it is gathered. */
  #writing: number | undefined;
  #isAtEnd = false;
  #isPaused = false;
  #isAbandoned = false;

  constructor(parts: PipelineWriteParts) {
    this.#parts = parts;
    this.#pace = new Pace(parts.query.turn);
  }

  /** Goes on until all is written or the turn is over. */
  advance(): 'done' | 'pause' {
    if (this.#isPaused) this.#resume();
    const step = this.#goOn();
    this.#isPaused = step === 'pause';
    return step;
  }

  /** To be called when the write ends in any way but 'done'. */
  abandon(): void {
    if (this.#isAbandoned) return;
    this.#isAbandoned = true;
    this.#parts.query.source.close();
    this.#parts.sink.abandon();
  }

  #resume(): void {
    const { subjects, query, readAt } = this.#parts;
    for (const { gone } of subjects) if (gone !== undefined) throw new CommandError('QueryPlanKilled', gone);
    query.moveTo(readAt());
  }

  #goOn(): 'done' | 'pause' {
    for (;;) {
      if (this.#writing === undefined && this.#gather() === 'pause') return 'pause';
      if (this.#writeBatch() === 'pause') return 'pause';
      if (!this.#isAtEnd) continue;
      this.#parts.query.source.close();
      this.#parts.sink.finish();
      return 'done';
    }
  }

  #gather(): 'full' | 'pause' {
    const { source } = this.#parts.query;
    while (this.#batch.length < WRITE_BATCH_SIZE_MAX && this.#batchBytes < BSON_OBJECT_SIZE_BYTES_MAX) {
      const document = source.next();
      if (document === PAUSE) return 'pause';
      if (document === undefined) {
        this.#isAtEnd = true;
        break;
      }
      this.#batch.push(document);
      this.#batchBytes += document.length;
    }
    this.#writing = 0;
    return 'full';
  }

  #writeBatch(): 'done' | 'pause' {
    const { sink } = this.#parts;
    const batch = this.#batch;
    let at = this.#writing ?? 0;
    for (; at < batch.length; at++) {
      this.#writing = at;
      if (this.#pace.isOver() || sink.write(batch[at]) === 'pause') return 'pause';
    }
    this.#batch = [];
    this.#batchBytes = 0;
    this.#writing = undefined;
    sink.endBatch();
    return 'done';
  }
}
