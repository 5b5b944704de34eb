/** Which rows of a long list are drawn. */
export interface Window {
  /** The first that is, from 0. */
  readonly first: number;
  /** Behind the last that is. */
  readonly end: number;
}

export interface Scrolled {
  readonly scrollTop: number;
  readonly viewHeight: number;
  readonly rowHeight: number;
  readonly count: number;
}

/** Rows beyond both edges, for the time between scrolling and drawing. */
const beyond = 10;

/** The rows that can be seen, and some around them. */
export function windowOf({ scrollTop, viewHeight, rowHeight, count }: Scrolled): Window {
  const first = Math.max(0, Math.min(count, Math.floor(scrollTop / rowHeight)) - beyond);
  const end = Math.min(count, Math.ceil((scrollTop + viewHeight) / rowHeight) + beyond);
  return { first, end: Math.max(first, end) };
}

/** How far to scroll so that a row is seen as a whole, under a header of some height. */
export function scrollFor(row: number, { scrollTop, viewHeight, rowHeight }: Scrolled, header: number): number {
  const [top, bottom] = [row * rowHeight, (row + 1) * rowHeight];
  if (top < scrollTop) return top;
  return bottom > scrollTop + viewHeight - header ? bottom - viewHeight + header : scrollTop;
}
