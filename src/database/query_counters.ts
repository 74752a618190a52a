/** What queries have cost since the process began; each collection has its own of these, and all share one. */
export class QueryCounters {
  /** Walks through whole collections, and those among them whose cursors wait for more. */
  collectionScans = 0;
  tailableScans = 0;
  keysExamined = 0;
  documentsExamined = 0;
  /** Sorts that no index gave. */
  sorts = 0;
}
