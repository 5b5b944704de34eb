import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { chat } from '@rollcall/proto';
import { toTimestamp } from '../log/note-rows.ts';
import { deletedSubjectOf, roomOf } from '../log/deleted-rooms.ts';
import type { NatsLink } from '../nats/nats-link.ts';
import { absentMember, presentMember, type Visitor } from './members.ts';
import { OtherReplicas } from './other-replicas.ts';
import type { Presence, PresenceChange } from './presence.ts';
import { decodePresence, encodePresence, maxMoves, type Move, type PresenceMessage } from './presence-messages.ts';
import { RoomVisitors } from './room-visitors.ts';
import { RoomWatchers } from './room-watchers.ts';
import { SeenStream } from './seen-stream.ts';

/** For how long changes are collected, in milliseconds: whoever leaves and comes back meanwhile has not left. */
const collectMs = 250;

/** How often a replica says that it lives, and after how long a silence its users have left, in milliseconds. */
const beatMs = 2000;
const silentMs = 7000;

/** For how long the others are listened to after an outage before it is told who is there, in milliseconds. */
const settleMs = 1500;

/** How long it may take to say at the end what is to be said, in milliseconds. */
const closeMs = 1000;

export interface NatsPresenceOptions {
  /** How many servers of a cluster keep when users were last seen. */
  readonly replicas: number;
  /** What all names in NATS begin with. */
  readonly prefix: string;
}

/** A user with streams of a room here. */
interface Present extends Visitor {
  streams: number;
}

/** What a message says, without who says it. */
type Said<M = PresenceMessage> = M extends PresenceMessage ? Omit<M, 'replica'> : never;

const logger = new Logger('presence');

/**
 * Who is in which room, over all replicas: each tells the others of its own users, and knows those of the others. While NATS
 * is away those stay as they were. When users were last seen is kept in JetStream.
 */
export class NatsPresence implements Presence {
  readonly #link: NatsLink;
  readonly #id = randomUUID();
  readonly #subject: string;
  readonly #seen: SeenStream;
  readonly #here = new RoomVisitors<Present>();
  readonly #others: OtherReplicas;
  readonly #watchers = new RoomWatchers(
    (room) => this.#presentIn(room),
    (room) => this.members(room),
  );
  /** Who has come or left here since the last change that was published, by room. */
  readonly #moved = new Map<string, Map<string, Visitor>>();
  /** Rooms whose watchers may have to be told something. */
  readonly #changed = new Set<string>();
  readonly #beat: NodeJS.Timeout;
  readonly #stopListening: (() => void)[];
  #change = 0;
  #collecting: NodeJS.Timeout | undefined;
  #answering: NodeJS.Timeout | undefined;
  /** Until when it is not certain what has changed. */
  #uncertainUntil = -Infinity;
  #beatenAt = performance.now();
  #closed = false;

  constructor(link: NatsLink, { replicas, prefix }: NatsPresenceOptions) {
    this.#link = link;
    this.#subject = `${prefix}.presence`;
    this.#seen = new SeenStream(link, prefix, replicas);
    this.#others = new OtherReplicas(
      (of) => this.#say({ kind: 'ask', of }),
      (move) => this.#movedElsewhere(move),
    );
    this.#stopListening = [
      link.subscribe(this.#subject, ({ data }) => this.#receive(data)),
      link.onConnect(() => this.#begin()),
      link.subscribe(deletedSubjectOf(prefix, '*'), ({ subject }) => this.#seen.forgetRoom(roomOf(subject))),
    ];
    this.#beat = setInterval(() => this.#tick(), beatMs).unref();
    this.#say({ kind: 'ask', of: '' });
  }

  enter(room: string, { id, name }: { readonly id: string; readonly name: string }): () => void {
    const there = this.#here.get(room, id);
    const present = there ?? { id, name, joinTimeMs: Date.now(), streams: 0 };
    present.streams += 1;
    if (there === undefined) {
      this.#here.set(room, present);
      this.#movedHere(room, present);
    }
    let left = false;
    return () => {
      if (left) return;
      left = true;
      present.streams -= 1;
      if (present.streams > 0) return;
      this.#here.delete(room, id);
      this.#movedHere(room, present);
    };
  }

  async members(room: string): Promise<chat.Member[]> {
    const seen = await this.#seen.of(room);
    const present = this.#presentIn(room);
    return [
      ...[...present.values()].map(presentMember),
      ...seen
        .filter(({ id }) => !present.has(id))
        .map(({ id, name, timeMs }) => absentMember(id, name, toTimestamp(timeMs))),
    ];
  }

  watch(room: string, receive: (change: PresenceChange) => void): () => void {
    return this.#watchers.add(room, receive);
  }

  forget(room: string): Promise<void> {
    return this.#seen.purge(room);
  }

  /** Tells the others that nobody is here any more. It leaves the link open. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#beat);
    clearTimeout(this.#answering);
    for (const stop of this.#stopListening) stop();
    for (const { room, visitor } of this.#here.all())
      this.#seen.keep(room, { id: visitor.id, name: visitor.name, timeMs: Date.now() });
    const kept = this.#collected();
    clearTimeout(this.#collecting);
    this.#say({ kind: 'bye' });
    const said = this.#link.askPlainly(({ nats }) => nats.flush()).catch(() => undefined); // the others miss us soon
    // A NATS that does not answer does not hold up the end.
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, closeMs);
    await Promise.race([late, Promise.all([kept, said])]);
    clearTimeout(timer);
  }

  /** Everybody in a room, with the time when they first came. */
  #presentIn(room: string): Map<string, Visitor> {
    const present = new Map<string, Visitor>();
    for (const visitors of [this.#here.in(room), this.#others.in(room)])
      for (const { id, name, joinTimeMs } of visitors) {
        const first = present.get(id);
        if (first === undefined || joinTimeMs < first.joinTimeMs) present.set(id, { id, name, joinTimeMs });
      }
    return present;
  }

  #movedHere(room: string, visitor: Visitor): void {
    const users = this.#moved.get(room) ?? new Map<string, Visitor>();
    this.#moved.set(room, users.set(visitor.id, visitor));
    this.#collect(room);
  }

  #movedElsewhere({ room, id, name, joinTimeMs, leftTimeMs }: Move): void {
    this.#seen.note(room, { id, name, timeMs: leftTimeMs || joinTimeMs });
    this.#collect(room);
  }

  #collect(room: string): void {
    this.#changed.add(room);
    if (this.#closed) return;
    const waitMs = Math.max(collectMs, this.#uncertainUntil - performance.now());
    this.#collecting ??= setTimeout(() => void this.#collected(), waitMs).unref();
  }

  /** Tells those here and the other replicas what has changed, and keeps it. */
  async #collected(): Promise<void> {
    this.#collecting = undefined;
    const isCertain = performance.now() >= this.#uncertainUntil + collectMs;
    const changed = [...this.#changed];
    this.#changed.clear();
    this.#publishMoves();
    for (const room of changed) void this.#watchers.publish(room, isCertain);
    await this.#seen.write();
  }

  #publishMoves(): void {
    const now = Date.now();
    const moves: Move[] = [];
    for (const [room, users] of this.#moved)
      for (const { id, name, joinTimeMs } of users.values()) {
        const there = this.#here.get(room, id);
        moves.push({ room, id, name, joinTimeMs: there?.joinTimeMs ?? joinTimeMs, leftTimeMs: there ? 0 : now });
        // Whoever has come is seen now too: if this process is killed, that is what is known.
        this.#seen.keep(room, { id, name, timeMs: now });
      }
    this.#moved.clear();
    for (let first = 0; first < moves.length; first += maxMoves) {
      this.#change += 1;
      this.#say({ kind: 'change', change: this.#change, moves: moves.slice(first, first + maxMoves) });
    }
  }

  #receive(data: Uint8Array): void {
    const message = decodePresence(data);
    if (message === undefined || message.replica === this.#id) return;
    this.#others.receive(message, performance.now());
    // Several who ask at once get one answer.
    if (message.kind === 'ask' && (message.of === '' || message.of === this.#id))
      this.#answering ??= setTimeout(() => this.#sayState(), collectMs / 5).unref();
  }

  #sayState(): void {
    this.#answering = undefined;
    this.#publishMoves();
    const all = [...this.#here.all()].map(({ room, visitor: { id, name, joinTimeMs } }) => ({
      room,
      id,
      name,
      joinTimeMs,
      leftTimeMs: 0,
    }));
    const parts = Math.max(1, Math.ceil(all.length / maxMoves));
    for (let part = 0; part < parts; part += 1) {
      const moves = all.slice(part * maxMoves, (part + 1) * maxMoves);
      this.#say({ kind: 'state', change: this.#change, part, parts, moves });
    }
  }

  /** There is a connection again: what was missed is asked for, and told to the others. */
  #begin(): void {
    const now = performance.now();
    this.#uncertainUntil = now + settleMs;
    this.#others.expire(now);
    this.#seen.forget();
    this.#say({ kind: 'ask', of: '' });
    this.#sayState();
    void this.#seen.write();
  }

  #tick(): void {
    const now = performance.now();
    const isLate = now - this.#beatenAt > 2 * beatMs;
    this.#beatenAt = now;
    if (!this.#link.isConnected) return;
    this.#say({ kind: 'beat', change: this.#change });
    void this.#seen.write(); // what could not be written before
    // Whoever stood still has not heard what was said meanwhile.
    if (isLate) return this.#others.expire(now);
    for (const id of this.#others.silentSince(now - silentMs)) this.#dropSilent(id);
  }

  #dropSilent(id: string): void {
    logger.warn('another replica is silent: its users have left');
    const moves = this.#others.drop(id, Date.now() - silentMs);
    // One of those that are left keeps when they were seen.
    if ([...this.#others.ids].some((other) => other < this.#id)) return;
    for (const { room, id: user, name, leftTimeMs } of moves)
      this.#seen.keep(room, { id: user, name, timeMs: leftTimeMs });
  }

  #say(said: Said): void {
    this.#link.publish(this.#subject, encodePresence({ replica: this.#id, ...said }));
  }
}
