/** `$rank $denseRank $documentNumber`. */
import { CommandError } from '../../base/command_error.ts';
import { isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawInt32 } from '../../bson/value.ts';
import type { WindowFunctionKind } from './window_function.ts';

/** The number of a document, from its place, that of the first one alike and how many different ones came before. */
type Ranking = (place: number, firstAlike: number, different: number) => number;

function rankFunction(name: `$${string}`, sortFieldsMax: number, ranking: Ranking): WindowFunctionKind {
  return {
    name,
    standsAlone: new CommandError(5371601, 'Rank style window functions take no other arguments'),
    compile(operand, { sortFields }) {
      if (operand.type !== BSON_TYPE.object || !isEmptyDocument(operand.bytes, operand.start)) {
        throw new CommandError(5371603, `${name} must be specified with '{}' as the value`);
      }
      if (sortFields.length === 0 || sortFields.length > sortFieldsMax) {
        throw new CommandError(
          5371602,
          `${name} must be specified with a top level sortBy expression with exactly one element`,
        );
      }
      return {
        open({ isTied }) {
          let firstAlike = 0;
          let different = 0;
          return (index) => {
            if (index > 0 && !isTied(index, index - 1)) {
              firstAlike = index;
              different++;
            }
            return rawInt32(ranking(index, firstAlike, different) + 1);
          };
        },
      };
    },
  };
}

export const rankFunctions: readonly WindowFunctionKind[] = [
  rankFunction('$rank', 1, (_place, firstAlike) => firstAlike),
  rankFunction('$denseRank', 1, (_place, _firstAlike, different) => different),
  rankFunction('$documentNumber', Infinity, (place) => place),
];
