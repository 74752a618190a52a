import type { Access } from './access.ts';

/** What tells the plans for one query apart. */
export function identityOf(access: Access): string {
  switch (access.kind) {
    case 'index': {
      const fields = access.bounds.candidate.fields.map(({ path }) => path).join(',');
      return `index ${access.bounds.candidate.name} ${fields} ${access.bounds.isBounded} ${access.reverse}`;
    }
    case 'union':
      return `union [${access.branches.map((branch) => identityOf(branch.access)).join(';')}] ${access.order === undefined}`;
    case 'special':
      return `special ${access.index.spec.name}`;
    default:
      return access.kind;
  }
}
