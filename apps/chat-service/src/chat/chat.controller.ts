import { callerOf } from '@rollcall/access';
import { type CallContext, GrpcController } from '@rollcall/grpc';
import { type chat, rollcallContract } from '@rollcall/proto';
import type { Observable } from 'rxjs';
import { Chat } from './chat.ts';

@GrpcController(rollcallContract, 'rollcall.chat.v1.ChatService')
export class ChatController implements chat.ChatServiceController {
  readonly #chat: Chat;

  constructor(rooms: Chat) {
    this.#chat = rooms;
  }

  async sendNote(request: chat.SendNoteRequest, context: CallContext): Promise<chat.SendNoteResponse> {
    return { note: await this.#chat.send(request, callerOf(context)) };
  }

  listNotes(request: chat.ListNotesRequest): Promise<chat.ListNotesResponse> {
    return this.#chat.list(request);
  }

  streamNotes(request: chat.StreamNotesRequest, context: CallContext): Observable<chat.StreamNotesResponse> {
    return this.#chat.stream(request, callerOf(context));
  }

  async deleteRoom(request: chat.DeleteRoomRequest, context: CallContext): Promise<chat.DeleteRoomResponse> {
    await this.#chat.deleteRoom(request, callerOf(context), context.requestId);
    return {};
  }

  listRooms(request: chat.ListRoomsRequest): Promise<chat.ListRoomsResponse> {
    return this.#chat.rooms(request);
  }
}
