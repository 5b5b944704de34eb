import { expect, it, vi } from 'vitest';

vi.stubGlobal('location', { hash: '#/rooms/%' }); // as of a page that is opened by such a link
vi.stubGlobal('addEventListener', () => undefined);
const { roomAddress, route, routeOf } = await import('../src/shell/route.ts');

it('opens by a link that cannot be decoded', () => {
  expect(route.value).toEqual({ view: 'chat', room: '%' });
});

it.each([
  ['#/rooms/lobby', 'lobby'],
  ['#/rooms/100%', '100%'],
  ['#/rooms/100%25', '100%'],
  ['#/rooms/%E0%A4%A', '%E0%A4%A'],
  ['#/rooms/a%2Fb', 'a/b'],
  ['#/rooms/', undefined],
  ['#/rooms', undefined],
])('%s leads to the room %s', (hash, room) => {
  expect(routeOf(hash)).toEqual({ view: 'chat', room });
});

it.each(['lobby', '100%', 'a/b?c#d', 'ж', '%E0%A4%A'])('the address of the room %s leads to it', (room) => {
  expect(routeOf(roomAddress(room))).toEqual({ view: 'chat', room });
});

it.each(['', '#', '#/', '#/?q=%E0%A4%A', '#/%', '#//', '#/nowhere/%'])('%j leads to the directory', (hash) => {
  expect(routeOf(hash).view).toBe('directory');
});
