/** Every operator of expressions. A new one is a file and a row here. */
import { literalOperator } from './literal.ts';
import type { ExpressionOperator } from './types.ts';

const OPERATORS: readonly ExpressionOperator[] = [literalOperator];

export const EXPRESSION_OPERATOR_BY_NAME: ReadonlyMap<string, ExpressionOperator> = new Map(
  OPERATORS.map((operator) => [operator.name, operator]),
);

/** Operators of MongoDB 8.0 that are not built. A row moves up when it is. */
const UNBUILT_EXPRESSION_OPERATORS: ReadonlySet<string> = new Set(
  (
    '$abs $acos $acosh $add $addToSet $allElementsTrue $and $anyElementTrue $arrayElemAt $arrayToObject $asin $asinh ' +
    '$atan $atan2 $atanh $avg $binarySize $bitAnd $bitNot $bitOr $bitXor $bottom $bottomN $bsonSize $ceil $cmp ' +
    '$concat $concatArrays $cond $const $convert $cos $cosh $covariancePop $covarianceSamp $dateAdd $dateDiff ' +
    '$dateFromParts $dateFromString $dateSubtract $dateToParts $dateToString $dateTrunc $dayOfMonth $dayOfWeek ' +
    '$dayOfYear $degreesToRadians $divide $eq $exp $filter $first $firstN $floor $function $getField $gt $gte $hour ' +
    '$ifNull $in $indexOfArray $indexOfBytes $indexOfCP $isArray $isNumber $isoDayOfWeek $isoWeek $isoWeekYear $last ' +
    '$lastN $let $ln $log $log10 $lt $lte $ltrim $map $max $maxN $median $mergeObjects $meta $millisecond $min $minN ' +
    '$minute $mod $month $multiply $ne $not $objectToArray $or $percentile $pow $radiansToDegrees $rand $range $reduce ' +
    '$regexFind $regexFindAll $regexMatch $replaceAll $replaceOne $reverseArray $round $rtrim $sampleRate $second ' +
    '$setDifference $setEquals $setField $setIntersection $setIsSubset $setUnion $sin $sinh $size $slice $sortArray ' +
    '$split $sqrt $stdDevPop $stdDevSamp $strLenBytes $strLenCP $strcasecmp $substr $substrBytes $substrCP $subtract ' +
    '$sum $switch $tan $tanh $toBool $toDate $toDecimal $toDouble $toHashedIndexKey $toInt $toLong $toLower ' +
    '$toObjectId $toString $toUUID $toUpper $trim $trunc $tsIncrement $tsSecond $type $unsetField $week $year $zip'
  ).split(' '),
);

/** Whether MongoDB has an expression of that name. */
export function isExpressionOperator(name: string): boolean {
  return EXPRESSION_OPERATOR_BY_NAME.has(name) || UNBUILT_EXPRESSION_OPERATORS.has(name);
}
