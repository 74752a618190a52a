/** Stages of a plan as explain shows them: what they are and, after a run, what they did. */
import { BsonWriter } from '../../bson/writer.ts';

/** What a stage did in a run. */
export interface StageCounts {
  /** What it gave to the stage above. */
  readonly returned: number;
  readonly works: number;
  readonly isEnded: boolean;
}

export interface ExplainStage {
  /** '' when `fields` writes it. */
  readonly stage: string;
  readonly inputs: readonly ExplainStage[];
  /** Whether several inputs are usual: they are a list then. */
  readonly hasInputList?: boolean;
  readonly counts?: StageCounts | undefined;
  /** Writes what the stage is, into the document that is open. */
  fields?(writer: BsonWriter): void;
  /** Writes what else it counted, after its plan. */
  counters?(writer: BsonWriter): void;
}

/** Writes the stage and those below into the document that is open. */
export function writeStage(stage: ExplainStage, writer: BsonWriter, withCounts: boolean): void {
  if (stage.stage !== '') writer.string('stage', stage.stage);
  const { counts } = stage;
  if (!withCounts) stage.fields?.(writer);
  else {
    if (counts !== undefined) writeCounts(counts, writer);
    stage.fields?.(writer);
    stage.counters?.(writer);
  }
  const [first] = stage.inputs;
  if (stage.hasInputList === true) {
    writer.startArray('inputStages');
    for (const [i, input] of stage.inputs.entries()) {
      writer.startSubdocument(i);
      writeStage(input, writer, withCounts);
      writer.end();
    }
    writer.end();
  } else if (first !== undefined) {
    writer.startSubdocument('inputStage');
    writeStage(first, writer, withCounts);
    writer.end();
  }
}

/** The stage and those below as a document. */
export function stageDocument(stage: ExplainStage): Uint8Array {
  const writer = new BsonWriter().startDocument();
  writeStage(stage, writer, false);
  return writer.endDocument().finish();
}

function writeCounts({ returned, works, isEnded }: StageCounts, writer: BsonWriter): void {
  writer.int32('nReturned', returned).int32('executionTimeMillisEstimate', 0).int32('works', works);
  writer.int32('advanced', returned).int32('needTime', Math.max(works - returned - (isEnded ? 1 : 0), 0));
  writer
    .int32('needYield', 0)
    .int32('saveState', 0)
    .int32('restoreState', 0)
    .int32('isEOF', isEnded ? 1 : 0);
}
