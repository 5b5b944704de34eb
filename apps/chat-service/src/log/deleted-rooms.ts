import { DiscardPolicy, StorageType } from '@nats-io/jetstream';
import {
  hasCode,
  isMessageNotFound,
  isStreamNotFound,
  natsError,
  otherLastMessage,
  streamNameInUse,
} from '../nats/nats-errors.ts';
import type { NatsLink } from '../nats/nats-link.ts';

/** How many rooms are remembered that were deleted. Those of the others begin at 1 again. */
const maxKept = 1_000_000;

/** Where it is told that a room was deleted, and kept behind which number one of the same name goes on. */
export function deletedSubjectOf(prefix: string, room: string): string {
  return `${prefix}.deleted.${room}`;
}

/** The room that a subject ends with. */
export function roomOf(subject: string): string {
  return subject.slice(subject.lastIndexOf('.') + 1);
}

/** Which rooms were deleted: a stream of JetStream that keeps the last message of each. */
export class DeletedRooms {
  readonly #link: NatsLink;
  readonly #prefix: string;
  readonly #replicas: number;

  constructor(link: NatsLink, prefix: string, replicas: number) {
    this.#link = link;
    this.#prefix = prefix;
    this.#replicas = replicas;
  }

  /** The number that stands for the deletion of a room; 0 when none of this name was deleted. @throws RpcError LOG_UNAVAILABLE */
  async seqOf(room: string): Promise<number> {
    return (await this.#last(room)).seq;
  }

  /** Keeps the number unless a higher one is kept, and tells all replicas. @throws RpcError LOG_UNAVAILABLE or DATABASE_FULL */
  async add(room: string, seq: number): Promise<void> {
    await this.#make();
    for (;;) {
      const last = await this.#last(room);
      if (last.seq >= seq) return;
      try {
        // Somebody else may have finished this deletion, and also the next one.
        const expect = { lastSubjectSequence: last.message };
        const message = [deletedSubjectOf(this.#prefix, room), String(seq)] as const;
        await this.#link.askPlainly(({ js }) => js.publish(...message, { expect }));
        return;
      } catch (error) {
        if (!hasCode(error, otherLastMessage)) throw natsError(error);
      }
    }
  }

  async #make(): Promise<void> {
    await this.#link.askUntilAnswered(async (jsm) => {
      try {
        await jsm.streams.add({
          name: this.#stream(),
          subjects: [deletedSubjectOf(this.#prefix, '*')],
          storage: StorageType.File,
          discard: DiscardPolicy.Old,
          max_msgs_per_subject: 1,
          max_msgs: maxKept,
          num_replicas: this.#replicas,
        });
      } catch (error) {
        if (!hasCode(error, streamNameInUse)) throw error; // another version made it
      }
    });
  }

  /** The last number that is kept of a room, and that of its message. */
  #last(room: string): Promise<{ readonly seq: number; readonly message: number }> {
    const query = { last_by_subj: deletedSubjectOf(this.#prefix, room) };
    return this.#link.askUntilAnswered(async (jsm) => {
      try {
        const message = await jsm.streams.getMessage(this.#stream(), query);
        return { seq: message === null ? 0 : readSeq(message.data), message: message?.seq ?? 0 };
      } catch (error) {
        if (isMessageNotFound(error) || isStreamNotFound(error)) return { seq: 0, message: 0 };
        throw error;
      }
    });
  }

  #stream(): string {
    return `${this.#prefix}-deleted`;
  }
}

/** What such a message says; 0 when it is none of ours. */
export function readSeq(data: Uint8Array): number {
  const seq = Number(new TextDecoder().decode(data));
  return Number.isSafeInteger(seq) && seq > 0 ? seq : 0;
}
