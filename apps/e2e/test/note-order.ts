/** Judges what a reader of a room was given: every note once, and in order. */
export class NoteOrder {
  /** The number of the last note. */
  last: number;
  lost = 0;
  doubled = 0;
  /** What retention has removed, which is said. */
  gaps = 0;

  /** @param last the number of the note before the first that is expected */
  constructor(last: number) {
    this.last = last;
  }

  note(seq: number): void {
    if (seq <= this.last) this.doubled += 1; // or late, which is as bad
    else {
      this.lost += seq - this.last - 1;
      this.last = seq;
    }
  }

  gap(lastSeq: number): void {
    this.gaps += 1;
    this.last = lastSeq;
  }

  /** Nothing, when all is well. */
  get faults(): string {
    const { lost, doubled, gaps } = this;
    return lost + doubled + gaps === 0 ? '' : `${lost} lost, ${doubled} doubled or out of order, ${gaps} gaps`;
  }
}
