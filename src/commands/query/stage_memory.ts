/** What the stages of a command may keep in memory, and whether the rest may go to disk. */
import type { StageMemory } from '../../query/pipeline/memory_budget.ts';
import type { CommandContext } from '../context.ts';

/** `allowDiskUse`: as the command says; undefined: as the parameter `allowDiskUseByDefault` does. */
export function stageMemory({ server, data }: CommandContext, allowDiskUse?: boolean): StageMemory {
  const { parameters } = server;
  const allowsDisk = allowDiskUse ?? parameters.get('allowDiskUseByDefault');
  return {
    bytesMax: parameters.get('internalDocumentSourceGroupMaxMemoryBytes'),
    sortBytesMax: parameters.get('internalQueryMaxBlockingSortMemoryUsageBytes'),
    spill: allowsDisk ? data.spill : undefined,
  };
}
