import { signal } from '@preact/signals';

/** What the address asks for, behind its `#`, which needs nothing of a server. */
export type Route =
  | { readonly view: 'directory'; readonly parameters: URLSearchParams }
  | { readonly view: 'chat'; readonly room: string | undefined };

/** Reads what stands behind `#`. */
export function routeOf(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?');
  const [view, room] = path.split('/');
  if (view === 'rooms') return { view: 'chat', room: room ? decoded(room) : undefined };
  return { view: 'directory', parameters: new URLSearchParams(search) };
}

/** What is no percent-encoding stands for itself: links are typed and cut, too. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const route = signal(routeOf(location.hash));
addEventListener('hashchange', () => (route.value = routeOf(location.hash)));

export function roomAddress(room: string): string {
  return `#/rooms/${encodeURIComponent(room)}`;
}

/** Goes somewhere. */
export function go(address: string): void {
  location.hash = address;
}

/** Changes the address without another step in the history, as for each letter of a search. */
export function becomeAddress(address: string): void {
  history.replaceState(null, '', address);
  route.value = routeOf(location.hash);
}
