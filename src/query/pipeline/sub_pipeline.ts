/** Running a pipeline over another collection, one result at a time. */
import { CommandError } from '../../base/command_error.ts';
import type { CompiledPipeline } from './compiled_pipeline.ts';
import type { Source } from './source.ts';
import type { StageContext } from './stage.ts';

/** Opens the results of a pipeline over a collection; the caller closes them. */
export function openOn(context: StageContext, ns: string, pipeline: CompiledPipeline): Source {
  const below = context.collections.open(ns, pipeline.pushdown);
  return pipeline.open(below, pipeline.pushdown.stages);
}

/** The namespace of a collection of the same database, as a stage names it. */
export function foreignNamespace(stage: string, db: string, collection: string): string {
  const ns = `${db}.${collection}`;
  if (collection === '' || collection.includes('\0')) {
    throw new CommandError('InvalidNamespace', `invalid ${stage} namespace: ${ns}`);
  }
  return ns;
}
