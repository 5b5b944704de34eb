import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { type Rollcall, send, startRollcall } from '../rollcall.ts';
import { startChromium } from './chromium.ts';
import { openFront } from './front.ts';

/**
 * The real processes, and a browser in front of them. When it is closed, it throws what pages have complained of: errors,
 * and what the Content-Security-Policy refused.
 */
export interface Site extends AsyncDisposable {
  readonly rollcall: Rollcall;
  readonly url: string;
  /** A window of somebody's own: with storage and cookies of its own. */
  open(hash?: string, options?: BrowserContextOptions): Promise<Page>;
  /** Another window of the same person. */
  openBeside(page: Page, hash?: string): Promise<Page>;
  /** Creates a user. @returns the id */
  newUser(fields: object): Promise<string>;
}

/** Starts them. */
export async function startSite(env: Record<string, string> = {}): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const rollcall = stack.use(await startRollcall({ LOG_LEVEL: 'fatal', ...env }));
  const front = stack.use(await openFront(rollcall.socketPath));
  const browser: Browser = await startChromium();
  stack.defer(() => browser.close());
  const complaints: string[] = [];
  const show = async (context: BrowserContext, hash: string): Promise<Page> => {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (error) => complaints.push(error.stack ?? error.message));
    page.on('console', (message) => {
      // A failed request is one of the things that are tested.
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text()))
        complaints.push(message.text());
    });
    await page.goto(`${front.url}${hash}`);
    return page;
  };
  const owned = stack.move();
  return {
    rollcall,
    url: front.url,
    async open(hash = '', options = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
      return show(context, hash);
    },
    openBeside: (page, hash = '') => show(page.context(), hash),
    async newUser(fields) {
      const { status, json } = await send(rollcall, 'POST', '/v1/users', fields);
      if (status !== 201) throw new Error(`the user was not created: ${JSON.stringify(json)}`);
      return String(json['id']);
    },
    async [Symbol.asyncDispose]() {
      await owned.disposeAsync();
      if (complaints.length > 0) throw new Error(`a page complained:\n${complaints.join('\n')}`);
    },
  };
}
