import logo from '../favicon.svg';
import { Icon, type IconName } from '../parts/icon.tsx';
import { unreadRooms } from '../chat/rooms.ts';
import { AccountMenu } from './account-menu.tsx';
import { may } from './caller.ts';
import { route } from './route.ts';

interface PlaceProps {
  readonly address: string;
  readonly label: string;
  readonly icon: IconName;
  readonly here: boolean;
  readonly unread?: number;
}

function Place({ address, label, icon, here, unread = 0 }: PlaceProps) {
  return (
    <a href={address} aria-current={here ? 'page' : undefined}>
      <Icon name={icon} />
      {label}
      {unread > 0 && (
        <span class="unread" aria-label={`${unread} with unread notes`} role="img">
          {unread}
        </span>
      )}
    </a>
  );
}

/** The top of the page: where one can go, and who one is. */
export function Header() {
  const { view } = route.value;
  const reads = may('user.v1.UserService.ListUsers');
  const chats = may('chat.v1.ChatService.ListRooms');
  return (
    <header class="top">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault(); // what stands behind # is where one is
          document.querySelector<HTMLElement>('main h1, main')?.focus();
        }}
      >
        Skip to the content
      </a>
      <a class="home" href="#/" aria-label="Rollcall, home">
        <img src={logo} alt="" width="28" height="28" />
        <span>Rollcall</span>
      </a>
      <nav aria-label="Main">
        {reads && <Place address="#/" label="Directory" icon="people" here={view === 'directory'} />}
        {chats && (
          <Place address="#/rooms" label="Chat" icon="chat" here={view === 'chat'} unread={unreadRooms.value} />
        )}
      </nav>
      <AccountMenu />
    </header>
  );
}
