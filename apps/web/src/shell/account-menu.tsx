import { problemIn, sentence } from '../calls/problem.ts';
import { typeName, wholeUser } from '../directory/user/user.ts';
import { Avatar } from '../parts/avatar.tsx';
import { Icon } from '../parts/icon.tsx';
import { caller, protectedMode, signOut } from './caller.ts';
import { tell } from './messages.tsx';
import { theme, themes } from './theme.ts';

const themeIcons = { system: 'system', light: 'sun', dark: 'moon' } as const;
const themeNames = { system: 'As the system', light: 'Light', dark: 'Dark' } as const;

/** Who one is, how the page looks, and the way out. */
export function AccountMenu() {
  const { user } = caller.value ?? {};
  const name = protectedMode.value ? 'Local administrator' : (user?.name ?? 'Not signed in');
  return (
    <div class="menu-place account">
      <button type="button" class="quiet" popovertarget="account-menu">
        <span class="unseen">Account and settings: </span>
        {user === undefined ? <Icon name="person" /> : <Avatar name={name} id={user.id ?? '0'} />}
        <span class="account-name">{name}</span>
      </button>
      <div id="account-menu" class="menu" popover="auto" role="group" aria-label="Account and settings">
        <div class="who">
          <strong>{name}</strong>
          {protectedMode.value && (
            <p>
              Rollcall runs in protected mode: it listens on this machine alone, and everybody on it is the
              administrator. Set <code>LOCAL_SIGN_IN=1</code> to have people sign in.
            </p>
          )}
          {!protectedMode.value && user !== undefined && (
            <p>
              {user.email || 'No email address'} · {typeName(wholeUser(user).type)}
            </p>
          )}
        </div>
        <fieldset class="themes">
          <legend>Colours</legend>
          {themes.map((each) => (
            <label key={each} title={themeNames[each]}>
              <input
                type="radio"
                name="theme"
                aria-label={themeNames[each]}
                checked={theme.value === each}
                onChange={() => (theme.value = each)}
              />
              <Icon name={themeIcons[each]} />
            </label>
          ))}
        </fieldset>
        <a href="docs/">
          <Icon name="book" />
          API documentation
        </a>
        {!protectedMode.value && user !== undefined && (
          <button type="button" onClick={() => void leave()}>
            <Icon name="back" />
            Sign out
          </button>
        )}
      </div>
    </div>
  );
}

async function leave(): Promise<void> {
  document.getElementById('account-menu')?.hidePopover();
  try {
    await signOut();
  } catch (error) {
    tell(`You are still signed in. ${sentence(problemIn(error))}`, { kind: 'failed' });
  }
}
