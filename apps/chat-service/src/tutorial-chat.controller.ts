import { randomUUID } from 'node:crypto';
import { encodedForm, GrpcController, invalidFields } from '@rollcall/grpc';
import { type chat, codecsOf, type tutorialChatServer, tutorialChatServerContract } from '@rollcall/proto';
import { concatMap, type Observable } from 'rxjs';
import { Chat } from './chat.ts';

/** The room of the tutorial's clients. */
const room = 'lobby';

/** How long names and messages are at the most, in code points: their contract has no rules. */
const maxName = 200;
const maxMessage = 4096;

const codec = codecsOf(tutorialChatServerContract).get('/grpc.ChatServer/ChatStream');

/** Notes as this contract has them, encoded once for all who get them. */
const encoded = new WeakMap<chat.Note, tutorialChatServer.Note>();

/** The published tutorial's `grpc.ChatServer`, in a room that others are in too. */
@GrpcController(tutorialChatServerContract, 'grpc.ChatServer')
export class TutorialChatController implements tutorialChatServer.ChatServerController {
  readonly #chat: Chat;

  constructor(rooms: Chat) {
    this.#chat = rooms;
  }

  async sendNote({ name, message }: tutorialChatServer.Note): Promise<tutorialChatServer.Empty> {
    check('name', name, 0, maxName);
    check('message', message, 1, maxMessage);
    await this.#chat.sendAs({ room, noteId: randomUUID(), authorId: '0', authorName: name, message });
    return {};
  }

  chatStream(): Observable<tutorialChatServer.Note> {
    return this.#chat
      .streamAll(room)
      .pipe(concatMap(({ events }) => events.flatMap(({ note }) => (note === null ? [] : toTutorial(note)))));
  }
}

function toTutorial(note: chat.Note): tutorialChatServer.Note {
  const known = encoded.get(note);
  if (known !== undefined) return known;
  const shown: tutorialChatServer.Note = { name: note.authorName, message: note.message };
  const made = codec === undefined ? shown : { ...shown, [encodedForm]: codec.encodeResponse(shown) };
  encoded.set(note, made);
  return made;
}

/** @throws RpcError INVALID_FIELD */
function check(field: string, text: string, least: number, most: number): void {
  const { length } = Array.from(text); // code points
  if (length >= least && length <= most) return;
  const description = `has ${length} characters, of ${least} to ${most}`;
  throw invalidFields([{ field, description, reason: length < least ? 'string.min_len' : 'string.max_len' }]);
}
