// Signs in by the secret behind the # of a link. It takes a press of the button: whoever only looks at links, such as the
// previews of mail and chat programs, does not use them up.
const part = (id) => document.getElementById(id);
const [title, message, error, action, leave] = ['title', 'message', 'error', 'action', 'leave'].map(part);

try {
  document.documentElement.dataset.theme = localStorage.getItem('rollcall.theme') ?? 'system'; // as chosen at the page
} catch {
  // people can forbid it
}

let secret = '';
let act = async () => {};
let busy = false;

/** Takes the secret out of the address, so that it stays in no history and on no screen. */
function takeSecret() {
  const found = location.hash.slice(1);
  if (found === '') return false;
  secret = found;
  history.replaceState(null, '', location.pathname);
  return true;
}

function show(heading, text, { button, pressed, way = false }) {
  title.textContent = heading;
  message.textContent = text;
  error.hidden = true;
  action.hidden = button === undefined;
  action.textContent = button ?? '';
  act = pressed ?? act;
  leave.hidden = !way;
}

function showError(text) {
  error.textContent = text;
  error.hidden = false;
}

function offerSignIn() {
  show('Sign in', 'You were given a link to sign in by. It works once.', { button: 'Sign in', pressed: signIn });
}

async function signIn() {
  const response = await fetch('session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ secret }),
  });
  if (response.ok) {
    secret = '';
    location.replace('./');
    return;
  }
  showError(why(await problemOf(response), 'This link was used, has expired, or is not complete. Ask for another.'));
}

async function signOut() {
  const response = await fetch('session', { method: 'DELETE' });
  if (response.ok) await tellWho();
  else showError(why(await problemOf(response), 'Signing out failed.'));
}

/** Without a link: who is signed in, and how one would be. */
async function tellWho() {
  const response = await fetch('v1/caller');
  const caller = response.ok ? await response.json() : {};
  if (caller.protectedMode) {
    const text = 'Rollcall runs in protected mode: everybody on this machine is the administrator.';
    show('No need to sign in', text, { way: true });
  } else if (caller.user) {
    const text = `You are signed in as ${caller.user.name}.`;
    show('Signed in', text, { button: 'Sign out', pressed: signOut, way: true });
  } else {
    show('Sign in', 'Open the link that you were given. Administrators make such links.', {});
  }
}

async function problemOf(response) {
  const problem = await response.json().catch(() => ({})); // whatever stands between may answer anything
  return { status: response.status, detail: '', requestId: '', ...problem };
}

function why({ status, reason, detail, requestId, retryAfterMs }, otherwise) {
  if (status === 429)
    return `There were too many attempts. Try again in ${Math.ceil((retryAfterMs ?? 1000) / 1000)} s.`;
  if (reason === 'LOCAL_SIGN_IN_OFF' || reason === 'FOREIGN_ORIGIN') return detail;
  if (status >= 500) return `The server cannot do it now. Try again. (Request ${requestId})`;
  return otherwise;
}

async function guarded(run) {
  if (busy) return;
  busy = true;
  action.setAttribute('aria-disabled', 'true'); // it keeps the focus, which `disabled` would take
  error.hidden = true;
  try {
    await run();
  } catch {
    showError('The server cannot be reached. Try again.');
  } finally {
    busy = false;
    action.removeAttribute('aria-disabled');
  }
}

action.addEventListener('click', () => void guarded(act));
addEventListener('hashchange', () => {
  if (takeSecret()) offerSignIn();
});
if (takeSecret()) offerSignIn();
else void guarded(tellWho);
