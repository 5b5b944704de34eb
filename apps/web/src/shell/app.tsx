import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { ChatView } from '../chat/chat-view.tsx';
import { unreadRooms } from '../chat/rooms.ts';
import { DirectoryView } from '../directory/directory-view.tsx';
import { Trouble } from '../parts/trouble.tsx';
import { caller, callerProblem, findCaller, may } from './caller.ts';
import { Header } from './header.tsx';
import { Messages } from './messages.tsx';
import { route } from './route.ts';
import { SignInView } from './sign-in-view.tsx';

const online = signal(navigator.onLine);
for (const event of ['online', 'offline']) addEventListener(event, () => (online.value = navigator.onLine));
addEventListener('online', () => void findCaller());

/** The whole page. */
export function App() {
  const { value: asked } = route;
  const { view } = asked;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    // Who goes to another view by the keyboard goes on from there.
    if (!first.current) main.current?.focus();
    first.current = false;
  }, [view]);
  const place = asked.view === 'directory' ? 'Directory' : (asked.room ?? 'Chat');
  const unread = unreadRooms.value > 0 ? `(${unreadRooms.value}) ` : '';
  useEffect(() => {
    document.title = `${unread}${place} – Rollcall`;
  }, [unread, place]);
  return (
    <>
      <Header />
      <Offline />
      <main id="main" ref={main} tabIndex={-1}>
        <Content />
      </main>
      <Messages />
    </>
  );
}

function Content() {
  const { view } = route.value;
  if (caller.value === undefined) {
    return callerProblem.value === undefined ? (
      <p class="loading">Rollcall …</p>
    ) : (
      <div class="card">
        <h1>Rollcall cannot be reached</h1>
        <p>This page tries again by itself.</p>
        <Trouble problem={callerProblem.value} />
      </div>
    );
  }
  if (view === 'chat' && may('chat.v1.ChatService.ListRooms')) return <ChatView />;
  if (may('user.v1.UserService.ListUsers')) return <DirectoryView />;
  if (caller.value.user === undefined) return <SignInView />;
  return (
    <div class="card">
      <h1>You may do nothing here</h1>
      <p>{caller.value.user.name}, your account is disabled. An administrator can enable it.</p>
    </div>
  );
}

function Offline() {
  const text = !online.value
    ? 'This device is offline. What you see may be old, and goes on when it is back.'
    : caller.value !== undefined && callerProblem.value !== undefined
      ? 'Rollcall cannot be reached. This page goes on when it is back.'
      : '';
  return (
    <p class="offline" role="status" hidden={text === ''}>
      {text}
    </p>
  );
}
