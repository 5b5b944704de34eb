import { render } from 'preact';
import { followDirectory } from './directory/directory.ts';
import { followChat } from './chat/rooms.ts';
import { App } from './shell/app.tsx';
import { findCaller } from './shell/caller.ts';
import './shell/theme.ts';
import './styles/base.css';
import './styles/controls.css';
import './styles/shell.css';
import './styles/dialog.css';
import './styles/directory.css';
import './styles/chat.css';

const root = document.getElementById('app');
if (root === null) throw new Error('index.html has no #app');
render(<App />, root);
followDirectory();
followChat();
void findCaller();
