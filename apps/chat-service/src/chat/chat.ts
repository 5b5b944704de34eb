import type { Caller, ReportWrite } from '@rollcall/access';
import type { chat } from '@rollcall/proto';
import { Observable } from 'rxjs';
import type { OnApplicationShutdown } from '@nestjs/common';
import { seqUnknown } from '../errors/chat-errors.ts';
import { deleteRoom } from '../rooms/delete-room.ts';
import type { Directory } from '../notes/authors.ts';
import { listNotes } from '../notes/list-notes.ts';
import { listRooms } from '../rooms/list-rooms.ts';
import type { NewNote, NoteLog } from '../log/note-log.ts';
import { NoteStream } from '../notes/stream.ts';
import type { Presence } from '../presence/presence.ts';
import { RoomFeeds } from '../rooms/feeds.ts';
import type { RoomShares } from '../rooms/shares.ts';
import { actsAs, sendNote } from '../notes/send-note.ts';

/** With how many of the latest notes a stream begins that does not say. */
const defaultLatest = 50;

/** The rooms: what callers may do there, over one log. */
export class Chat implements OnApplicationShutdown {
  readonly #log: NoteLog;
  readonly #presence: Presence;
  readonly #directory: Directory;
  readonly #shares: RoomShares;
  readonly #report: ReportWrite;
  readonly #feeds: RoomFeeds;
  #close: () => Promise<void> = () => Promise.resolve();

  constructor(log: NoteLog, presence: Presence, directory: Directory, shares: RoomShares, report: ReportWrite) {
    this.#log = log;
    this.#presence = presence;
    this.#directory = directory;
    this.#shares = shares;
    this.#report = report;
    this.#feeds = new RoomFeeds(log, presence);
  }

  /** What is closed after the rooms. */
  onClose(close: () => Promise<void>): void {
    this.#close = close;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#feeds.close();
    await this.#close();
  }

  /** @see sendNote */
  send(request: chat.SendNoteRequest, caller: Caller): Promise<chat.Note> {
    return sendNote(this.#log, this.#directory, this.#shares, request, caller);
  }

  /** Keeps a note whose author is no user of the directory. */
  async sendAs(note: NewNote): Promise<void> {
    await this.#log.append(note);
  }

  /** @see listNotes */
  list(request: chat.ListNotesRequest): Promise<chat.ListNotesResponse> {
    return listNotes(this.#log, request);
  }

  /** @see listRooms */
  rooms(request: chat.ListRoomsRequest): Promise<chat.ListRoomsResponse> {
    return listRooms(this.#log, request);
  }

  /** @see deleteRoom */
  deleteRoom(request: chat.DeleteRoomRequest, caller: Caller, requestId: string): Promise<void> {
    return deleteRoom(this.#log, this.#presence, request, () =>
      this.#report(caller, requestId, 'rollcall.chat.v1.ChatService.DeleteRoom', `room "${request.room}" deleted`),
    );
  }

  /** The notes of a room and what happens in it; whoever subscribes is in the room. */
  stream(request: chat.StreamNotesRequest, caller: Caller): Observable<chat.StreamNotesResponse> {
    return this.#reading(request.room, async () => {
      const after = await this.#begin(request);
      const person = await actsAs(this.#directory, request.presentAs, caller);
      return {
        after,
        wantsPresence: request.presence,
        enter: () => person && this.#presence.enter(request.room, person),
      };
    });
  }

  /** The notes of a room from the first that is kept; whoever subscribes is not in the room. */
  streamAll(room: string): Observable<chat.StreamNotesResponse> {
    return this.#reading(room, () => Promise.resolve({ after: 0, wantsPresence: false, enter: () => undefined }));
  }

  #reading(
    room: string,
    begin: () => Promise<{
      readonly after: number;
      readonly wantsPresence: boolean;
      readonly enter: () => (() => void) | undefined;
    }>,
  ): Observable<chat.StreamNotesResponse> {
    return new Observable<chat.StreamNotesResponse>((subscriber) => {
      const start = async (): Promise<void> => {
        const { after, wantsPresence, enter } = await begin();
        const { feed, letGo } = await this.#feeds.open(room);
        subscriber.add(letGo);
        if (subscriber.closed) return;
        subscriber.add(enter());
        const reader = new NoteStream(this.#log, feed, subscriber, after, wantsPresence);
        subscriber.add(() => reader.close());
        await reader.run();
      };
      start().catch((error: unknown) => subscriber.error(error));
    });
  }

  /** Behind which note a stream begins. @throws RpcError SEQ_UNKNOWN */
  async #begin({ room, afterSeq, latest }: chat.StreamNotesRequest): Promise<number> {
    const { last } = await this.#log.bounds(room);
    if (afterSeq === undefined || afterSeq === null) return Math.max(last - (latest ?? defaultLatest), 0);
    if (Number(afterSeq) > last) throw seqUnknown(afterSeq, last);
    return Number(afterSeq);
  }
}
