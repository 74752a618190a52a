import type { BaseBatch, BaseStore } from './base_store.ts';

/** A base store takes one commit at a time: those of checkpoints and of bulk loads wait for each other here. */
export class CommitQueue {
  readonly #base: BaseStore;
  #last: Promise<void> = Promise.resolve();

  constructor(base: BaseStore) {
    this.#base = base;
  }

  /** As the base store's. The bytes must not change until it settles. */
  commit(batch: BaseBatch): Promise<void> {
    const commit = this.#last.then(() => this.#base.commit(batch));
    this.#last = commit.catch(() => {});
    return commit;
  }

  /** Resolves when no commit is under way. */
  idle(): Promise<void> {
    return this.#last;
  }
}
