import { decodeVoteRequest } from '../../replication/message_documents.ts';
import type { Command } from '../context.ts';
import { askCore } from './replication_arguments.ts';

/** Members: a candidate asks for a vote. The vote is on disk before the answer leaves. */
export const replSetRequestVotesCommand: Command = {
  name: 'replSetRequestVotes',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'a candidate asks the members of a set for their votes',
  run: (request, context, reply) => {
    const vote = decodeVoteRequest(request.body);
    return askCore(context, reply, (replyTo) => ({ kind: 'voteRequest', request: vote, replyTo }));
  },
};
