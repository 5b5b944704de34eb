import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GrpcChannel, TlsFiles } from '@rollcall/grpc';
import {
  type chat,
  rollcallContract,
  type tutorialChatServer,
  tutorialChatServerContract,
  type tutorialUserManager,
  tutorialUserManagerContract,
  type tutorialUserService,
  tutorialUserServiceContract,
  type userService,
} from '@rollcall/proto';
import { type Contract } from '@rollcall/contract';
import { appCommand, type PemFolder } from '@rollcall/test-servers';
import { keepLog } from './process-logs.ts';

/** The processes of the system. */
export type App = 'user-service' | 'chat-service' | 'gateway';

/** The real processes, on unix sockets in a folder of their own. */
export interface Rollcall extends AsyncDisposable {
  /** The unix socket of the gateway, unless `GATEWAY_LISTEN` says something else. */
  readonly socketPath: string;
  /** Where the gateway is, for node:http. */
  readonly rest: { readonly socketPath: string } | { readonly host: string; readonly port: string };
  readonly target: string;
  readonly chatTarget: string;
  /** The certificates of the authorities that its callers trust; undefined when it speaks plain text. */
  readonly trusted: string[] | undefined;
  /** Where user-service has its store. */
  readonly dataDir: string;
  readonly users: userService.UserServiceClient;
  readonly userManager: tutorialUserManager.UserManagerClient;
  readonly tutorialUsers: tutorialUserService.UserServiceClient;
  readonly chat: chat.ChatServiceClient;
  readonly tutorialChat: tutorialChatServer.ChatServerClient;
  /** Ends a process without warning. */
  kill(app: App): Promise<void>;
  /** Ends a process as a container engine does. @returns its exit code */
  terminate(app: App): Promise<number | null>;
  /** Starts one that has ended again, and waits until the gateway is ready. */
  restart(app: App): Promise<void>;
  /** A client of any service of a contract, by its full name. */
  client<Service extends object>(contract: Contract, service: string): Service;
  /** What the processes have written so far. */
  output(): string;
  /** The command lines of the processes. */
  commandLines(): string;
  /** The resident memory of the processes, in bytes. */
  memory(): { userService: number; chatService: number; gateway: number };
  /** Ends all as a container engine does. @returns their exit codes */
  stop(): Promise<(number | null)[]>;
}

/** The files of TLS of each process, and of the test that calls the services. */
export interface Secured {
  readonly 'user-service': PemFolder;
  readonly 'chat-service': PemFolder;
  readonly gateway: PemFolder;
  readonly caller: PemFolder;
  /** The certificates of the authorities that callers of the gateway trust. */
  readonly trusted: string[];
}

/** The variables that name the files of a folder. */
export function tlsVariables({ cert, key, ca }: PemFolder): Record<string, string> {
  return { TLS_CERT: cert, TLS_KEY: key, TLS_CA: ca };
}

/** Starts the processes, built, and waits until they are ready. */
export async function startRollcall(env: Record<string, string> = {}, secured?: Secured): Promise<Rollcall> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-'));
  const socketPath = join(folder, 'rest.sock');
  const target = env['USER_LISTEN'] ?? `unix://${folder}/users.sock`;
  const chatTarget = env['CHAT_LISTEN'] ?? `unix://${folder}/chat.sock`;
  const environment = {
    ...process.env,
    USER_LISTEN: target,
    USER_TARGET: target,
    CHAT_LISTEN: chatTarget,
    CHAT_TARGET: chatTarget,
    GATEWAY_LISTEN: `unix://${socketPath}`,
    DATA_DIR: join(folder, 'data'),
    LOG_LEVEL: 'warn',
    ...env,
  };
  let output = '';
  const start = (app: App): ChildProcess => {
    const child = spawn(process.execPath, appCommand(app), {
      cwd: folder,
      env: { ...environment, ...(secured && tlsVariables(secured[app])) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        keepLog(text.replace(/#rcl_[\w-]+/g, '#…')); // the one secret that is printed
      });
    }
    return child;
  };
  const apps = {
    gateway: start('gateway'),
    'chat-service': start('chat-service'),
    'user-service': start('user-service'),
  };
  const tls = secured && new TlsFiles({ ...secured.caller, callers: [], reloadMs: 50 });
  const channel = new GrpcChannel(target, { defaultDeadlineMs: 60_000, tls });
  const chatChannel = new GrpcChannel(chatTarget, { defaultDeadlineMs: 60_000, tls });
  const channelOf = (service: string): GrpcChannel => (/chat/i.test(service) ? chatChannel : channel);
  const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    return child.exitCode;
  };
  const listen = /^(127\.[\d.]+):(\d+)$/.exec(environment.GATEWAY_LISTEN);
  const rollcall: Rollcall = {
    socketPath,
    rest: listen === null ? { socketPath } : { host: listen[1] ?? '', port: listen[2] ?? '' },
    target,
    chatTarget,
    trusted: secured?.trusted,
    dataDir: environment.DATA_DIR,
    users: channel.client<userService.UserServiceClient>(rollcallContract, 'rollcall.user.v1.UserService'),
    userManager: channel.client<tutorialUserManager.UserManagerClient>(tutorialUserManagerContract, 'UserManager'),
    tutorialUsers: channel.client<tutorialUserService.UserServiceClient>(tutorialUserServiceContract, 'UserService'),
    chat: chatChannel.client<chat.ChatServiceClient>(rollcallContract, 'rollcall.chat.v1.ChatService'),
    tutorialChat: chatChannel.client<tutorialChatServer.ChatServerClient>(
      tutorialChatServerContract,
      'grpc.ChatServer',
    ),
    async kill(app) {
      await end(apps[app], 'SIGKILL');
    },
    terminate: (app) => end(apps[app], 'SIGTERM'),
    async restart(app) {
      apps[app] = start(app);
      await ready(rollcall, apps[app]);
    },
    client: (contract, service) => channelOf(service).client(contract, service),
    output: () => output,
    commandLines: () =>
      Object.values(apps)
        .map(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
        .join('\n'),
    memory: () => ({
      userService: residentBytes(apps['user-service']),
      chatService: residentBytes(apps['chat-service']),
      gateway: residentBytes(apps.gateway),
    }),
    stop: () => Promise.all(Object.values(apps).map((child) => end(child, 'SIGTERM'))),
    async [Symbol.asyncDispose]() {
      channel.close();
      chatChannel.close();
      await rollcall.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await ready(rollcall, ...Object.values(apps));
  return rollcall;
}

async function ready(rollcall: Rollcall, ...children: ChildProcess[]): Promise<void> {
  for (;;) {
    const ended = children.find((child) => child.exitCode !== null);
    if (ended !== undefined)
      throw new Error(`a process ended with exit code ${ended.exitCode} before it was ready: ${rollcall.output()}`);
    if ('host' in rollcall.rest || existsSync(rollcall.socketPath)) {
      const answer = await ask(rollcall, '/readyz').catch(() => undefined);
      if (answer?.status === 200) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function residentBytes({ pid }: ChildProcess): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export interface Asked {
  readonly verb?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  /** Keeps connections; by default each request has its own. */
  readonly agent?: Agent;
}

/** Opens an HTTP request; its body is the caller's to write. */
export function openRequest(
  { rest, trusted }: Rollcall,
  path: string,
  { verb = 'GET', headers = {}, agent }: Asked = {},
): ClientRequest {
  const options = { ...rest, path, method: verb, headers, agent: agent ?? (false as const) };
  return trusted === undefined
    ? httpRequest(options)
    : httpsRequest({ ...options, ca: trusted, servername: 'localhost' });
}

/** Sends an HTTP request, and reads the answer to its end. */
export async function ask(rollcall: Rollcall, path: string, asked: Asked = {}): Promise<Answer> {
  const request = openRequest(rollcall, path, asked);
  request.end(asked.body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

/** Sends JSON, and reads JSON. */
export async function send(
  rollcall: Rollcall,
  verb: string,
  path: string,
  json: unknown,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const { status, text } = await ask(rollcall, path, {
    verb,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(json),
  });
  return { status, json: JSON.parse(text) as Record<string, unknown> };
}
