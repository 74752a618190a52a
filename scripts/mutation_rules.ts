/**
 * Rules of replication and durability, and how each is broken for a test of the simulator. A patch must be found once in
 * the sources as they are; when a rule's code moves, its patch moves with it.
 *
 * Not among them: that a new primary first applies what it has fetched. Batches are applied so much faster than elections
 * go that simulated ones hardly ever overlap; `tests/interaction/drain.txt` holds that rule.
 */

export interface Patch {
  /** Below `src/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutation {
  /** The rule that is broken, as one would say what the broken code does. */
  readonly rule: string;
  readonly patches: readonly Patch[];
}

export const MUTATIONS: readonly Mutation[] = [
  {
    rule: 'votes twice in a term',
    patches: [
      {
        file: 'replication/vote.ts',
        find: 'return !request.dryRun && voter.lastVote !== undefined && voter.lastVote.term === request.term;',
        replace: 'return false;',
      },
      {
        file: 'replication/vote_request.ts',
        find: "invariant(state.lastVote === undefined || state.lastVote.term < request.term, 'one vote per term');",
        replace: '',
      },
    ],
  },
  {
    rule: 'forgets its vote when it restarts',
    patches: [
      {
        file: 'replication/core.ts',
        find: 'state.lastVote = input.lastVote;',
        replace: 'state.lastVote = undefined;',
      },
    ],
  },
  {
    rule: 'answers a vote request before the vote is durable',
    patches: [
      {
        file: 'member/member_replication.ts',
        find: 'persistVote: ({ vote }) => localState.update({ lastVote: vote }),',
        replace: 'persistVote: ({ vote }) => void localState.update({ lastVote: vote }),',
      },
    ],
  },
  {
    rule: 'votes for a candidate that is behind',
    patches: [
      {
        file: 'replication/vote.ts',
        find: 'return compareOpTimes(request.lastWritten, voter.lastWritten) < 0;',
        replace: 'return false;',
      },
    ],
  },
  {
    rule: 'takes a minority of votes for a majority',
    patches: [
      { file: 'replication/config.ts', find: 'return votes * 2 > voters;', replace: 'return votes * 2 + 1 >= voters;' },
    ],
  },
  {
    rule: 'stays primary when it hears of a higher term',
    patches: [
      {
        file: 'replication/role.ts',
        find: 'if (term <= state.term) return false;',
        replace: 'if (term <= state.term || state.leader !== undefined) return false;',
      },
    ],
  },
  {
    rule: 'counts what is not on disk for the commit point',
    patches: [
      {
        file: 'replication/commit_point.ts',
        find: 'return config.writeConcernMajorityJournalDefault ? progress.durable : progress.applied;',
        replace: 'return config.writeConcernMajorityJournalDefault ? progress.applied : progress.applied;',
      },
      {
        file: 'replication/write_concern.ts',
        find: "const isDurable = demand.j ?? (w === 'majority' && replicated.config.writeConcernMajorityJournalDefault);",
        replace: 'const isDurable = demand.j ?? false;',
      },
    ],
  },
  {
    rule: 'reports as durable what is only written',
    patches: [
      {
        file: 'member/positions.ts',
        find: 'durable: { optime: oplog.lastDurable, wall: oplog.lastDurableWall }',
        replace: 'durable: written',
      },
    ],
  },
  {
    rule: 'commits entries of earlier terms by counting them',
    patches: [
      {
        file: 'replication/commit_point.ts',
        find: 'if (compareOpTimes(candidate.optime, firstOptimeOfTerm) < 0) return current;',
        replace: 'if (compareOpTimes(firstOptimeOfTerm, firstOptimeOfTerm) < 0) return current;',
      },
    ],
  },
  {
    rule: 'believes any commit point it hears of',
    patches: [
      {
        file: 'replication/commit_point.ts',
        find: 'if (known.optime.t !== mine.written.optime.t) return current;',
        replace: 'if (mine.written === undefined) return current;',
      },
    ],
  },
  {
    rule: 'acknowledges w: "majority" without waiting',
    patches: [
      {
        file: 'member/replication_waits.ts',
        find: 'if ((w === 0 || w === 1) && j !== true) return SATISFIED;',
        replace: "if ((w === 0 || w === 1 || w === 'majority') && j !== true) return SATISFIED;",
      },
    ],
  },
  {
    rule: 'takes two entries of one time for the same entry',
    patches: [
      {
        file: 'member/first_batch.ts',
        find: 'if (compareOpTimes(first, lastFetched) !== 0) {',
        replace: 'if (first.ts !== lastFetched.ts) {',
      },
    ],
  },
  {
    rule: 'keeps the data of entries that it rolled back',
    patches: [{ file: 'database/member_data.ts', find: 'this.store.dropVersionsAfter(commonPoint.ts);', replace: '' }],
  },
  {
    rule: 'keeps the entries that it rolled back',
    patches: [
      { file: 'database/member_data.ts', find: 'await this.oplog.truncateAfter(commonPoint);', replace: '' },
      {
        file: 'database/member_data.ts',
        find: "invariant(this.oplog.lastWritten.ts === commonPoint.ts, 'the oplog ends at the common point');",
        replace: '',
      },
      {
        file: 'member/rollback.ts',
        find: "invariant(compareOpTimes(data.oplog.lastWritten, commonPoint) === 0, 'the oplog ends at the common point');",
        replace: '',
      },
    ],
  },
  {
    rule: 'checkpoints what is not committed',
    patches: [
      {
        file: 'member/positions.ts',
        find: 'const stable = earlier(committed, this.#data.oplog.lastDurable);',
        replace: 'const stable = compareOpTimes(committed, committed) < 0 ? committed : this.applied;',
      },
    ],
  },
  {
    rule: 'recovers without the last entry of the journal',
    patches: [
      {
        file: 'database/member_data.ts',
        find: "await this.applyBatch(batch, 'recovery');",
        replace: "await this.applyBatch(batch.slice(0, -1), 'recovery');",
      },
    ],
  },
  {
    rule: 'applies a batch without its last entry',
    patches: [
      {
        file: 'member/applier.ts',
        find: '      batch.map(({ bytes }) => bytes),',
        replace: '      batch.slice(0, Math.max(1, batch.length - 1)).map(({ bytes }) => bytes),',
      },
    ],
  },
  {
    rule: 'executes a repeated write again',
    patches: [
      {
        file: 'database/sessions.ts',
        find: 'const at = this.statements.get(statement);',
        replace: 'const at = this.statements.get(statement + 1_000);',
      },
    ],
  },
  {
    rule: 'forgets as a secondary which writes were executed',
    patches: [
      {
        file: 'database/sessions.ts',
        find: '    this.#active.delete(id.text);\n    this.#table().put(id.key, this.#build(id, txnNumber, optime, wall), optime.ts);',
        replace:
          '    if (this.#active.size < 0) this.#table().put(id.key, this.#build(id, txnNumber, optime, wall), optime.ts);',
      },
    ],
  },
  {
    rule: 'shows the newest data to majority reads',
    patches: [
      {
        file: 'database/member_data.ts',
        find: 'return this.#committedTimestamp > ts ? this.#committedTimestamp : ts;',
        replace: 'return this.#committedTimestamp > ts ? this.#readTimestamp : ts;',
      },
    ],
  },
  {
    rule: 'ends an initial sync without applying what was written meanwhile',
    patches: [
      {
        file: 'member/initial_sync.ts',
        find: "await data.applyBatch(batch, 'initialSync');",
        replace: "await data.applyBatch(batch.slice(0, 0), 'initialSync');",
      },
    ],
  },
];
