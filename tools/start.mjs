// npm start: installs, builds and starts everything.
import { build, ensureInstalled } from './toolchain.mjs';

await ensureInstalled();
await build();
await import('./apps.mjs');
