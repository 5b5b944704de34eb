import { randomUUID } from 'node:crypto';
import { callerOf } from '@rollcall/access';
import { type CallContext, encodedForm, GrpcController, invalidFields } from '@rollcall/grpc';
import { type chat, type tutorialChatServer, tutorialChatServerContract } from '@rollcall/proto';
import { codecsOf } from '@rollcall/contract';
import { concatMap, type Observable } from 'rxjs';
import { Chat } from '../chat/chat.ts';

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

  async sendNote({ name, message }: tutorialChatServer.Note, context: CallContext): Promise<tutorialChatServer.Empty> {
    check('name', name, 0, maxName);
    if (!isName(name)) {
      const description = 'has a control character, or one that changes the direction of text';
      throw invalidFields([{ field: 'name', description, reason: 'string.pattern' }]);
    }
    check('message', message, 1, maxMessage);
    const caller = callerOf(context);
    // Whoever is signed in is the author, under the name that the directory has. Who signs in is nobody's own choice.
    if (caller.credential === 'local' || caller.credential === 'tutorial')
      await this.#chat.sendAs({ room, noteId: randomUUID(), authorId: '0', authorName: marked(name), message });
    else await this.#chat.send({ room, noteId: '', authorId: '0', message }, caller);
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
  const shown: tutorialChatServer.Note = { name: unmarked(note), message: note.message };
  const made = codec === undefined ? shown : { ...shown, [encodedForm]: codec.encodeResponse(shown) };
  encoded.set(note, made);
  return made;
}

/** Tells a name that somebody chose for one note from the names of the directory. The tutorial's own clients see it without. */
const mark = '(tutorial)';

function marked(name: string): string {
  return name === '' ? mark : `${name} ${mark}`;
}

function unmarked({ authorId, authorName }: chat.Note): string {
  if (authorId !== '0' || !authorName.endsWith(mark)) return authorName;
  return authorName.slice(0, -mark.length).replace(/ $/, '');
}

/** Whether a text can be a name: the rule of the directory's names in the contract. */
function isName(text: string): boolean {
  return !/[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/u.test(text);
}

/** @throws RpcError INVALID_FIELD */
function check(field: string, text: string, min: number, max: number): void {
  const { length } = Array.from(text); // code points
  if (length >= min && length <= max) return;
  const description = `has ${length} characters, of ${min} to ${max}`;
  throw invalidFields([{ field, description, reason: length < min ? 'string.min_len' : 'string.max_len' }]);
}
