import { keepAnswersMs } from '../store/maintenance.ts';
import type { KeptAnswer, UsersView } from '../store/users/view.ts';
import { requestIdReused } from './errors.ts';

/** What a request that may be sent again is known by: the key begins with the id of its caller. */
export type KnownRequest = Pick<KeptAnswer, 'id' | 'request_hash'>;

/** What a request was answered the first time; undefined when it is new, or too old. @throws RpcError REQUEST_ID_REUSED */
export function keptAnswer(view: UsersView, { id, request_hash }: KnownRequest): Uint8Array | undefined {
  const kept = view.answerTo(id);
  if (kept === undefined || kept.create_time_ms <= view.nowMs - BigInt(keepAnswersMs)) return undefined;
  if (Buffer.compare(kept.request_hash, request_hash) !== 0) throw requestIdReused();
  return kept.answer;
}

/** Keeps the answer, in the transaction of the write that it tells of. */
export function keepAnswer(view: UsersView, request: KnownRequest, answer: Uint8Array): void {
  view.keepAnswer({ ...request, answer, create_time_ms: view.nowMs });
}
